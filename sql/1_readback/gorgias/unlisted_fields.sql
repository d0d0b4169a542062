-- grain: one row per record and field that lists leave out, where the target showed it
-- key: "table", target_id, field
-- A record that was read alone shows each of its fields, those without a value too. What a list
-- shows counts as well; that a field is empty there, or absent, proves nothing.
-- column table: kind of record: customers or tickets
-- column target_id: id of the record in the target
-- column field: meta, phone or custom_fields
-- column value: meta as a JSON object, phone as a JSON list of numbers, custom_fields as the target
--   shows them, in JSON
with

read_alone as (
    select
        'customers' as "table",
        key,
        raw
    from landing.customer_details
    union all
    select
        'tickets' as "table",
        key,
        raw
    from landing.ticket_details
),

details as (
    select
        "table",
        key as target_id,
        json_row(
            raw,
            'channels JSON PATH $.channels, meta JSON PATH $.meta,
             custom_fields JSON PATH $.custom_fields'
        ) as document
    from read_alone
),

customer_details as (
    select
        target_id,
        document
    from details
    where "table" = 'customers'
),

ticket_details as (
    select
        target_id,
        document
    from details
    where "table" = 'tickets'
),

listed_customers as (
    select
        target_id,
        channels,
        custom_fields
    from readback.customers
),

listed_tickets as (
    select
        target_id,
        meta,
        custom_fields
    from readback.tickets
),

-- What was read alone outweighs the list.
shown_customers as (
    select
        target_id,
        coalesce(document['channels'], '[]') as channels,
        coalesce(document['custom_fields'], '{}') as custom_fields
    from customer_details
    union all
    select
        listed_customers.target_id,
        listed_customers.channels,
        listed_customers.custom_fields
    from listed_customers
    left anti join customer_details on listed_customers.target_id = customer_details.target_id
),

shown_tickets as (
    select
        target_id,
        coalesce(json_sorted(document['meta']), '{}') as meta,
        coalesce(document['custom_fields'], '{}') as custom_fields
    from ticket_details
    union all
    select
        listed_tickets.target_id,
        listed_tickets.meta,
        listed_tickets.custom_fields
    from listed_tickets
    left anti join ticket_details on listed_tickets.target_id = ticket_details.target_id
),

channels as (
    select
        target_id,
        unnest(json_items(channels)) as channel
    from shown_customers
    where channels is not null
),

read_channels as (
    select
        target_id,
        json_row(
            channel,
            'type TEXT PATH $.type, address TEXT PATH $.address,
             deleted TEXT PATH $.deleted_datetime'
        ) as document
    from channels
),

numbers as (
    select
        target_id,
        concat(
            '[',
            string_agg(json_text(document['address']), ',' order by document['address']),
            ']'
        ) as numbers
    from read_channels
    where
        document['type'] = 'phone'
        and document['address'] is not null
        and document['deleted'] is null
    group by target_id
),

final as (
    select 'tickets' as "table", target_id, 'meta' as field, meta as value
    from shown_tickets
    where meta is not null
    union all
    select 'tickets' as "table", target_id, 'custom_fields' as field, custom_fields as value
    from shown_tickets
    where custom_fields is not null
    union all
    select 'customers' as "table", target_id, 'custom_fields' as field, custom_fields as value
    from shown_customers
    where custom_fields is not null
    union all
    select
        'customers' as "table",
        shown_customers.target_id,
        'phone' as field,
        coalesce(numbers.numbers, '[]') as value
    from shown_customers
    left join numbers on shown_customers.target_id = numbers.target_id
    where shown_customers.channels is not null
)

select * from final order by "table", target_id, field
