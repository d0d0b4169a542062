-- grain: one row per stream and path that somebody who uses the program decided about
-- key: stream, path
-- Empty here. In a folder of one's own models, 1_source/<platform>/own_fields.sql takes its place:
-- the same five columns, fate being mapped, kept or waived, and for kept and waived a reason. For
-- example:
--     select
--         'conversations' as stream,
--         '$.x_score' as path,
--         'waived' as fate,
--         '' as place,
--         'a score that nobody uses' as reason
with

final as (
    select
        cast(null as varchar) as stream,
        cast(null as varchar) as path,
        cast(null as varchar) as fate,
        cast(null as varchar) as place,
        cast(null as varchar) as reason
    where false
)

select * from final order by stream, path
