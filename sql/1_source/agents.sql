-- grain: one row per person who answers, or is invited to, as landed last
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column agent_id: its id; `invite:` and the address for one who has none yet
-- column email: its address, lower case
-- column name: its name
-- column kind: what kind of account it is, by the word of the source
-- column role: what it may do, by the word of the source
-- column title: what it is in the company
-- column is_invite: it was invited and has not come yet
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as agent_id,
        cast(null as varchar) as email,
        cast(null as varchar) as name,
        cast(null as varchar) as kind,
        cast(null as varchar) as role,
        cast(null as varchar) as title,
        cast(null as boolean) as is_invite,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by source_key
