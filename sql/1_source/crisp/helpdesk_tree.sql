-- grain: one row per node at the top of the newer help center, with all below it
-- key: source_key
-- parent_key is locale and content type. Also names what is not published yet.
with

helpdesk_tree as (
    select
        platform,
        stream,
        key,
        parent_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        raw,
        json_row(
            raw,
            'type TEXT PATH $.type, slug TEXT PATH $.slug, title TEXT PATH $.title,
             is_published BOOL PATH $.state.published, is_hidden BOOL PATH $.state.hidden,
             is_featured BOOL PATH $.state.featured, children JSON PATH $.children,
             shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_tree
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        document['type'] as type,
        nullif(document['slug'], '') as slug,
        nullif(trim(document['title']), '') as title,
        document['is_published'] as is_published,
        document['is_hidden'] as is_hidden,
        document['is_featured'] as is_featured,
        nullif(document['children'], '[]') as children,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['slug'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['slug'], '') = '' then cut_text(raw, 2000) end as offending
    from helpdesk_tree
)

select * from final order by source_key
