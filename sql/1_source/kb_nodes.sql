-- grain: one row per node of a tree of the help center
-- key: node_id
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column node_id: its id
-- column parent_id: the node it hangs on; null at the top
-- column locale: its language
-- column content_type: articles, guides, references or news
-- column path: the way down the tree
-- column type: `group` for a category, `entry` for an article
-- column title: what it is called
-- column position: its place among its neighbours, from 1
-- column is_published: whether it is published
-- column is_hidden: whether it is left out of lists
-- column is_featured: whether it is shown first
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as node_id,
        cast(null as varchar) as parent_id,
        cast(null as varchar) as locale,
        cast(null as varchar) as content_type,
        cast(null as varchar) as path,
        cast(null as varchar) as type,
        cast(null as varchar) as title,
        cast(null as bigint) as position,
        cast(null as boolean) as is_published,
        cast(null as boolean) as is_hidden,
        cast(null as boolean) as is_featured
    where false
)

select * from final order by node_id
