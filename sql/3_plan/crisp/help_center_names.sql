-- grain: one row per section and article of the help center that is made anew
-- key: kind, source_id
-- What each is called and its name in addresses, both once among those beside it. What the followed
-- run loaded keeps its names; sections choose theirs before articles.
-- column kind: section or article
-- column source_id: the staged category or article
-- column title: what it is called, on one line; siblings of one kind and name are numbered
-- column slug: its name in addresses, of a-z, 0-9 and hyphens; neither an article nor a section
--   beside it has the same
with

loaded as (
    select
        'section' as kind,
        section_id as source_id,
        parent_section_id as parent_id,
        locale,
        content_type,
        title,
        slug
    from before.sections
    union all
    select
        'article' as kind,
        article_id as source_id,
        section_id as parent_id,
        locale,
        content_type,
        title,
        slug
    from before.articles
),

named_at_source as (
    select
        'section' as kind,
        category_id as source_id,
        position,
        title,
        coalesce(slug(regexp_replace(path, '^.*/', '')), slug(title)) as slug
    from staged.kb_categories
    union all
    select
        'article' as kind,
        article_id as source_id,
        position,
        title,
        coalesce(slug(slug), slug(regexp_replace(tree_path, '^.*/', '')), slug(title)) as slug
    from staged.kb_articles
),

fresh as (
    select
        places.kind,
        places.source_id,
        places.parent_id,
        places.locale,
        places.content_type,
        named_at_source.position,
        coalesce(nullif(one_line(named_at_source.title), ''), places.source_id) as title,
        coalesce(
            named_at_source.slug,
            concat(places.kind, '-', hash_number(places.source_id))
        ) as slug
    from plan.help_center_places as places
    inner join named_at_source
        on places.kind = named_at_source.kind and places.source_id = named_at_source.source_id
    left anti join loaded
        on places.kind = loaded.kind and places.source_id = loaded.source_id
    where places.rule is null
),

siblings as (
    select
        kind,
        source_id,
        concat_ws('/', locale, content_type, coalesce(parent_id, '')) as folder,
        title,
        slug,
        0 as rank,
        cast(null as bigint) as position
    from loaded
    union all
    select
        kind,
        source_id,
        concat_ws('/', locale, content_type, coalesce(parent_id, '')) as folder,
        title,
        slug,
        case kind when 'section' then 1 else 2 end as rank,
        position
    from fresh
),

-- The second of a name is numbered; a name that has the number already takes one of its own.
counted as (
    select
        kind,
        source_id,
        folder,
        title,
        slug,
        rank,
        row_number() over (
            partition by folder, kind, lower(title)
            order by rank, position nulls last, source_id
        ) as title_place,
        row_number() over (
            partition by folder, slug
            order by rank, position nulls last, source_id
        ) as slug_place
    from siblings
),

numbered as (
    select
        kind,
        source_id,
        folder,
        rank,
        title_place,
        slug_place,
        case
            when rank = 0 or title_place = 1 then title
            else concat(title, ' (', title_place, ')')
        end as title,
        case
            when rank = 0 or slug_place = 1 then slug
            else concat(slug, '-', slug_place)
        end as slug
    from counted
),

checked as (
    select
        kind,
        source_id,
        rank,
        title,
        slug,
        row_number() over (
            partition by folder, kind, lower(title)
            order by rank, title_place, source_id
        ) as title_place,
        row_number() over (
            partition by folder, slug
            order by rank, slug_place, source_id
        ) as slug_place
    from numbered
),

final as (
    select
        kind,
        source_id,
        case
            when title_place = 1 then title
            else concat(title, ' (', hash_number(source_id), ')')
        end as title,
        case
            when slug_place = 1 then slug
            else concat(slug, '-', hash_number(source_id))
        end as slug
    from checked
    where rank > 0
)

select * from final order by kind, source_id
