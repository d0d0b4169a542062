-- grain: one row per article of the older help center, without its text
-- key: source_key
-- parent_key is the locale.
with

helpdesk_articles as (
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
            'article_id TEXT PATH $.article_id, title TEXT PATH $.title,
             description TEXT PATH $.description, status TEXT PATH $.status,
             visibility TEXT PATH $.visibility, visits BIGINT PATH $.visits,
             position BIGINT PATH $.order, url TEXT PATH $.url,
             created_ms BIGINT PATH $.created_at, updated_ms BIGINT PATH $.updated_at,
             published_ms BIGINT PATH $.published_at, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_articles
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['article_id'], '') as article_id,
        nullif(trim(document['title']), '') as title,
        nullif(trim(document['description']), '') as description,
        document['status'] as status,
        document['visibility'] as visibility,
        document['visits'] as visits,
        document['position'] as position,
        nullif(trim(document['url']), '') as url,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        utc_of_ms(document['published_ms']) as published_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['article_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['article_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from helpdesk_articles
)

select * from final order by source_key
