-- grain: one row per article of the target's help center
-- key: target_id
-- The newer generation hands out text and description of what is published only; is_read says
-- whether it did.
with

helpdesk_articles as (
    select
        key,
        json_row(
            raw,
            'title TEXT PATH $.title, description TEXT PATH $.description,
             status TEXT PATH $.status, visibility TEXT PATH $.visibility'
        ) as document
    from landing.helpdesk_articles
),

helpdesk_article_bodies as (
    select
        key,
        json_row(raw, 'content TEXT PATH $.content') as document
    from landing.helpdesk_article_bodies
),

helpdesk_article_categories as (
    select
        key,
        json_row(
            raw,
            'category_id TEXT PATH $.category_id, section_id TEXT PATH $.section_id'
        ) as document
    from landing.helpdesk_article_categories
),

helpdesk_page_contents as (
    select
        key,
        json_row(raw, 'content TEXT PATH $.content') as document
    from landing.helpdesk_page_contents
),

helpdesk_page_metadata as (
    select
        key,
        json_row(raw, 'description TEXT PATH $.description') as document
    from landing.helpdesk_page_metadata
),

entries as (
    select
        target_id,
        parent_target_id,
        title,
        is_published,
        is_hidden,
        is_featured
    from readback.help_center_nodes
    where type <> 'group'
),

everything as (
    select
        articles.key as target_id,
        case
            when nullif(places.document['category_id'], '') is not null
                then concat_ws(
                    '/',
                    split_part(articles.key, '/', 1),
                    places.document['category_id'],
                    nullif(places.document['section_id'], '')
                )
        end as section_target_id,
        'articles' as content_type,
        articles.document['title'] as title,
        articles.document['description'] as description,
        bodies.document['content'] as body,
        coalesce(articles.document['status'], 'draft') = 'published' as is_published,
        coalesce(articles.document['visibility'], 'visible') = 'hidden' as is_hidden,
        false as is_featured,
        bodies.key is not null as is_read
    from helpdesk_articles as articles
    left join helpdesk_article_bodies as bodies on articles.key = bodies.key
    left join helpdesk_article_categories as places on articles.key = places.key
    union all
    select
        entries.target_id,
        entries.parent_target_id as section_target_id,
        split_part(entries.target_id, '/', 2) as content_type,
        entries.title,
        descriptions.document['description'] as description,
        contents.document['content'] as body,
        entries.is_published,
        entries.is_hidden,
        entries.is_featured,
        contents.key is not null as is_read
    from entries
    left join helpdesk_page_contents as contents on entries.target_id = contents.key
    left join helpdesk_page_metadata as descriptions on entries.target_id = descriptions.key
),

final as (
    select
        target_id,
        section_target_id,
        split_part(target_id, '/', 1) as locale,
        content_type,
        title,
        nullif(description, '') as description,
        coalesce(body, '') as body,
        is_published,
        is_hidden,
        is_featured,
        is_read
    from everything
)

select * from final order by target_id
