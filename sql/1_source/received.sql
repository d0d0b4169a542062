-- grain: one row per landed stream
-- key: stream
-- Counts what was landed, older versions of a key included, so that later stages can show that
-- they account for all of it. A stream that no model reads is counted too.
with

counted as (
    select stream, count(*) as received, 0 as newest
    from landing_all.records
    group by stream
    union all
    select stream, 0 as received, count(*) as newest
    from landing.records
    group by stream
    union all
    select 'downloads' as stream, count(*) as received, 0 as newest
    from landing_all.downloads
    union all
    select 'downloads' as stream, 0 as received, count(*) as newest
    from landing.downloads
),

final as (
    select
        stream,
        sum(received) as received,
        sum(newest) as newest
    from counted
    group by stream
)

select * from final order by stream
