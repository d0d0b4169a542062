-- grain: one row per article of the help center, in one language
-- key: article_id
-- column platform: where it comes from
-- column article_id: its id: language and the source's id, with the content type between them in
--   the newer generation; `draft:` and its place in the tree for one that is not published there
-- column stream: the stream of the landed record
-- column source_id: key of the landed record
-- column snapshot: the snapshot that holds it
-- column locale: its language, as the source writes it
-- column content_type: `articles`, `guides`, `references` or `news`
-- column category_id: the category it hangs in, null at the top [helpdesk_article_categories
--   $.category_id, helpdesk_article_categories $.section_id, helpdesk_tree $.children]
-- column categories: how many categories list it; it hangs in the first of them
-- column title: what it is called [helpdesk_articles $.title, helpdesk_pages $.title, helpdesk_tree
--   $.title]
-- column slug: its name in addresses, null where the source does not say
-- column description: a line about it, null where nobody wrote one [helpdesk_articles
--   $.description, helpdesk_page_metadata $.description]
-- column keywords: JSON, words by which it shall be found, null where there are none
-- column tree_path: the way down the tree, null in the older generation [helpdesk_pages
--   $.tree_path]
-- column position: its place among its neighbours, null where the source does not say
--   [helpdesk_articles $.order]
-- column status: `published` or `draft` [helpdesk_articles $.status, helpdesk_page_metadata
--   $.state.published]
-- column visibility: `visible`, `hidden` (left out of lists) or `internal` (for the team only)
--   [helpdesk_articles $.visibility, helpdesk_page_metadata $.state.hidden]
-- column is_featured: whether it is shown first [helpdesk_page_metadata $.state.featured]
-- column author_agent_id: who wrote it, null where the source does not say [helpdesk_page_metadata
--   $.author.user_id]
-- column body_markdown: its text in the Markdown that Crisp describes, translated where the source
--   writes HTML; a picture that is lost is named where it stood; null where there is none
--   [helpdesk_article_bodies $.content, helpdesk_page_contents $.content]
-- column body_html: the same as a page without scripts
-- column body_rule: `own`, `html_to_markdown`, `empty`, `not_landed` or `not_published`
-- column visits: how often it was read, null where the source does not say [helpdesk_articles
--   $.visits]
-- column url: its address, null where it has none [helpdesk_articles $.url, helpdesk_pages $.url]
-- column color: its colour, null where it has none [helpdesk_page_metadata $.color]
-- column image_url: address of its picture, null where it has none [helpdesk_page_metadata $.image]
-- column created_at: when it was made, UTC, null where the source does not say [helpdesk_articles
--   $.created_at]
-- column updated_at: when it was changed last, UTC, null where the source does not say
--   [helpdesk_articles $.updated_at]
-- column published_at: when it was published, UTC, null where the source does not say
--   [helpdesk_articles $.published_at]
with

articles as (
    select
        platform,
        article_id,
        stream,
        source_key,
        snapshot,
        locale,
        content_type,
        category_id,
        categories,
        title,
        slug,
        description,
        keywords,
        tree_path,
        position,
        is_published,
        visibility,
        is_featured,
        author_agent_id,
        body_markdown,
        body_html,
        is_landed,
        visits,
        url,
        color,
        image_url,
        created_at,
        updated_at,
        published_at
    from source.kb_articles
),

lost_pictures as (
    select
        owner_id as article_id,
        array_agg(url order by ordinal) as urls,
        array_agg(reason order by ordinal) as reasons
    from staged.kb_files
    where owner = 'article' and not is_cover and fetch_status = 'broken'
    group by owner_id
),

-- A picture that is lost is named where it stood.
bodies as (
    select
        articles.article_id,
        name_lost_images(articles.body_html, lost_pictures.urls, lost_pictures.reasons) as html,
        name_lost_images(articles.body_markdown, lost_pictures.urls, lost_pictures.reasons)
            as markdown
    from articles
    left join lost_pictures on articles.article_id = lost_pictures.article_id
),

final as (
    select
        articles.platform,
        articles.article_id,
        articles.stream,
        articles.source_key as source_id,
        articles.snapshot,
        articles.locale,
        articles.content_type,
        articles.category_id,
        articles.categories,
        articles.title,
        articles.slug,
        articles.description,
        articles.keywords,
        articles.tree_path,
        articles.position,
        case when articles.is_published then 'published' else 'draft' end as status,
        articles.visibility,
        articles.is_featured,
        articles.author_agent_id,
        coalesce(bodies.markdown, html_markdown(bodies.html)) as body_markdown,
        coalesce(html_clean(bodies.html), markdown_html(bodies.markdown)) as body_html,
        case
            when bodies.markdown is not null then 'own'
            when bodies.html is not null then 'html_to_markdown'
            when articles.is_landed then 'empty'
            when articles.tree_path is null or articles.is_published then 'not_landed'
            else 'not_published'
        end as body_rule,
        articles.visits,
        articles.url,
        articles.color,
        articles.image_url,
        articles.created_at,
        articles.updated_at,
        articles.published_at
    from articles
    inner join bodies on articles.article_id = bodies.article_id
)

select * from final order by article_id
