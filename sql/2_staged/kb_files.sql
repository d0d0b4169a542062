-- grain: one row per picture of the help center: shown inside an article, or as the cover of one
--   or of a category
-- key: owner, owner_id, ordinal
-- column platform: where it comes from
-- column owner: `article` or `category`
-- column owner_id: id of the article or category
-- column ordinal: its place among the pictures of its owner, from 1
-- column snapshot: the snapshot that holds the owner
-- column url: its address in the source
-- column name: the end of its address, one line, at most 255 characters
-- column is_cover: whether it is a cover and not in a text
-- column content_type: what its first bytes say, else the server
-- column sha256: SHA-256 of its bytes, which lie in the snapshot under this name; null when broken
-- column bytes: its length; null when broken
-- column fetch_status: stored or broken
-- column reason: why there are no bytes; null when stored
with

owners as (
    select
        platform,
        'article' as owner,
        article_id as owner_id,
        snapshot,
        image_url,
        coalesce(body_html, body_markdown) as body
    from source.kb_articles
    union all
    select
        platform,
        'category' as owner,
        category_id as owner_id,
        snapshot,
        image_url,
        cast(null as varchar) as body
    from source.kb_categories
),

files as (
    select
        url,
        sha256,
        bytes,
        content_type,
        reason
    from source.files
),

shown as (
    select
        owner,
        owner_id,
        unnest(image_urls(body)) as url
    from owners
    where body like '%](%' or body like '%<%'
),

pictures as (
    select owner, owner_id, image_url as url, true as is_cover
    from owners
    where image_url is not null
    union all
    select owner, owner_id, url, false as is_cover
    from shown
),

numbered as (
    select
        owner,
        owner_id,
        url,
        is_cover,
        row_number() over (
            partition by owner, owner_id
            order by is_cover desc, url
        ) as ordinal
    from pictures
),

final as (
    select
        owners.platform,
        numbered.owner,
        numbered.owner_id,
        numbered.ordinal,
        owners.snapshot,
        numbered.url,
        coalesce(
            nullif(
                cut_text(
                    visible_line(
                        regexp_replace(split_part(numbered.url, '?', 1), '^.*/', '')
                    ),
                    255
                ),
                ''
            ),
            'picture'
        ) as name,
        numbered.is_cover,
        coalesce(files.content_type, 'application/octet-stream') as content_type,
        files.sha256,
        files.bytes,
        case when files.sha256 is null then 'broken' else 'stored' end as fetch_status,
        case
            when files.sha256 is null then coalesce(files.reason, 'not_landed')
        end as reason
    from numbered
    inner join owners
        on numbered.owner = owners.owner and numbered.owner_id = owners.owner_id
    left join files on numbered.url = files.url
)

select * from final order by owner, owner_id, ordinal
