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
        names.title,
        names.slug,
        nullif(cut_text(one_line(categories.description), 160), '') as description
    from plan.help_center_places as places
    inner join staged.kb_categories as categories on places.source_id = categories.category_id
    inner join plan.help_center_names as names
        on names.kind = 'section' and places.source_id = names.source_id
    cross join config.mapping as mapping
    where places.kind = 'section'
),

joined as (
    select
        fresh.section_id,
        fresh.parent_section_id,
        fresh.locale,
        fresh.content_type,
        fresh.title,
        case when not fresh.is_bare then fresh.description end as description,
        fresh.slug,
        cast(null as varchar) as path,
        case when not fresh.is_bare then fresh.color end as color,
        fresh.position,
        false as is_loaded,
        false as is_changed,
        fresh.version
    from fresh
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
