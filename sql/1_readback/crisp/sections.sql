-- grain: one row per category, section or folder of the target's help center
-- key: target_id
-- The tree of the newer generation says neither what a folder holds nor its colour.
with

helpdesk_categories as (
    select
        key,
        json_row(
            raw,
            'name TEXT PATH $.name, description TEXT PATH $.description, color TEXT PATH $.color'
        ) as document
    from landing.helpdesk_categories
),

helpdesk_sections as (
    select
        key,
        parent_key,
        json_row(raw, 'name TEXT PATH $.name, description TEXT PATH $.description') as document
    from landing.helpdesk_sections
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
        cast(null as varchar) as parent_target_id,
        'articles' as content_type,
        document['name'] as title,
        document['description'] as description,
        document['color'] as color
    from helpdesk_categories
    union all
    select
        key as target_id,
        parent_key as parent_target_id,
        'articles' as content_type,
        document['name'] as title,
        document['description'] as description,
        cast(null as varchar) as color
    from helpdesk_sections
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
        nullif(description, '') as description,
        nullif(color, '') as color
    from everything
)

select * from final order by target_id
