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

named as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        raw,
        document['is_valid'] as is_valid,
        nullif(document['entity_id'], '') as entity_id,
        nullif(trim(document['title']), '') as title,
        nullif(document['tree_path'], '') as tree_path,
        nullif(trim(document['url']), '') as url,
        document['shape'] as shape
    from helpdesk_pages
),

judged as (
    select
        platform,
        stream,
        source_key,
        parent_key,
        snapshot,
        fetched_at,
        entity_id,
        title,
        tree_path,
        url,
        shape,
        case
            when not is_valid then 'not_an_object'
            when entity_id is null or tree_path is null then 'missing_id'
        end as quarantine_rule,
        raw
    from named
),

final as (
    select
        platform,
        stream,
        source_key,
        parent_key,
        snapshot,
        fetched_at,
        entity_id,
        title,
        tree_path,
        url,
        shape,
        quarantine_rule,
        case when quarantine_rule is not null then cut_text(raw, 2000) end as offending
    from judged
)

select * from final order by source_key
