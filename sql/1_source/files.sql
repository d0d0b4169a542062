-- grain: one row per address of a file that was asked for
-- key: url
with

downloads as (
    select
        snapshot,
        url,
        sha256,
        bytes,
        content_type,
        sniffed_type,
        status,
        reason,
        fetched_at
    from landing.downloads
),

final as (
    select
        snapshot,
        url,
        sha256,
        bytes,
        -- The first bytes of a file say more than the server's header does.
        coalesce(sniffed_type, nullif(split_part(content_type, ';', 1), '')) as content_type,
        status,
        reason,
        fetched_at
    from downloads
)

select * from final order by url
