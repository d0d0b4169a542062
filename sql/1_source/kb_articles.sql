-- grain: one row per article of the help center, in one language
-- key: article_id
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column article_id: its id, with the language
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column locale: its language
-- column content_type: articles, guides, references or news
-- column category_id: the category it hangs in; null at the top
-- column categories: how many categories list it
-- column title: what it is called
-- column slug: its name in addresses; null where there is none
-- column description: a line about it
-- column keywords: JSON, words by which it shall be found; null where there are none
-- column tree_path: the way down the tree; null where there is none
-- column position: its place among its neighbours
-- column is_published: whether it is published
-- column visibility: `visible`, `hidden` (left out of lists) or `internal` (for the team only)
-- column is_featured: whether it is shown first
-- column author_agent_id: who wrote it
-- column body_markdown: its text where the source writes Markdown; else null
-- column body_html: its text where the source writes HTML, as it was written; else null
-- column is_landed: whether its text was landed, if only an empty one
-- column visits: how often it was read
-- column url: its address
-- column color: its colour
-- column image_url: address of its picture
-- column created_at: when it was made, UTC
-- column updated_at: when it changed last, UTC
-- column published_at: when it was published, UTC
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as article_id,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as locale,
        cast(null as varchar) as content_type,
        cast(null as varchar) as category_id,
        cast(null as bigint) as categories,
        cast(null as varchar) as title,
        cast(null as varchar) as slug,
        cast(null as varchar) as description,
        cast(null as varchar) as keywords,
        cast(null as varchar) as tree_path,
        cast(null as bigint) as position,
        cast(null as boolean) as is_published,
        cast(null as varchar) as visibility,
        cast(null as boolean) as is_featured,
        cast(null as varchar) as author_agent_id,
        cast(null as varchar) as body_markdown,
        cast(null as varchar) as body_html,
        cast(null as boolean) as is_landed,
        cast(null as bigint) as visits,
        cast(null as varchar) as url,
        cast(null as varchar) as color,
        cast(null as varchar) as image_url,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as published_at
    where false
)

select * from final order by article_id
