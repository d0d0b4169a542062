-- grain: one row per record and field in which plan and target differ
-- key: "table", source_id, target_id, field
-- Exact matches are not listed, nor what a rule did before the plan was made: verdicts counts both.
-- Fields that the target alone fills in are counted there too: language, intents.
-- column table: kind of record: customers, tickets, messages, attachments, tags, agents, sections
--   or articles
-- column
-- column source_id: id of the record in the source; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one; of a custom field
--   custom_fields, a dot and its name
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column verdict: transformed, lossy, dropped or changed_by_vendor when a rule explains it, else
--   unexplained
-- column rule: the rule that explains it; null when none does
with

all_differences as (
    select 'customers' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.customer_differences
    union all
    select 'tickets' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.ticket_differences
    union all
    select 'messages' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.message_differences
    union all
    select 'attachments' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.attachment_differences
    union all
    select 'sections' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.section_differences
    union all
    select 'articles' as kind, source_id, target_id, field, expected, found, rule
    from reconcile.article_differences
    union all
    select
        concat(kind, 's') as kind,
        source_id,
        target_id,
        'existence' as field,
        expected,
        found,
        rule
    from reconcile.help_center_existence
    union all
    select "table" as kind, source_id, target_id, field, expected, found, rule
    from reconcile.catalog_differences
),

-- What the target's lists do not show is compared where a record was read alone.
everything as (
    select
        all_differences.kind,
        all_differences.source_id,
        all_differences.target_id,
        all_differences.field,
        all_differences.expected,
        all_differences.found,
        all_differences.rule
    from all_differences
    left semi join reconcile.fields as fields
        on all_differences.kind = fields."table" and all_differences.field = fields.field
    union all
    select "table" as kind, source_id, target_id, field, expected, found, rule
    from reconcile.unlisted_values
    where is_different
),

rules as (
    select
        rule,
        "table",
        field,
        verdict
    from reconcile.rules
),

explained as (
    select
        "table",
        source_id,
        field,
        verdict,
        rule
    from reconcile.explained_fields
),

-- What the plan says otherwise than what was staged needs a rule of its own; a rule that nobody
-- gave a verdict explains nothing.
judged as (
    select
        everything.kind,
        everything.source_id,
        everything.target_id,
        everything.field,
        everything.expected,
        everything.found,
        coalesce(rules.verdict, explained.verdict, 'unexplained') as verdict,
        coalesce(rules.rule, explained.rule) as rule
    from everything
    -- A rule of custom fields holds for each of them.
    left join rules
        on everything.rule = rules.rule
        and everything.kind = rules."table"
        and split_part(everything.field, '.', 1) = rules.field
    left join explained
        on everything.rule = 'planned_otherwise'
        and everything.kind = explained."table"
        and everything.source_id = explained.source_id
        and everything.field = explained.field
),

final as (
    select
        kind as "table",
        source_id,
        target_id,
        field,
        expected,
        found,
        verdict,
        rule
    from judged
)

select * from final order by "table", source_id, target_id, field
