-- grain: one row per staged category and article of the help center
-- key: kind, source_id
-- Where it comes to stand in the target, or the rule that keeps it out. The older generation has
-- categories with sections and nothing below them, and one kind of content.
-- column kind: section or article
-- column source_id: the staged category or article
-- column locale: language in the target, which knows no countries: what follows a _ is left out
-- column content_type: `articles`, `guides`, `references` or `news`; the older generation has
--   articles only
-- column parent_id: the section that it comes into; null at the top
-- column depth: how far below the top a section stands, from 1; null for an article
-- column is_shown: whether it and all above it are published
-- column is_orphan: whether the category that it names is not there
-- column rule: the rule that keeps it out of the plan; null when it is planned
-- column version: a number that changes when what is carried of it does
with recursive

mapping as (
    select help_center
    from config.mapping
),

categories as (
    select
        category_id,
        split_part(lower(locale), '_', 1) as locale,
        content_type,
        parent_category_id,
        is_published,
        hash_number(
            json_text(named_struct(
                'title', title, 'description', description, 'color', color,
                'parent', parent_category_id
            ))
        ) as version
    from staged.kb_categories
),

tops as (
    select
        categories.category_id,
        categories.is_published
    from categories
    left anti join categories as above on categories.parent_category_id = above.category_id
),

walked as (
    select
        category_id,
        cast(1 as bigint) as depth,
        is_published as is_shown,
        cast(null as varchar) as parent_id,
        category_id as second_id,
        category_id as lineage
    from tops
    union all
    select
        categories.category_id,
        walked.depth + 1 as depth,
        walked.is_shown and categories.is_published as is_shown,
        walked.category_id as parent_id,
        case when walked.depth = 1 then categories.category_id else walked.second_id end
            as second_id,
        concat(walked.lineage, chr(10), categories.category_id) as lineage
    from walked
    inner join categories on walked.category_id = categories.parent_category_id
    where walked.depth < 100
),

articles as (
    select
        article_id,
        split_part(lower(locale), '_', 1) as locale,
        content_type,
        category_id,
        visibility,
        nullif(trim(body_markdown), '') is null as is_empty,
        hash_number(
            json_text(named_struct(
                'title', title, 'description', description, 'body', body_markdown,
                'status', status, 'visibility', visibility, 'category', category_id
            ))
        ) as version
    from staged.kb_articles
),

placed_articles as (
    select
        articles.article_id,
        articles.locale,
        articles.content_type,
        case when mapping.help_center = 'legacy' then walked.second_id else walked.category_id end
            as parent_id,
        articles.category_id is null or coalesce(walked.is_shown, false) as is_shown,
        articles.category_id is not null and walked.category_id is null as is_orphan,
        walked.lineage,
        case
            when mapping.help_center = 'skip' then 'help_center_not_carried'
            when articles.visibility = 'internal' then 'article_internal'
            when articles.is_empty then 'article_without_text'
        end as rule,
        articles.version
    from articles
    cross join mapping
    left join walked on articles.category_id = walked.category_id
),

-- What a planned article hangs in, up to the top.
above_articles as (
    select unnest(string_to_array(lineage, chr(10))) as category_id
    from placed_articles
    where rule is null and lineage is not null
),

needed as (
    select distinct category_id
    from above_articles
),

final as (
    select
        'section' as kind,
        categories.category_id as source_id,
        categories.locale,
        case mapping.help_center when 'legacy' then 'articles' else categories.content_type end
            as content_type,
        walked.parent_id,
        walked.depth,
        walked.is_shown,
        categories.parent_category_id is not null and walked.depth = 1 as is_orphan,
        case
            when mapping.help_center = 'skip' then 'help_center_not_carried'
            when not walked.is_shown and needed.category_id is null then 'section_not_public'
            when mapping.help_center = 'legacy' and walked.depth > 2 then 'folder_flattened'
        end as rule,
        categories.version
    from categories
    inner join walked on categories.category_id = walked.category_id
    cross join mapping
    left join needed on categories.category_id = needed.category_id
    union all
    select
        'article' as kind,
        placed_articles.article_id as source_id,
        placed_articles.locale,
        case mapping.help_center
            when 'legacy' then 'articles'
            else placed_articles.content_type
        end as content_type,
        placed_articles.parent_id,
        cast(null as bigint) as depth,
        placed_articles.is_shown,
        placed_articles.is_orphan,
        placed_articles.rule,
        placed_articles.version
    from placed_articles
    cross join mapping
)

select * from final order by kind, source_id
