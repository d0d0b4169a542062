-- grain: one row per category, section or folder of the target's help center
-- key: target_id
-- The tree of the newer generation says neither what a folder holds nor its colour.
-- column target_id: language and ids; in the newer generation language, content type and path
-- column parent_target_id: the section that it hangs in; null at the top
-- column locale: its language
-- column content_type: `articles`, `guides`, `references` or `news`
-- column title: what it is called
-- column description: a line about it; null where there is none
-- column color: its colour; null where it has none
with

records as (
    select
        stream,
        key,
        parent_key,
        title,
        description,
        color
    from readback.help_center_records
    where stream in ('helpdesk_categories', 'helpdesk_sections')
),

groups as (
    select
        target_id,
        parent_target_id,
        title
    from readback.help_center_nodes
    where type = 'group'
),

everything as (
    select
        key as target_id,
        case stream when 'helpdesk_sections' then parent_key end as parent_target_id,
        'articles' as content_type,
        title,
        description,
        color
    from records
    union all
    select
        target_id,
        parent_target_id,
        split_part(target_id, '/', 2) as content_type,
        title,
        cast(null as varchar) as description,
        cast(null as varchar) as color
    from groups
),

final as (
    select
        target_id,
        parent_target_id,
        split_part(target_id, '/', 1) as locale,
        content_type,
        title,
        description,
        color
    from everything
)

select * from final order by target_id
