-- grain: one row per custom attribute, and per field of the source itself that has no column
-- key: object, field
with

properties as (
    select
        platform,
        source_key as kind,
        unnest(json_entries(properties)) as entry
    from source.metadata
    where quarantine_rule is null and source_key in ('conversation', 'customer', 'company')
),

described as (
    select
        platform,
        case kind when 'conversation' then 'ticket' else 'customer' end as object,
        concat(case kind when 'company' then 'company.' else '' end, entry['key']) as field,
        kind,
        entry['key'] as name,
        json_row(
            entry['value'],
            'label TEXT PATH $.displayName, type TEXT PATH $.type'
        ) as document
    from properties
),

custom as (
    select
        platform,
        object,
        field,
        concat(
            case kind when 'company' then 'Company: ' else '' end,
            coalesce(nullif(one_line(document['label']), ''), name)
        ) as label,
        case
            when document['type'] in ('number', 'boolean', 'date') then document['type']
            when document['type'] is not null then 'text'
            when name like '%Num' then 'number'
            when name like '%Bool' then 'boolean'
            when name like '%At' then 'date'
            else 'text'
        end as type
    from described
),

own as (
    select
        object,
        field,
        min(platform) as platform,
        min(type) as type
    from source.field_values
    where field like '%.%'
    group by object, field
),

undescribed as (
    select
        own.platform,
        own.object,
        own.field,
        own.type
    from own
    left anti join custom on own.object = custom.object and own.field = custom.field
),

final as (
    select
        platform,
        object,
        field,
        label,
        true as is_custom,
        type
    from custom
    union all
    select
        platform,
        object,
        field,
        lower(
            regexp_replace(
                replace(replace(field, 'conversation.', ''), 'customer.', ''),
                '([a-z])[.]?([A-Z])|[.]',
                '${1} ${2}',
                'g'
            )
        ) as label,
        false as is_custom,
        type
    from undescribed
)

select * from final order by object, field
