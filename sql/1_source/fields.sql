-- grain: one row per stream and path of the source that somebody decided about
-- key: stream, path
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column stream: the stream
-- column path: the path, as in coverage
-- column fate: `mapped`, `kept` or `waived`
-- column place: the staged column, or where it can be read; null for what is waived
-- column reason: why it is not mapped
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
