-- grain: one row per tag
-- key: tag
-- column platform: where it comes from
-- column tag: as tickets carry it [conversations $.meta.segments]
-- column tickets: how many tickets carry it
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
