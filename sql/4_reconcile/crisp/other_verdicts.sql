-- grain: one row per field that no list of the target shows, or that it holds less of by design
-- key: "table", field
-- column table: kind of record: customers, messages or sections
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
    -- What a folder of the newer help center says of itself takes a call for each.
    select
        'sections' as "table",
        'description' as field,
        'not_read' as verdict,
        'not_in_lists' as rule,
        count(*) as records
    from plan.sections
    cross join config.mapping as mapping
    where sections.description is not null and mapping.help_center = 'new'
    union all
    select
        'sections' as "table",
        'color' as field,
        'not_read' as verdict,
        'not_in_lists' as rule,
        count(*) as records
    from plan.sections
    cross join config.mapping as mapping
    where sections.color is not null and mapping.help_center = 'new'
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
