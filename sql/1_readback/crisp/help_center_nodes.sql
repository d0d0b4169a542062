-- grain: one row per node of the trees of the target's newer help center
-- key: target_id
-- The list gives the nodes at the top, each with all that hangs below it. Languages are listed
-- first: without them nothing else of a help center is read.
-- column target_id: language, content type and the way down the tree
-- column parent_target_id: the node it hangs on; null at the top
-- column type: `group` for a section, `entry` for an article
-- column title: what it is called
-- column is_published: whether it is published
-- column is_hidden: whether it is left out of lists
-- column is_featured: whether it is shown first
with recursive

helpdesk_locales as (
    select key as locale
    from landing.helpdesk_locales
),

helpdesk_tree as (
    select
        parent_key,
        json_row(
            raw,
            'type TEXT PATH $.type, slug TEXT PATH $.slug, title TEXT PATH $.title,
             is_published BOOL PATH $.state.published, is_hidden BOOL PATH $.state.hidden,
             is_featured BOOL PATH $.state.featured, children JSON PATH $.children'
        ) as node
    from landing.helpdesk_tree
),

nodes as (
    select
        concat(parent_key, '/', node['slug']) as target_id,
        cast(null as varchar) as parent_target_id,
        node['type'] as type,
        node['title'] as title,
        node['is_published'] as is_published,
        node['is_hidden'] as is_hidden,
        node['is_featured'] as is_featured,
        node['children'] as children
    from helpdesk_tree
    where node['slug'] is not null
    union all
    select
        concat(parent_target_id, '/', child['slug']) as target_id,
        parent_target_id,
        child['type'] as type,
        child['title'] as title,
        child['is_published'] as is_published,
        child['is_hidden'] as is_hidden,
        child['is_featured'] as is_featured,
        child['children'] as children
    from (
        select
            parent_target_id,
            json_row(
                item,
                'type TEXT PATH $.type, slug TEXT PATH $.slug, title TEXT PATH $.title,
                 is_published BOOL PATH $.state.published, is_hidden BOOL PATH $.state.hidden,
                 is_featured BOOL PATH $.state.featured, children JSON PATH $.children'
            ) as child
        from (
            select
                target_id as parent_target_id,
                unnest(json_items(children)) as item
            from nodes
            where children is not null and children <> '[]'
        ) as items
    ) as below
    where child['slug'] is not null
),

final as (
    select
        target_id,
        parent_target_id,
        coalesce(type, 'entry') as type,
        title,
        coalesce(is_published, false) as is_published,
        coalesce(is_hidden, false) as is_hidden,
        coalesce(is_featured, false) as is_featured
    from nodes
    left semi join helpdesk_locales on split_part(nodes.target_id, '/', 1) = helpdesk_locales.locale
)

select * from final order by target_id
