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
-- column title: what it is called [helpdesk_articles $.title, helpdesk_pages $.title, helpdesk_tree
--   $.title]
-- column description: a line about it, null where nobody wrote one [helpdesk_articles
--   $.description, helpdesk_page_metadata $.description]
-- column tree_path: the way down the tree, null in the older generation [helpdesk_pages
--   $.tree_path]
-- column position: its place among its neighbours, null where the source does not say
--   [helpdesk_articles $.order]
-- column status: `published` or `draft` [helpdesk_articles $.status, helpdesk_page_metadata
--   $.state.published]
-- column visibility: `visible` or `hidden` [helpdesk_articles $.visibility, helpdesk_page_metadata
--   $.state.hidden]
-- column is_featured: whether it is shown first [helpdesk_page_metadata $.state.featured]
-- column author_agent_id: who wrote it, null where the source does not say [helpdesk_page_metadata
--   $.author.user_id]
-- column body_markdown: its text, null where there is none [helpdesk_article_bodies $.content,
--   helpdesk_page_contents $.content]
-- column body_html: the same as a page without scripts
-- column body_rule: `own`, `empty`, `not_landed` or `not_published`
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

final as (
    select
        platform,
        article_id,
        stream,
        source_key as source_id,
        snapshot,
        locale,
        content_type,
        category_id,
        title,
        description,
        tree_path,
        position,
        case when is_published then 'published' else 'draft' end as status,
        case when is_hidden then 'hidden' else 'visible' end as visibility,
        is_featured,
        author_agent_id,
        body as body_markdown,
        markdown_html(body) as body_html,
        case
            when body is not null then 'own'
            when is_landed then 'empty'
            when tree_path is null or is_published then 'not_landed'
            else 'not_published'
        end as body_rule,
        visits,
        url,
        color,
        image_url,
        created_at,
        updated_at,
        published_at
    from source.kb_articles
)

select * from final order by article_id
