-- grain: one row per node of the trees of the newer help center
-- key: node_id
-- The list gives the nodes at the top, each with all that hangs below it. A tree is walked down to
-- its leaves, however deep it is.
with recursive

tops as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        parent_key,
        slug,
        type,
        coalesce(title, slug) as title,
        is_published,
        is_hidden,
        is_featured,
        children,
        row_number() over (
            partition by parent_key
            order by exchange_id, ordinal, source_key
        ) as position
    from source.helpdesk_tree
    where quarantine_rule is null
),

nodes as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        concat(parent_key, '/', slug) as node_id,
        cast(null as varchar) as parent_id,
        type,
        title,
        cast(position as bigint) as position,
        is_published,
        is_hidden,
        is_featured,
        children
    from tops
    union all
    select
        platform,
        stream,
        source_key,
        snapshot,
        concat(parent_id, '/', child['slug']) as node_id,
        parent_id,
        child['type'] as type,
        coalesce(child['title'], child['slug']) as title,
        position,
        child['is_published'] as is_published,
        child['is_hidden'] as is_hidden,
        child['is_featured'] as is_featured,
        child['children'] as children
    from (
        select
            platform,
            stream,
            source_key,
            snapshot,
            parent_id,
            position,
            json_row(
                item,
                'type TEXT PATH $.type, slug TEXT PATH $.slug, title TEXT PATH $.title,
                 is_published BOOL PATH $.state.published, is_hidden BOOL PATH $.state.hidden,
                 is_featured BOOL PATH $.state.featured, children JSON PATH $.children'
            ) as child
        from (
            select
                platform,
                stream,
                source_key,
                snapshot,
                node_id as parent_id,
                unnest(json_items(children)) as item,
                unnest(
                    range(1, cast(array_length(json_items(children)) as bigint) + 1)
                ) as position
            from nodes
            where children is not null and children <> '[]'
        ) as items
    ) as below
    where child['slug'] is not null
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        node_id,
        parent_id,
        split_part(node_id, '/', 1) as locale,
        split_part(node_id, '/', 2) as content_type,
        substr(
            node_id,
            length(split_part(node_id, '/', 1)) + length(split_part(node_id, '/', 2)) + 3
        ) as path,
        coalesce(type, 'entry') as type,
        title,
        position,
        coalesce(is_published, false) as is_published,
        coalesce(is_hidden, false) as is_hidden,
        coalesce(is_featured, false) as is_featured
    from nodes
)

select * from final order by node_id
