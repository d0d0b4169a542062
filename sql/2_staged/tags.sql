-- grain: one row per tag
-- key: tag
with

ticket_tags as (
    select
        platform,
        ticket_id,
        tag
    from staged.ticket_tags
),

final as (
    select
        min(platform) as platform,
        tag,
        count(*) as tickets
    from ticket_tags
    group by tag
)

select * from final order by tag
