-- grain: one row per planned record with a value that no list of the target shows
-- key: "table", external_id
-- Telephone numbers, custom fields and the meta of tickets are shown by the record alone.
-- column table: kind of record: customers or tickets
-- column external_id: the id that the target is told
-- column stream: the stream of the target's manifest that reads such a record alone
with

customers as (
    select external_id
    from plan.customers
    where phone is not null or custom_fields <> '[]'
),

tickets as (
    select external_id
    from plan.tickets
    where coalesce(meta, '{}') <> '{}' or custom_fields <> '[]'
),

final as (
    select 'customers' as "table", external_id, 'customer_details' as stream
    from customers
    union all
    select 'tickets' as "table", external_id, 'ticket_details' as stream
    from tickets
)

select * from final order by "table", external_id
