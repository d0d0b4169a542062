-- grain: one row per value that an object has in a field without a column of its own
-- key: object, object_id, field, source_id
-- Keys of custom data have letters, digits, - and _ only; a field of the source that has no column
-- is named by its path, which has a dot, so that the two never meet.
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

ticket_data as (
    select
        platform,
        stream,
        source_key,
        ticket_id as object_id,
        unnest(json_entries(data)) as entry
    from source.tickets
    where quarantine_rule is null and data is not null
),

ticket_fields as (
    select
        platform,
        stream,
        source_key,
        ticket_id as object_id,
        unnest(make_array(
            named_struct('key', 'meta.address', 'value', person_address),
            named_struct('key', 'meta.ip', 'value', device_ip),
            named_struct('key', 'meta.connection.isp', 'value', device_isp),
            named_struct('key', 'meta.device.geolocation.country', 'value', device_country),
            named_struct('key', 'meta.device.geolocation.region', 'value', device_region),
            named_struct('key', 'meta.device.geolocation.city', 'value', device_city),
            named_struct('key', 'meta.device.system.os.name', 'value', device_os),
            named_struct('key', 'meta.device.system.browser.name', 'value', device_browser)
        )) as entry
    from source.tickets
    where quarantine_rule is null
),

customers_of_people as (
    select
        value as person_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'person_id'
    group by value
),

person_data as (
    select
        platform,
        stream,
        source_key,
        person_id,
        unnest(json_entries(data)) as entry
    from source.customer_data
    where quarantine_rule is null and data is not null
),

person_fields as (
    select
        platform,
        stream,
        source_key,
        person_id,
        unnest(make_array(
            named_struct('key', 'person.avatar', 'value', avatar_url, 'type', 'string'),
            named_struct('key', 'person.gender', 'value', gender, 'type', 'string'),
            named_struct('key', 'person.address', 'value', address, 'type', 'string'),
            named_struct('key', 'person.description', 'value', description, 'type', 'string'),
            named_struct('key', 'person.website', 'value', website, 'type', 'string'),
            named_struct('key', 'person.profiles', 'value', profiles, 'type', 'string'),
            named_struct('key', 'person.employment.name', 'value', employer_name, 'type', 'string'),
            named_struct(
                'key', 'person.employment.domain', 'value', employer_domain, 'type', 'string'
            ),
            named_struct('key', 'person.employment.title', 'value', job_title, 'type', 'string'),
            named_struct('key', 'person.employment.role', 'value', job_role, 'type', 'string'),
            named_struct(
                'key', 'person.employment.seniority', 'value', job_seniority, 'type', 'string'
            ),
            named_struct('key', 'person.geolocation.country', 'value', country, 'type', 'string'),
            named_struct('key', 'person.geolocation.region', 'value', region, 'type', 'string'),
            named_struct('key', 'person.geolocation.city', 'value', city, 'type', 'string'),
            named_struct('key', 'profile.score', 'value', cast(score as varchar), 'type', 'number')
        )) as entry
    from source.customers
    where quarantine_rule is null
),

of_tickets as (
    select
        platform,
        stream,
        source_key,
        object_id,
        entry['key'] as field,
        entry['value'] as value,
        entry['type'] as json_type
    from ticket_data
    union all
    select
        platform,
        stream,
        source_key,
        object_id,
        entry['key'] as field,
        entry['value'] as value,
        'string' as json_type
    from ticket_fields
),

of_people as (
    select
        platform,
        stream,
        source_key,
        person_id,
        entry['key'] as field,
        entry['value'] as value,
        entry['type'] as json_type
    from person_data
    union all
    select
        platform,
        stream,
        source_key,
        person_id,
        entry['key'] as field,
        entry['value'] as value,
        entry['type'] as json_type
    from person_fields
),

values_of_customers as (
    select
        of_people.platform,
        of_people.stream,
        of_people.source_key,
        customers_of_people.customer_id,
        of_people.field,
        of_people.value,
        of_people.json_type,
        cast(
            row_number() over (
                partition by customers_of_people.customer_id, of_people.field
                order by of_people.source_key
            ) as bigint
        ) as rank
    from of_people
    inner join customers_of_people on of_people.person_id = customers_of_people.person_id
    where of_people.value is not null
),

everything as (
    select
        platform,
        'ticket' as object,
        object_id,
        field,
        1 as rank,
        json_type,
        value,
        stream,
        source_key
    from of_tickets
    where value is not null
    union all
    select
        platform,
        'customer' as object,
        customer_id as object_id,
        field,
        rank,
        json_type,
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
            when json_type in ('number', 'boolean') then json_type
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
