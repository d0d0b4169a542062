-- grain: one row per landed stream
-- key: stream
-- Counts what was landed, older versions of a key included, so that later stages can show that
-- they account for all of it.
with

counted as (
    select 'conversations' as stream, count(*) as received, 0 as newest
    from landing_all.conversations
    union all
    select 'conversations' as stream, 0 as received, count(*) as newest
    from landing.conversations
    union all
    select 'messages' as stream, count(*) as received, 0 as newest
    from landing_all.messages
    union all
    select 'messages' as stream, 0 as received, count(*) as newest
    from landing.messages
    union all
    select 'people' as stream, count(*) as received, 0 as newest
    from landing_all.people
    union all
    select 'people' as stream, 0 as received, count(*) as newest
    from landing.people
    union all
    select 'people_data' as stream, count(*) as received, 0 as newest
    from landing_all.people_data
    union all
    select 'people_data' as stream, 0 as received, count(*) as newest
    from landing.people_data
    union all
    select 'operators' as stream, count(*) as received, 0 as newest
    from landing_all.operators
    union all
    select 'operators' as stream, 0 as received, count(*) as newest
    from landing.operators
    union all
    select 'originals' as stream, count(*) as received, 0 as newest
    from landing_all.originals
    union all
    select 'originals' as stream, 0 as received, count(*) as newest
    from landing.originals
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
