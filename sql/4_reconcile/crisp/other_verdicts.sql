-- grain: one row per field that no list of the target shows, or that it holds less of by design
-- key: "table", field
-- column table: kind of record: customers or messages
-- column
-- column field: the field
-- column verdict: not_read, or lossy
-- column rule: the rule
-- column records: planned records that have such a field, in number
with

planned_customers as (
    select customer_id
    from plan.customers
    where meta is not null
),

planned_messages as (
    select
        from_agent,
        mention_agent_ids
    from plan.messages
),

final as (
    -- The data of people takes a call for each.
    select
        'customers' as "table",
        'data' as field,
        'not_read' as verdict,
        'not_in_lists' as rule,
        count(*) as records
    from planned_customers
    union all
    select
        'messages' as "table",
        'mentions' as field,
        'not_read' as verdict,
        'not_in_lists' as rule,
        count(*) as records
    from planned_messages
    where mention_agent_ids <> '[]'
    union all
    -- A message that is brought in names its author and is not linked to an operator.
    select
        'messages' as "table",
        'sender' as field,
        'lossy' as verdict,
        'author_by_name' as rule,
        count(*) as records
    from planned_messages
    where from_agent
)

select * from final order by "table", field
