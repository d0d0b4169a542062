-- grain: one row per address of a file that the target's messages carry, as it was fetched
-- key: url
with

downloads as (
    select
        url,
        sha256,
        bytes,
        status,
        reason
    from landing.downloads
),

final as (
    select
        url,
        sha256,
        bytes,
        status,
        reason
    from downloads
)

select * from final order by url
