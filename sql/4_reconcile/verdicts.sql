-- grain: one row per kind of record, field, verdict and rule
-- key: "table", field, verdict, rule
-- Every field of every record has one verdict: existence is judged for each staged record, of tags
-- and agents for each planned one, and the other fields for each that the target has; fields that
-- no list shows for each that has a planned value.
-- column table: kind of record: customers, tickets, messages, attachments, tags, agents, sections
--   or articles
-- column
-- column field: the field; existence says whether the record is there once; of a custom field
--   custom_fields, a dot and its name
-- column verdict: exact; transformed, lossy or dropped by a rule; changed_by_vendor after it was
--   written; not_read where the target did not show the field; unexplained
-- column rule: the rule; null for what is exact or unexplained
-- column records: how many records, in number
with

counts as (
    select
        "table",
        staged,
        in_target
    from reconcile.counts
    union all
    select
        'agents' as "table",
        count(*) as staged,
        count(records.target_id) filter (where records.state = 'done') as in_target
    from plan.agents as planned
    left join ledger.records as records
        on records.kind = 'agent' and planned.agent_id = records.source_id
    union all
    select 'tags' as "table", count(*) as staged, count(*) as in_target
    from plan.tags
),

fields as (
    select
        "table",
        field
    from reconcile.fields
),

planned_customers as (
    select customer_id
    from plan.customers
),

-- A field that is not judged for a record is not explained for it either.
present as (
    select 'customers' as "table", records.source_id
    from ledger.records as records
    left semi join planned_customers on records.source_id = planned_customers.customer_id
    inner join readback.customers on records.target_id = customers.target_id
    where records.kind = 'customer'
    union all
    select 'tickets' as "table", tickets.ticket_id as source_id
    from plan.tickets
    left semi join readback.tickets as found on tickets.external_id = found.external_id
    union all
    select 'sections' as "table", planned.section_id as source_id
    from plan.sections as planned
    inner join ledger.records as records
        on records.kind = 'section' and planned.section_id = records.source_id
    left semi join readback.sections as found on records.target_id = found.target_id
    union all
    select 'articles' as "table", planned.article_id as source_id
    from plan.articles as planned
    inner join ledger.records as records
        on records.kind = 'article' and planned.article_id = records.source_id
    left semi join readback.articles as found on records.target_id = found.target_id
    union all
    select 'messages' as "table", messages.message_id as source_id
    from plan.messages
    left semi join readback.messages as found on messages.message_id = found.external_id
),

explained as (
    select
        explained_fields."table",
        explained_fields.source_id,
        explained_fields.field,
        explained_fields.verdict,
        explained_fields.rule
    from reconcile.explained_fields
    left semi join present
        on explained_fields."table" = present."table"
        and explained_fields.source_id = present.source_id
    where explained_fields.field <> 'existence'
    union all
    select "table", source_id, field, verdict, rule
    from reconcile.explained_fields
    where field = 'existence'
),

differing as (
    select
        "table",
        source_id,
        field,
        verdict,
        rule
    from reconcile.differences
),

-- What differs in the end outweighs what a rule did before. A record may differ in one field more
-- than once, when the target has it twice.
judged as (
    select "table", source_id, field, verdict, rule from differing
    union all
    select explained."table", explained.source_id, explained.field, explained.verdict,
        explained.rule
    from explained
    left anti join differing
        on explained."table" = differing."table"
        and explained.source_id = differing.source_id
        and explained.field = differing.field
),

counted as (
    select
        "table",
        field,
        verdict,
        rule,
        count(distinct source_id) as records
    from judged
    group by "table", field, verdict, rule
),

-- Records of the target that were not planned have no field that could be exact.
not_exact as (
    select
        judged."table",
        judged.field,
        count(distinct judged.source_id) as records
    from judged
    left anti join (
        select "table", source_id
        from reconcile.differences
        where field = 'existence' and expected = 'none'
    ) as extra
        on judged."table" = extra."table" and judged.source_id = extra.source_id
    group by judged."table", judged.field
),

exact as (
    select
        fields."table",
        fields.field,
        'exact' as verdict,
        cast(null as varchar) as rule,
        case when fields.field = 'existence' then counts.staged else counts.in_target end
            - coalesce(not_exact.records, 0) as records
    from fields
    inner join counts on fields."table" = counts."table"
    left join not_exact
        on fields."table" = not_exact."table" and fields.field = not_exact.field
),

-- What no list shows is judged for the records that were read alone.
unlisted as (
    select
        "table",
        source_id,
        field,
        is_read,
        is_different
    from reconcile.unlisted_values
),

exact_alone as (
    select
        unlisted."table",
        unlisted.field,
        'exact' as verdict,
        cast(null as varchar) as rule,
        count(*) as records
    from unlisted
    left anti join judged
        on unlisted."table" = judged."table"
        and unlisted.source_id = judged.source_id
        and unlisted.field = judged.field
    where unlisted.is_read and not unlisted.is_different
    group by unlisted."table", unlisted.field
),

not_read as (
    select
        "table",
        field,
        'not_read' as verdict,
        'not_in_lists' as rule,
        count(*) as records
    from unlisted
    where not is_read
    group by "table", field
),

final as (
    select "table", field, verdict, rule, records from counted
    union all
    select "table", field, verdict, rule, records from exact where records <> 0
    union all
    select "table", field, verdict, rule, records from exact_alone
    union all
    select "table", field, verdict, rule, records from not_read
    union all
    select "table", field, verdict, rule, records from reconcile.other_verdicts
    where records > 0
)

select * from final order by "table", field, verdict, rule
