-- grain: one row per field that no list of the target shows, or that the target alone fills in
-- key: "table", field
-- column table: kind of record: customers, tickets or messages
-- column
-- column field: the field
-- column verdict: not_read, or changed_by_vendor
-- column rule: the rule
-- column records: planned records that have such a field, in number
with

planned_customers as (
    select
        customer_id,
        phone
    from plan.customers
),

planned_tickets as (
    select external_id
    from plan.tickets
),

planned_messages as (
    select
        message_id,
        mention_agent_ids
    from plan.messages
),

records_with_values as (
    select
        object,
        object_id
    from plan.field_values
    group by object, object_id
),

filled_by_vendor as (
    select 'tickets' as "table", 'language' as field, count(*) as records
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.external_id
    where tickets.language is not null
    union all
    select 'messages' as "table", 'intents' as field, count(*) as records
    from readback.messages
    left semi join planned_messages on messages.external_id = planned_messages.message_id
    where messages.has_intents
),

-- The target's lists show none of these, and one call for each record would be too many.
not_read as (
    select 'tickets' as "table", 'meta' as field, count(*) as records
    from planned_tickets
    union all
    select 'customers' as "table", 'phone' as field, count(*) as records
    from planned_customers
    where phone is not null
    union all
    select 'messages' as "table", 'mentions' as field, count(*) as records
    from planned_messages
    where mention_agent_ids <> '[]'
    union all
    select concat(object, 's') as "table", 'custom_fields' as field, count(*) as records
    from records_with_values
    group by object
),

final as (
    select "table", field, 'changed_by_vendor' as verdict, 'filled_by_vendor' as rule, records
    from filled_by_vendor
    union all
    select "table", field, 'not_read' as verdict, 'not_in_lists' as rule, records
    from not_read
)

select * from final order by "table", field
