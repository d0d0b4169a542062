-- grain: one row per event that a person left
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column person_id: who left it
-- column name: what happened
-- column data: JSON, what belongs to it
-- column color: its colour
-- column occurred_at: when it happened, UTC
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as person_id,
        cast(null as varchar) as name,
        cast(null as varchar) as data,
        cast(null as varchar) as color,
        cast(null as timestamp) as occurred_at,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by source_key
