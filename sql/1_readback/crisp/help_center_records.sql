-- grain: one row per record of the target's help center that is no tree
-- key: stream, key
-- Of the older generation: categories, sections, and articles with their texts and places. Of the
-- newer one: pages, texts and descriptions of what readers see.
with

records as (
    select stream, key, parent_key, raw from landing.helpdesk_categories
    union all
    select stream, key, parent_key, raw from landing.helpdesk_sections
    union all
    select stream, key, parent_key, raw from landing.helpdesk_articles
    union all
    select stream, key, parent_key, raw from landing.helpdesk_article_bodies
    union all
    select stream, key, parent_key, raw from landing.helpdesk_article_categories
    union all
    select stream, key, parent_key, raw from landing.helpdesk_pages
    union all
    select stream, key, parent_key, raw from landing.helpdesk_page_contents
    union all
    select stream, key, parent_key, raw from landing.helpdesk_page_metadata
),

read as (
    select
        stream,
        key,
        parent_key,
        json_row(
            raw,
            'name TEXT PATH $.name, title TEXT PATH $.title,
             description TEXT PATH $.description, color TEXT PATH $.color,
             status TEXT PATH $.status, visibility TEXT PATH $.visibility,
             content TEXT PATH $.content, category_id TEXT PATH $.category_id,
             section_id TEXT PATH $.section_id, tree_path TEXT PATH $.tree_path'
        ) as document
    from records
),

final as (
    select
        stream,
        key,
        parent_key,
        coalesce(document['name'], document['title']) as title,
        nullif(document['description'], '') as description,
        nullif(document['color'], '') as color,
        coalesce(document['status'], 'draft') = 'published' as is_published,
        coalesce(document['visibility'], 'visible') = 'hidden' as is_hidden,
        coalesce(document['content'], '') as body,
        nullif(document['category_id'], '') as category_id,
        nullif(document['section_id'], '') as section_id,
        document['tree_path'] as tree_path
    from read
)

select * from final order by stream, key
