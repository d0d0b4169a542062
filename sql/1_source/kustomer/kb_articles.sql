-- grain: one row per article of the knowledge base and language in which it is written
-- key: article_id
with

articles as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        article_id,
        locale,
        coalesce(title, slug, article_id) as title,
        slug,
        description,
        keywords,
        categories,
        is_published,
        is_public,
        html,
        created_at,
        updated_at,
        published_at
    from source.articles
    where quarantine_rule is null and drop_rule is null
),

categories as (
    select
        category_id,
        locale
    from source.kb_categories
),

listed as (
    select
        source_key,
        locale,
        json_row(unnest(json_items(categories)), 'id TEXT PATH $.id') as category,
        unnest(range(1, cast(array_length(json_items(categories)) as bigint) + 1)) as place
    from articles
    where categories is not null
),

-- Of several categories the first one that is there in the language is its place.
placed as (
    select
        listed.source_key,
        listed.place,
        categories.category_id
    from listed
    inner join categories
        on concat(listed.locale, '/', listed.category['id']) = categories.category_id
),

places as (
    select
        source_key,
        first_value(category_id order by place, category_id) as category_id,
        count(*) as categories
    from placed
    group by source_key
),

shelves as (
    select
        category_id,
        json_row(
            unnest(json_items(articles)),
            'id TEXT PATH $.id, position BIGINT PATH $.position'
        ) as entry
    from source.categories
    where quarantine_rule is null and articles is not null
),

positions as (
    select
        category_id,
        entry['id'] as article_id,
        min(entry['position']) as position
    from shelves
    group by category_id, entry['id']
),

final as (
    select
        articles.platform,
        articles.source_key as article_id,
        articles.stream,
        articles.source_key,
        articles.snapshot,
        articles.locale,
        'articles' as content_type,
        places.category_id,
        cast(coalesce(places.categories, 0) as bigint) as categories,
        articles.title,
        articles.slug,
        articles.description,
        cast(null as varchar) as tree_path,
        positions.position + 1 as position,
        articles.is_published,
        case when articles.is_public then 'visible' else 'internal' end as visibility,
        false as is_featured,
        cast(null as varchar) as author_agent_id,
        cast(null as varchar) as body_markdown,
        articles.html as body_html,
        articles.html is not null as is_landed,
        articles.keywords,
        cast(null as bigint) as visits,
        cast(null as varchar) as url,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        articles.created_at,
        articles.updated_at,
        articles.published_at
    from articles
    left join places on articles.source_key = places.source_key
    left join positions
        on articles.article_id = positions.article_id
            and places.category_id = concat(articles.locale, '/', positions.category_id)
)

select * from final order by article_id
