-- grain: one row per article of the target's help center: none, because nothing is replayed into it
-- key: target_id
with

final as (
    select
        cast(null as varchar) as target_id,
        cast(null as varchar) as section_target_id,
        cast(null as varchar) as locale,
        cast(null as varchar) as content_type,
        cast(null as varchar) as title,
        cast(null as varchar) as description,
        cast(null as varchar) as body,
        cast(null as boolean) as is_published,
        cast(null as boolean) as is_shown,
        cast(null as boolean) as is_hidden,
        cast(null as boolean) as is_featured,
        cast(null as boolean) as is_read
    where false
)

select * from final order by target_id
