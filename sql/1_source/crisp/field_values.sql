-- grain: one row per value in a field without a column of its own
-- key: object, object_id, field, source_key
-- Custom data has no value where it holds null. A field of the source itself is named by its path.
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

person_data as (
    select
        platform,
        stream,
        source_key,
        person_id as object_id,
        unnest(json_entries(data)) as entry
    from source.customer_data
    where quarantine_rule is null and data is not null
),

person_fields as (
    select
        platform,
        stream,
        source_key,
        person_id as object_id,
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

everything as (
    select
        platform,
        'ticket' as object,
        object_id,
        entry['key'] as field,
        entry['type'] as type,
        entry['value'] as value,
        stream,
        source_key
    from ticket_data
    union all
    select
        platform,
        'ticket' as object,
        object_id,
        entry['key'] as field,
        'string' as type,
        entry['value'] as value,
        stream,
        source_key
    from ticket_fields
    union all
    select
        platform,
        'customer' as object,
        object_id,
        entry['key'] as field,
        entry['type'] as type,
        entry['value'] as value,
        stream,
        source_key
    from person_data
    union all
    select
        platform,
        'customer' as object,
        object_id,
        entry['key'] as field,
        entry['type'] as type,
        entry['value'] as value,
        stream,
        source_key
    from person_fields
),

final as (
    select
        platform,
        object,
        object_id,
        field,
        type,
        value,
        stream,
        source_key
    from everything
    where value is not null
)

select * from final order by object, object_id, field, source_key
