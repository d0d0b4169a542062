-- grain: one row per node of the trees of the newer help center
-- key: node_id
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record, the node at the top
-- column snapshot: the snapshot that holds it
-- column node_id: language, content type and the way down the tree, by slug [helpdesk_tree $.slug,
--   helpdesk_tree $.children]
-- column parent_id: the node it hangs on, null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column path: the way down the tree, by slug
-- column type: `group` for a category, `entry` for an article [helpdesk_tree $.type, helpdesk_tree
--   $.children]
-- column title: what it is called [helpdesk_tree $.title, helpdesk_tree $.children]
-- column position: its place among its neighbours, from 1
-- column is_published: whether it is published [helpdesk_tree $.state.published, helpdesk_tree
--   $.children]
-- column is_hidden: whether it is left out of lists [helpdesk_tree $.state.hidden, helpdesk_tree
--   $.children]
-- column is_featured: whether it is shown first [helpdesk_tree $.state.featured, helpdesk_tree
--   $.children]
with

final as (
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
        type,
        title,
        position,
        is_published,
        is_hidden,
        is_featured
    from source.kb_nodes
)

select * from final order by node_id
