-- grain: one row per article of the target's help center
-- key: target_id
-- The newer generation hands out text and description of what readers see only; is_read says
-- whether it did. What is published and not among its pages is not shown to anybody yet.
-- column target_id: language and id; in the newer generation language, content type and path
-- column section_target_id: the section that it hangs in; null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column title: what it is called
-- column description: a line about it; null where there is none
-- column body: its text
-- column is_published: whether it is published
-- column is_shown: whether readers see it
-- column is_hidden: whether it is left out of lists
-- column is_featured: whether it is shown first
-- column is_read: whether its text was handed out
with

articles as (
    select
        key,
        title,
        description,
        is_published,
        is_hidden
    from readback.help_center_records
    where stream = 'helpdesk_articles'
),

bodies as (
    select
        key,
        body
    from readback.help_center_records
    where stream in ('helpdesk_article_bodies', 'helpdesk_page_contents')
),

places as (
    select
        key,
        category_id,
        section_id
    from readback.help_center_records
    where stream = 'helpdesk_article_categories' and category_id is not null
),

pages as (
    select distinct concat(parent_key, '/', tree_path) as target_id
    from readback.help_center_records
    where stream = 'helpdesk_pages'
),

descriptions as (
    select
        key,
        description
    from readback.help_center_records
    where stream = 'helpdesk_page_metadata'
),

entries as (
    select
        target_id,
        parent_target_id,
        title,
        is_published,
        is_hidden,
        is_featured
    from readback.help_center_nodes
    where type <> 'group'
),

everything as (
    select
        articles.key as target_id,
        case
            when places.key is not null
                then concat_ws(
                    '/',
                    split_part(articles.key, '/', 1),
                    places.category_id,
                    places.section_id
                )
        end as section_target_id,
        'articles' as content_type,
        articles.title,
        articles.description,
        articles.is_published,
        articles.is_published as is_shown,
        articles.is_hidden,
        false as is_featured
    from articles
    left join places on articles.key = places.key
    union all
    select
        entries.target_id,
        entries.parent_target_id as section_target_id,
        split_part(entries.target_id, '/', 2) as content_type,
        entries.title,
        descriptions.description,
        entries.is_published,
        pages.target_id is not null as is_shown,
        entries.is_hidden,
        entries.is_featured
    from entries
    left join pages on entries.target_id = pages.target_id
    left join descriptions on entries.target_id = descriptions.key
),

final as (
    select
        everything.target_id,
        everything.section_target_id,
        split_part(everything.target_id, '/', 1) as locale,
        everything.content_type,
        everything.title,
        everything.description,
        coalesce(bodies.body, '') as body,
        everything.is_published,
        everything.is_shown,
        everything.is_hidden,
        everything.is_featured,
        bodies.key is not null as is_read
    from everything
    left join bodies on everything.target_id = bodies.key
)

select * from final order by target_id
