-- grain: one row per agent whom a planned ticket or message names
-- key: agent_id
-- column agent_id: the operator's id, which the ledger keeps the target's user under
-- column email: address by which the target's user is found; null when the source shows none any
--   more
-- column name: the name to show, and to create a user with
with

named as (
    select sender_id as agent_id from plan.messages where sender_kind = 'agent'
    union
    select assignee_agent_id as agent_id from plan.tickets where assignee_agent_id is not null
    union
    select unnest(json_texts(mention_agent_ids)) as agent_id from plan.messages
),

agents as (
    select
        agent_id,
        email,
        name
    from staged.agents
),

named_agents as (
    select
        agents.agent_id,
        agents.email,
        agents.name
    from agents
    left semi join named on agents.agent_id = named.agent_id
),

-- Somebody of the followed run stays, also when the source knows them no more.
loaded as (
    select
        agent_id,
        email,
        name
    from before.agents
),

final as (
    select agent_id, email, name from named_agents
    union all
    select
        loaded.agent_id,
        loaded.email,
        loaded.name
    from loaded
    left anti join named_agents on loaded.agent_id = named_agents.agent_id
)

select * from final order by agent_id
