-- grain: one row per team of agents
-- key: team_id
-- column platform: where it comes from
-- column team_id: its id [teams $.team_id]
-- column source_id: key of the landed record
-- column snapshot: the snapshot that holds it
-- column name: what it is called; its id when it has no name [teams $.name]
-- column emoji: the sign beside its name, null where there is none [teams $.emoji]
-- column member_agent_ids: JSON, the agents who belong to it; null where nobody does [teams
--   $.operators]
-- column members: how many agents those are
-- column created_at: when it was made, UTC [teams $.created_at]
-- column updated_at: when it was changed last, UTC [teams $.updated_at]
with

teams as (
    select
        platform,
        source_key,
        snapshot,
        team_id,
        name,
        emoji,
        agent_ids,
        created_at,
        updated_at
    from source.teams
    where quarantine_rule is null
),

final as (
    select
        platform,
        team_id,
        source_key as source_id,
        snapshot,
        coalesce(name, team_id) as name,
        emoji,
        agent_ids as member_agent_ids,
        cast(coalesce(array_length(json_texts(agent_ids)), 0) as bigint) as members,
        created_at,
        updated_at
    from teams
)

select * from final order by team_id
