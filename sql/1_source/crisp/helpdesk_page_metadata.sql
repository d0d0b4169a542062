-- grain: one row per description of a page of the newer help center
-- key: source_key
-- parent_key is the key of its page.
with

helpdesk_page_metadata as (
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
            'format TEXT PATH $.format, title TEXT PATH $.title,
             description TEXT PATH $.description, is_published BOOL PATH $.state.published,
             is_hidden BOOL PATH $.state.hidden, is_featured BOOL PATH $.state.featured,
             author_id TEXT PATH $.author.user_id, color TEXT PATH $.color,
             image TEXT PATH $.image, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_page_metadata
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        document['format'] as format,
        nullif(trim(document['title']), '') as title,
        nullif(trim(document['description']), '') as description,
        document['is_published'] as is_published,
        document['is_hidden'] as is_hidden,
        document['is_featured'] as is_featured,
        nullif(document['author_id'], '') as author_id,
        nullif(trim(document['color']), '') as color,
        nullif(trim(document['image']), '') as image,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from helpdesk_page_metadata
)

select * from final order by source_key
