-- grain: one row per help center of the workspace
-- key: source_key
with

helpdesk as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'name TEXT PATH $.name, url TEXT PATH $.url, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['url']), '') as url,
        raw as definition,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from helpdesk
)

select * from final order by source_key
