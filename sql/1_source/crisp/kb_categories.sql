-- grain: one row per category, section or folder of the help center, in one language
-- key: category_id
-- The older generation has categories with sections; the newer one has a tree of any depth, whose
-- nodes of type group are categories.
with

categories as (
    select
        platform,
        stream,
        source_key,
        parent_key,
        snapshot,
        name,
        category_id,
        description,
        color,
        image,
        position,
        url,
        created_at,
        updated_at
    from source.helpdesk_categories
    where quarantine_rule is null
),

sections as (
    select
        platform,
        stream,
        source_key,
        parent_key,
        snapshot,
        name,
        section_id,
        description,
        position,
        url,
        created_at,
        updated_at
    from source.helpdesk_sections
    where quarantine_rule is null
),

tree as (
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
        is_published
    from source.kb_nodes
    where type = 'group'
),

everything as (
    select
        platform,
        source_key as category_id,
        stream,
        source_key,
        snapshot,
        split_part(source_key, '/', 1) as locale,
        'articles' as content_type,
        cast(null as varchar) as parent_category_id,
        coalesce(name, category_id) as path,
        coalesce(name, category_id) as title,
        description,
        color,
        image as image_url,
        position,
        true as is_published,
        url,
        created_at,
        updated_at
    from categories
    union all
    select
        sections.platform,
        sections.source_key as category_id,
        sections.stream,
        sections.source_key,
        sections.snapshot,
        split_part(sections.source_key, '/', 1) as locale,
        'articles' as content_type,
        sections.parent_key as parent_category_id,
        concat(
            coalesce(categories.name, categories.category_id),
            '/',
            coalesce(sections.name, sections.section_id)
        ) as path,
        coalesce(sections.name, sections.section_id) as title,
        sections.description,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        sections.position,
        true as is_published,
        sections.url,
        sections.created_at,
        sections.updated_at
    from sections
    left join categories on sections.parent_key = categories.source_key
    union all
    select
        platform,
        node_id as category_id,
        stream,
        source_key,
        snapshot,
        locale,
        content_type,
        parent_id as parent_category_id,
        path,
        title,
        cast(null as varchar) as description,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        position,
        is_published,
        cast(null as varchar) as url,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    from tree
),

final as (
    select
        platform,
        category_id,
        stream,
        source_key,
        snapshot,
        locale,
        content_type,
        parent_category_id,
        path,
        title,
        description,
        color,
        image_url,
        position,
        is_published,
        url,
        created_at,
        updated_at
    from everything
)

select * from final order by category_id
