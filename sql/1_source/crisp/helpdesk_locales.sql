-- grain: one row per language of the help center
-- key: source_key
with

helpdesk_locales as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'locale_id TEXT PATH $.locale_id, locale TEXT PATH $.locale,
             url TEXT PATH $.url, articles BIGINT PATH $.articles,
             categories BIGINT PATH $.categories, statistics JSON PATH $.statistics,
             shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_locales
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['locale_id'], '') as locale_id,
        nullif(document['locale'], '') as locale,
        nullif(trim(document['url']), '') as url,
        document['articles'] as articles,
        document['categories'] as categories,
        document['statistics'] as statistics,
        raw as definition,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['locale'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['locale'], '') = '' then cut_text(raw, 2000) end as offending
    from helpdesk_locales
)

select * from final order by source_key
