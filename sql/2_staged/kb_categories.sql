-- grain: one row per category, section or folder of the help center, in one language
-- key: category_id
-- The older generation has categories with sections; the newer one has a tree of any depth, whose
-- nodes of type group are categories.
-- column platform: where it comes from
-- column category_id: its id: language, then the source's ids or the way down the tree
-- column stream: the stream of the landed record
-- column source_id: key of the landed record; of the node at the top for one that hangs below
-- column snapshot: the snapshot that holds it
-- column locale: its language, as the source writes it
-- column content_type: `articles`, `guides`, `references` or `news`
-- column parent_category_id: the category it hangs in, null at the top
-- column path: the way down the tree, by slug; by name in the older generation [helpdesk_tree
--   $.slug, helpdesk_tree $.children]
-- column title: what it is called [helpdesk_categories $.name, helpdesk_sections $.name,
--   helpdesk_tree $.title, helpdesk_tree $.children]
-- column description: what it holds, null where nobody says [helpdesk_categories $.description,
--   helpdesk_sections $.description]
-- column color: its colour, null where it has none [helpdesk_categories $.color]
-- column image_url: address of its picture, null where it has none [helpdesk_categories $.image]
-- column position: its place among its neighbours, from 1 [helpdesk_categories $.order,
--   helpdesk_sections $.order]
-- column is_published: whether readers see it [helpdesk_tree $.state.published, helpdesk_tree
--   $.children]
-- column url: its address, null where it has none [helpdesk_categories $.url, helpdesk_sections
--   $.url]
-- column created_at: when it was made, UTC, null where the source does not say [helpdesk_categories
--   $.created_at, helpdesk_sections $.created_at]
-- column updated_at: when it was changed last, UTC, null where the source does not say
--   [helpdesk_categories $.updated_at, helpdesk_sections $.updated_at]
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
    from staged.kb_nodes
    where type = 'group'
),

everything as (
    select
        platform,
        source_key as category_id,
        stream,
        source_key as source_id,
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
        sections.source_key as source_id,
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
        source_key as source_id,
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
        source_id,
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
