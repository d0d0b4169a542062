-- grain: one row per article of the help center to be made
-- key: seq
-- What the followed run loaded stays as it was loaded.
-- column seq: place in the replay, from 1
-- column article_id: the staged article
-- column section_id: the section that it hangs in; null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column title: what it is called, on one line; siblings of one name are numbered
-- column description: a line about it, at most 160 characters; may be null
-- column slug: its name in addresses, of a-z, 0-9 and hyphens; neither an article nor a section
--   beside it has the same
-- column path: its way from the top, by slugs
-- column body: its text, Markdown, with the addresses that pictures have at the source; one that
--   is too large is named where it stood
-- column is_published: whether it is published: the source shows it to everybody, and so it was
--   decided
-- column is_hidden: whether it is left out of lists
-- column is_featured: whether it is shown first, where the target knows that
-- column files: pictures that its text shows and the target is given, as a JSON list
-- column bytes: at most how many bytes the largest of its calls has; an address that the target
--   gives to a picture is taken as 1000 bytes
-- column is_loaded: whether the followed run brought it in
-- column is_changed: whether the source changed it since then
-- column version: the number of plan.help_center_places by which it was planned
with

loaded as (
    select
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
        version
    from before.articles
),

sections as (
    select
        seq,
        section_id,
        path
    from plan.sections
),

pictures as (
    select
        kb_files.owner_id as article_id,
        replace(kb_files.url, '&amp;', '&') as url,
        kb_files.sha256,
        kb_files.bytes > cast(mapping.upload_bytes_max as bigint) as is_too_large
    from staged.kb_files
    cross join config.mapping as mapping
    where kb_files.owner = 'article' and not kb_files.is_cover and kb_files.fetch_status = 'stored'
),

large_pictures as (
    select
        article_id,
        array_agg(url order by url) as urls,
        array_agg('too large to be moved' order by url) as reasons
    from pictures
    where is_too_large
    group by article_id
),

fresh as (
    select
        places.source_id as article_id,
        places.parent_id as section_id,
        places.locale,
        places.content_type,
        places.version,
        articles.position,
        names.title,
        names.slug,
        nullif(cut_text(one_line(articles.description), 160), '') as description,
        name_lost_images(articles.body_markdown, large_pictures.urls, large_pictures.reasons)
            as body,
        mapping.articles = 'published'
        and articles.status = 'published'
        and places.is_shown
        and (
            articles.visibility = 'visible'
            or (articles.visibility = 'hidden' and mapping.help_center = 'new')
        ) as is_published,
        articles.visibility = 'hidden' and mapping.help_center = 'new' as is_hidden,
        coalesce(articles.is_featured, false) and mapping.help_center = 'new' as is_featured
    from plan.help_center_places as places
    inner join staged.kb_articles as articles on places.source_id = articles.article_id
    inner join plan.help_center_names as names
        on names.kind = 'article' and places.source_id = names.source_id
    cross join config.mapping as mapping
    left join large_pictures on articles.article_id = large_pictures.article_id
    where places.kind = 'article'
),

-- Long addresses go first, because one may begin with another one.
shown as (
    select
        fresh.article_id,
        concat(
            '[',
            string_agg(
                json_text(named_struct('sha256', pictures.sha256, 'url', pictures.url)),
                ','
                order by octet_length(pictures.url) desc, pictures.url
            ),
            ']'
        ) as files,
        count(*) as pictures
    from fresh
    inner join pictures
        on fresh.article_id = pictures.article_id and not pictures.is_too_large
    where position(pictures.url in fresh.body) > 0
    group by fresh.article_id
),

joined as (
    select
        fresh.article_id,
        fresh.section_id,
        fresh.locale,
        fresh.content_type,
        fresh.title,
        fresh.description,
        fresh.slug,
        concat_ws('/', sections.path, fresh.slug) as path,
        fresh.body,
        fresh.is_published,
        fresh.is_hidden,
        fresh.is_featured,
        coalesce(shown.files, '[]') as files,
        fresh.position,
        false as is_loaded,
        false as is_changed,
        fresh.version
    from fresh
    left join sections on fresh.section_id = sections.section_id
    left join shown on fresh.article_id = shown.article_id
    union all
    select
        loaded.article_id,
        loaded.section_id,
        loaded.locale,
        loaded.content_type,
        loaded.title,
        loaded.description,
        loaded.slug,
        loaded.path,
        loaded.body,
        loaded.is_published,
        loaded.is_hidden,
        loaded.is_featured,
        loaded.files,
        cast(null as bigint) as position,
        true as is_loaded,
        coalesce(places.version <> loaded.version, false) as is_changed,
        loaded.version
    from loaded
    left join plan.help_center_places as places
        on places.kind = 'article' and loaded.article_id = places.source_id
),

final as (
    select
        row_number() over (
            order by
                joined.locale,
                joined.content_type,
                sections.seq nulls first,
                joined.position nulls first,
                joined.article_id
        ) as seq,
        joined.article_id,
        joined.section_id,
        joined.locale,
        joined.content_type,
        joined.title,
        joined.description,
        joined.slug,
        joined.path,
        joined.body,
        joined.is_published,
        joined.is_hidden,
        joined.is_featured,
        joined.files,
        -- 300 bytes are the names of the fields and what is said of its state.
        300
        + octet_length(json_text(joined.title))
        + coalesce(octet_length(json_text(joined.description)), 0)
        + octet_length(json_text(joined.body))
        + 1000 * cast(array_length(json_items(joined.files)) as bigint) as bytes,
        joined.is_loaded,
        joined.is_changed,
        joined.version
    from joined
    left join sections on joined.section_id = sections.section_id
)

select * from final order by seq
