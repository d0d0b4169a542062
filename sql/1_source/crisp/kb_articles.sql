-- grain: one row per article of the help center, in one language
-- key: article_id
-- Both generations of the help center become the same rows. What the newer one has not published is
-- known from its tree alone, so such an article has no text.
with

bodies as (
    select
        source_key,
        content
    from source.helpdesk_article_bodies
    where quarantine_rule is null
),

places as (
    select
        source_key,
        category_id,
        section_id
    from source.helpdesk_article_categories
    where quarantine_rule is null
),

older as (
    select
        articles.platform,
        articles.source_key as article_id,
        articles.stream,
        articles.source_key,
        articles.snapshot,
        split_part(articles.source_key, '/', 1) as locale,
        'articles' as content_type,
        case
            when places.category_id is not null
                then concat_ws(
                    '/',
                    split_part(articles.source_key, '/', 1),
                    places.category_id,
                    places.section_id
                )
        end as category_id,
        coalesce(articles.title, articles.article_id) as title,
        articles.description,
        cast(null as varchar) as tree_path,
        articles.position,
        coalesce(articles.status, 'draft') = 'published' as is_published,
        coalesce(articles.visibility, 'visible') = 'hidden' as is_hidden,
        false as is_featured,
        cast(null as varchar) as author_agent_id,
        bodies.content as body,
        bodies.source_key is not null as is_landed,
        articles.visits,
        articles.url,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        articles.created_at,
        articles.updated_at,
        articles.published_at
    from source.helpdesk_articles as articles
    left join bodies on articles.source_key = bodies.source_key
    left join places on articles.source_key = places.source_key
    where articles.quarantine_rule is null
),

pages as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        concat(parent_key, '/', tree_path) as node_id,
        split_part(source_key, '/', 1) as locale,
        split_part(source_key, '/', 2) as content_type,
        tree_path,
        coalesce(title, tree_path, entity_id) as title,
        url
    from source.helpdesk_pages
    where quarantine_rule is null
),

contents as (
    select
        source_key,
        content
    from source.helpdesk_page_contents
    where quarantine_rule is null
),

descriptions as (
    select
        source_key,
        description,
        is_published,
        is_hidden,
        is_featured,
        author_id,
        color,
        image
    from source.helpdesk_page_metadata
    where quarantine_rule is null
),

entries as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        node_id,
        parent_id,
        locale,
        content_type,
        path,
        title,
        position,
        is_published,
        is_hidden,
        is_featured
    from source.kb_nodes
    where type <> 'group'
),

newer as (
    select
        pages.platform,
        pages.source_key as article_id,
        pages.stream,
        pages.source_key,
        pages.snapshot,
        pages.locale,
        pages.content_type,
        entries.parent_id as category_id,
        pages.title,
        descriptions.description,
        pages.tree_path,
        entries.position,
        coalesce(descriptions.is_published, true) as is_published,
        coalesce(descriptions.is_hidden, entries.is_hidden, false) as is_hidden,
        coalesce(descriptions.is_featured, entries.is_featured, false) as is_featured,
        descriptions.author_id as author_agent_id,
        contents.content as body,
        contents.source_key is not null as is_landed,
        cast(null as bigint) as visits,
        pages.url,
        descriptions.color,
        descriptions.image as image_url,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as published_at
    from pages
    left join contents on pages.node_id = contents.source_key
    left join descriptions on pages.node_id = descriptions.source_key
    left join entries on pages.node_id = entries.node_id
),

drafts as (
    select
        entries.platform,
        concat('draft:', entries.node_id) as article_id,
        entries.stream,
        entries.source_key,
        entries.snapshot,
        entries.locale,
        entries.content_type,
        entries.parent_id as category_id,
        entries.title,
        cast(null as varchar) as description,
        entries.path as tree_path,
        entries.position,
        entries.is_published,
        entries.is_hidden,
        entries.is_featured,
        cast(null as varchar) as author_agent_id,
        cast(null as varchar) as body,
        false as is_landed,
        cast(null as bigint) as visits,
        cast(null as varchar) as url,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as published_at
    from entries
    left anti join pages on entries.node_id = pages.node_id
),

everything as (
    select
        platform, article_id, stream, source_key, snapshot, locale, content_type, category_id,
        title, description, tree_path, position, is_published, is_hidden, is_featured,
        author_agent_id, body, is_landed, visits, url, color, image_url, created_at, updated_at,
        published_at
    from older
    union all
    select
        platform, article_id, stream, source_key, snapshot, locale, content_type, category_id,
        title, description, tree_path, position, is_published, is_hidden, is_featured,
        author_agent_id, body, is_landed, visits, url, color, image_url, created_at, updated_at,
        published_at
    from newer
    union all
    select
        platform, article_id, stream, source_key, snapshot, locale, content_type, category_id,
        title, description, tree_path, position, is_published, is_hidden, is_featured,
        author_agent_id, body, is_landed, visits, url, color, image_url, created_at, updated_at,
        published_at
    from drafts
),

final as (
    select
        platform,
        article_id,
        stream,
        source_key,
        snapshot,
        locale,
        content_type,
        category_id,
        cast(case when category_id is null then 0 else 1 end as bigint) as categories,
        title,
        cast(null as varchar) as slug,
        description,
        cast(null as varchar) as keywords,
        tree_path,
        position,
        is_published,
        case when is_hidden then 'hidden' else 'visible' end as visibility,
        is_featured,
        author_agent_id,
        body as body_markdown,
        cast(null as varchar) as body_html,
        is_landed,
        visits,
        url,
        color,
        image_url,
        created_at,
        updated_at,
        published_at
    from everything
)

select * from final order by article_id
