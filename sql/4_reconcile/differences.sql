-- grain: one row per record and field in which staged and target differ
-- key: "table", source_id, target_id, field
-- Exact matches are not listed. A difference that a rule explains carries the rule's name. Fields
-- that the target fills in by itself afterwards are not compared: language, intents, its own custom
-- fields, times of processing and updating, and pages, which it may clean.
-- column table: kind of record: customers, tickets or messages
-- column
-- column source_id: id of the record in the source; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was staged, as text
-- column found: what the target holds, as text
-- column verdict: by_rule when a rule explains it, else unexplained
-- column rule: the rule that explains it; null when none does
with

customers as (
    select source_id, target_id, field, expected, found, rule
    from reconcile.customer_differences
),

tickets as (
    select source_id, target_id, field, expected, found, rule
    from reconcile.ticket_differences
),

messages as (
    select source_id, target_id, field, expected, found, rule
    from reconcile.message_differences
),

everything as (
    select 'customers' as kind, source_id, target_id, field, expected, found, rule from customers
    union all
    select 'tickets' as kind, source_id, target_id, field, expected, found, rule from tickets
    union all
    select 'messages' as kind, source_id, target_id, field, expected, found, rule from messages
),

final as (
    select
        kind as "table",
        source_id,
        target_id,
        field,
        expected,
        found,
        case when rule is null then 'unexplained' else 'by_rule' end as verdict,
        rule
    from everything
)

select * from final order by "table", source_id, target_id, field
