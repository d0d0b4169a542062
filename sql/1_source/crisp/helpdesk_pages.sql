-- grain: one row per published page of the newer help center
-- key: source_key
-- parent_key is locale and content type.
with

helpdesk_pages as (
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
            'entity_id TEXT PATH $.entity_id, title TEXT PATH $.title,
             tree_path TEXT PATH $.tree_path, url TEXT PATH $.url, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_pages
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['entity_id'], '') as entity_id,
        nullif(trim(document['title']), '') as title,
        nullif(document['tree_path'], '') as tree_path,
        nullif(trim(document['url']), '') as url,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['entity_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['entity_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from helpdesk_pages
)

select * from final order by source_key
