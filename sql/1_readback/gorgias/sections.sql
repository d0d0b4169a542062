-- grain: one row per section of the target's help center: none, because nothing is replayed into it
-- key: target_id
with

final as (
    select
        cast(null as varchar) as target_id,
        cast(null as varchar) as parent_target_id,
        cast(null as varchar) as locale,
        cast(null as varchar) as content_type,
        cast(null as varchar) as title,
        cast(null as varchar) as description,
        cast(null as varchar) as color
    where false
)

select * from final order by target_id
