-- grain: one row per section of a category of the older help center
-- key: source_key
-- parent_key is the key of its category.
with

helpdesk_sections as (
    select
        platform,
        stream,
        key,
        parent_key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'section_id TEXT PATH $.section_id, name TEXT PATH $.name,
             description TEXT PATH $.description, position BIGINT PATH $.order,
             url TEXT PATH $.url, created_ms BIGINT PATH $.created_at,
             updated_ms BIGINT PATH $.updated_at, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_sections
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['section_id'], '') as section_id,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['description']), '') as description,
        document['position'] as position,
        nullif(trim(document['url']), '') as url,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['section_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['section_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from helpdesk_sections
)

select * from final order by source_key
