-- grain: one row per user
-- key: source_key
-- Machines are users too; kind tells them apart.
with

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        user_id as agent_id,
        email,
        name,
        case when has_left then concat('former ', coalesce(type, 'user')) else type end as kind,
        role,
        cast(null as varchar) as title,
        false as is_invite,
        quarantine_rule
    from source.users
    where not is_doubled
)

select * from final order by source_key
