-- grain: one row per article of the help center to be made: none, where a target takes none
-- key: seq
-- column seq: place in the replay, from 1
-- column article_id: the staged article
-- column section_id: the section that it hangs in; null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column title: what it is called
-- column description: a line about it; may be null
-- column slug: its name in addresses
-- column path: its way from the top, by slugs
-- column body: its text, Markdown
-- column is_published: whether it is published
-- column is_hidden: whether it is left out of lists
-- column is_featured: whether it is shown first
-- column files: pictures that its text shows, as a JSON list
-- column bytes: at most how many bytes the largest of its calls has
-- column is_loaded: whether the followed run brought it in
-- column is_changed: whether the source changed it since then
-- column version: a number that changes when what is carried of it does
with

final as (
    select
        cast(1 as bigint) as seq,
        article_id,
        section_id,
        locale,
        content_type,
        title,
        description,
        slug,
        path,
        body,
        is_published,
        is_hidden,
        is_featured,
        files,
        cast(0 as bigint) as bytes,
        true as is_loaded,
        false as is_changed,
        version
    from before.articles
    where false
)

select * from final order by seq
