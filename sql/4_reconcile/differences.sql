-- grain: one row per record and field in which staged and target differ
-- key: "table", source_id, target_id, field
-- Exact matches are not listed. A difference that a rule explains carries the rule's name. Fields
-- that the target fills in by itself afterwards are not compared: language, intents, its own custom
-- fields, times of processing and updating, and pages, which it may clean.
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
