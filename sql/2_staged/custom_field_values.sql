-- grain: one row per value that an object has in a field without a column of its own
-- key: object, object_id, field, source_id
-- A text of which the source does not say what it is, is a date when it is written like one.
-- column platform: where it comes from
-- column object: `ticket` or `customer`
-- column object_id: id of the ticket, of its first part when it was split, or of the customer
-- column field: name of the field, as in custom_fields [conversations $.meta.data, conversations
--   $.meta.address, conversations $.meta.ip, conversations $.meta.connection.isp, conversations
--   $.meta.device.geolocation, conversations $.meta.device.system.os.name, conversations
--   $.meta.device.system.browser.name, people_data $.data, people $.person, people $.score]
-- column rank: 1 for the value that counts; others come from further profiles of the person
-- column type: `text`, `number`, `boolean` or `date`, by what this value is
-- column value: the value as text
-- column stream: the stream of the landed record
-- column source_id: key of the landed record
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

written as (
    select
        platform,
        object,
        object_id,
        field,
        type,
        value,
        stream,
        source_key
    from source.field_values
),

customers_of_people as (
    select
        value as person_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'person_id'
    group by value
),

values_of_customers as (
    select
        written.platform,
        written.stream,
        written.source_key,
        customers_of_people.customer_id,
        written.field,
        written.value,
        written.type,
        cast(
            row_number() over (
                partition by customers_of_people.customer_id, written.field
                order by written.source_key
            ) as bigint
        ) as rank
    from written
    inner join customers_of_people on written.object_id = customers_of_people.person_id
    where written.object = 'customer'
),

everything as (
    select
        written.platform,
        'ticket' as object,
        written.object_id,
        written.field,
        1 as rank,
        written.type,
        written.value,
        written.stream,
        written.source_key
    from written
    left anti join not_staged
        on written.stream = not_staged.stream and written.source_key = not_staged.source_key
    where written.object = 'ticket'
    union all
    select
        platform,
        'customer' as object,
        customer_id as object_id,
        field,
        rank,
        type,
        value,
        stream,
        source_key
    from values_of_customers
),

final as (
    select
        platform,
        object,
        object_id,
        field,
        rank,
        case
            when type in ('number', 'boolean', 'date', 'text') then type
            when regexp_like(value, '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}.*)?$')
                then 'date'
            else 'text'
        end as type,
        value,
        stream,
        source_key as source_id
    from everything
)

select * from final order by object, object_id, field, source_id
