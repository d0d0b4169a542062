-- grain: one row per category of the help center, in one language
-- key: category_id
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column category_id: its id, with the language
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column locale: its language
-- column content_type: articles, guides, references or news
-- column parent_category_id: the category it hangs in; null at the top
-- column path: the way down the tree
-- column title: what it is called
-- column description: what it holds
-- column color: its colour
-- column image_url: address of its picture
-- column position: its place among its neighbours
-- column is_published: whether readers see it
-- column url: its address
-- column created_at: when it was made, UTC
-- column updated_at: when it changed last, UTC
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as category_id,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as locale,
        cast(null as varchar) as content_type,
        cast(null as varchar) as parent_category_id,
        cast(null as varchar) as path,
        cast(null as varchar) as title,
        cast(null as varchar) as description,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        cast(null as bigint) as position,
        cast(null as boolean) as is_published,
        cast(null as varchar) as url,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    where false
)

select * from final order by category_id
