-- grain: one row per section of the help center to be made
-- key: seq
-- A section is a category, a section of one, or a folder. In the older generation a section of a
-- category has a name and nothing else. What the followed run loaded stays as it
-- was loaded.
-- column seq: place in the replay, from 1; what it hangs in comes before it
-- column section_id: the staged category
-- column parent_section_id: the section that it hangs in; null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column title: what it is called, on one line; siblings of one name are numbered
-- column description: a line about it, at most 160 characters; may be null
-- column slug: its name in addresses, of a-z, 0-9 and hyphens; no sibling has the same
-- column path: its way from the top, by slugs
-- column color: its colour; may be null
-- column bytes: at most how many bytes the largest of its calls has
-- column is_loaded: whether the followed run brought it in
-- column is_changed: whether the source changed it since then
-- column version: the number of plan.help_center_places by which it was planned
with recursive

loaded as (
    select
        section_id,
        parent_section_id,
        locale,
        content_type,
        title,
        description,
        slug,
        path,
        color,
        version
    from before.sections
),

fresh as (
    select
        places.source_id as section_id,
        places.parent_id as parent_section_id,
        places.locale,
        places.content_type,
        places.version,
        categories.position,
        mapping.help_center = 'legacy' and places.parent_id is not null as is_bare,
        categories.color,
        coalesce(nullif(one_line(categories.title), ''), places.source_id) as title,
        nullif(cut_text(one_line(categories.description), 160), '') as description,
        coalesce(
            slug(regexp_replace(categories.path, '^.*/', '')),
            slug(categories.title),
            concat('section-', hash_number(places.source_id))
        ) as slug
    from plan.help_center_places as places
    inner join staged.kb_categories as categories on places.source_id = categories.category_id
    cross join config.mapping as mapping
    left anti join loaded on places.source_id = loaded.section_id
    where places.kind = 'section' and places.rule is null
),

siblings as (
    select
        section_id,
        concat_ws('/', locale, content_type, coalesce(parent_section_id, '')) as folder,
        title,
        slug,
        false as is_taken,
        position
    from fresh
    union all
    select
        section_id,
        concat_ws('/', locale, content_type, coalesce(parent_section_id, '')) as folder,
        title,
        slug,
        true as is_taken,
        cast(null as bigint) as position
    from loaded
    union all
    select
        cast(null as varchar) as section_id,
        concat_ws('/', locale, content_type, coalesce(section_id, '')) as folder,
        cast(null as varchar) as title,
        slug,
        true as is_taken,
        cast(null as bigint) as position
    from before.articles
),

-- The second of a name is numbered; a name that has the number already takes one of its own.
counted as (
    select
        section_id,
        folder,
        title,
        slug,
        is_taken,
        row_number() over (
            partition by folder, lower(title)
            order by is_taken desc, position nulls last, section_id
        ) as title_place,
        row_number() over (
            partition by folder, slug
            order by is_taken desc, position nulls last, section_id
        ) as slug_place
    from siblings
),

numbered as (
    select
        section_id,
        folder,
        is_taken,
        title_place,
        slug_place,
        case
            when is_taken or title_place = 1 then title
            else concat(title, ' (', title_place, ')')
        end as title,
        case
            when is_taken or slug_place = 1 then slug
            else concat(slug, '-', slug_place)
        end as slug
    from counted
),

checked as (
    select
        section_id,
        is_taken,
        title,
        slug,
        row_number() over (
            partition by folder, lower(title)
            order by is_taken desc, title_place, section_id
        ) as title_place,
        row_number() over (
            partition by folder, slug
            order by is_taken desc, slug_place, section_id
        ) as slug_place
    from numbered
),

named as (
    select
        section_id,
        case
            when title_place = 1 then title
            else concat(title, ' (', hash_number(section_id), ')')
        end as title,
        case
            when slug_place = 1 then slug
            else concat(slug, '-', hash_number(section_id))
        end as slug
    from checked
    where not is_taken
),

joined as (
    select
        fresh.section_id,
        fresh.parent_section_id,
        fresh.locale,
        fresh.content_type,
        named.title,
        case when not fresh.is_bare then fresh.description end as description,
        named.slug,
        cast(null as varchar) as path,
        case when not fresh.is_bare then fresh.color end as color,
        fresh.position,
        false as is_loaded,
        false as is_changed,
        fresh.version
    from fresh
    inner join named on fresh.section_id = named.section_id
    union all
    select
        loaded.section_id,
        loaded.parent_section_id,
        loaded.locale,
        loaded.content_type,
        loaded.title,
        loaded.description,
        loaded.slug,
        loaded.path,
        loaded.color,
        cast(null as bigint) as position,
        true as is_loaded,
        coalesce(places.version <> loaded.version, false) as is_changed,
        loaded.version
    from loaded
    left join plan.help_center_places as places
        on places.kind = 'section' and loaded.section_id = places.source_id
),

-- From the top down: what is loaded has its way already.
ways as (
    select
        section_id,
        coalesce(path, slug) as path
    from joined
    where is_loaded or parent_section_id is null
    union all
    select
        joined.section_id,
        concat(ways.path, '/', joined.slug) as path
    from ways
    inner join joined on ways.section_id = joined.parent_section_id and not joined.is_loaded
),

final as (
    select
        row_number() over (
            order by
                array_length(string_to_array(ways.path, '/')),
                joined.locale,
                joined.content_type,
                joined.position nulls first,
                joined.section_id
        ) as seq,
        joined.section_id,
        joined.parent_section_id,
        joined.locale,
        joined.content_type,
        joined.title,
        joined.description,
        joined.slug,
        ways.path,
        joined.color,
        -- 200 bytes are the names of the fields and the parent.
        200
        + octet_length(json_text(joined.title))
        + coalesce(octet_length(json_text(joined.description)), 0)
        + coalesce(octet_length(json_text(joined.color)), 0) as bytes,
        joined.is_loaded,
        joined.is_changed,
        joined.version
    from joined
    inner join ways on joined.section_id = ways.section_id
)

select * from final order by seq
