-- grain: one row per team of agents, as landed last
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column team_id: its id
-- column name: what it is called
-- column emoji: the sign beside its name
-- column agent_ids: JSON list of its members
-- column created_at: when it was made, UTC
-- column updated_at: when it changed last, UTC
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as team_id,
        cast(null as varchar) as name,
        cast(null as varchar) as emoji,
        cast(null as varchar) as agent_ids,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by source_key
