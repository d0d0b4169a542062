-- grain: one row per category of the knowledge base and language
-- key: category_id
-- The tree is told from above: a category lists those below it.
with recursive

categories as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        category_id,
        langs,
        is_published,
        categories,
        created_at,
        updated_at
    from source.categories
    where quarantine_rule is null and drop_rule is null
),

listed as (
    select
        category_id as parent_id,
        json_row(
            unnest(json_items(categories)),
            'id TEXT PATH $.id, position BIGINT PATH $.position'
        ) as child
    from categories
    where categories is not null
),

-- Whoever is listed by several hangs below the first of them.
links as (
    select
        child['id'] as category_id,
        min(parent_id) as parent_id,
        min(child['position']) as position
    from listed
    where child['id'] is not null and child['id'] <> parent_id
    group by child['id']
),

languages as (
    select
        category_id,
        unnest(json_entries(langs)) as entry
    from categories
),

titles as (
    select
        category_id,
        entry['key'] as locale,
        json_row(
            entry['value'],
            'title TEXT PATH $.title, slug TEXT PATH $.slug,
             description TEXT PATH $.description, is_disabled BOOL PATH $.disabled'
        ) as words
    from languages
),

named as (
    select
        categories.platform,
        categories.stream,
        categories.source_key,
        categories.snapshot,
        categories.category_id,
        titles.locale,
        coalesce(nullif(trim(titles.words['title']), ''), categories.category_id) as title,
        nullif(trim(titles.words['slug']), '') as slug,
        nullif(trim(titles.words['description']), '') as description,
        categories.is_published and not coalesce(titles.words['is_disabled'], false)
            as is_published,
        categories.created_at,
        categories.updated_at
    from categories
    inner join titles on categories.category_id = titles.category_id
),

-- Only what has a title in the language can be hung below.
placed as (
    select
        named.platform,
        named.stream,
        named.source_key,
        named.snapshot,
        named.category_id,
        named.locale,
        named.title,
        named.slug,
        named.description,
        named.is_published,
        named.created_at,
        named.updated_at,
        parents.category_id as parent_id,
        links.position
    from named
    left join links on named.category_id = links.category_id
    left join named as parents
        on links.parent_id = parents.category_id and named.locale = parents.locale
),

paths as (
    select
        category_id,
        locale,
        coalesce(slug, title) as path,
        1 as depth
    from placed
    where parent_id is null
    union all
    select
        placed.category_id,
        placed.locale,
        concat(paths.path, '/', coalesce(placed.slug, placed.title)) as path,
        paths.depth + 1 as depth
    from placed
    inner join paths
        on placed.parent_id = paths.category_id and placed.locale = paths.locale
    where paths.depth < 20
),

final as (
    select
        placed.platform,
        concat(placed.locale, '/', placed.category_id) as category_id,
        placed.stream,
        placed.source_key,
        placed.snapshot,
        placed.locale,
        'articles' as content_type,
        case
            -- Categories that list each other in a circle stand at the top.
            when paths.category_id is not null and placed.parent_id is not null
                then concat(placed.locale, '/', placed.parent_id)
        end as parent_category_id,
        coalesce(paths.path, placed.slug, placed.title) as path,
        placed.title,
        placed.description,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        placed.position + 1 as position,
        placed.is_published,
        cast(null as varchar) as url,
        placed.created_at,
        placed.updated_at
    from placed
    left join paths
        on placed.category_id = paths.category_id and placed.locale = paths.locale
)

select * from final order by category_id
