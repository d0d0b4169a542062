-- claim: whoever answered, was mentioned or is responsible is a staged agent
with

seen as (
    select agent_id, message_id as source_id from staged.messages where agent_id is not null
    union all
    select assignee_agent_id as agent_id, ticket_id as source_id
    from staged.tickets
    where assignee_agent_id is not null
)

select seen.source_id, seen.agent_id
from seen
left anti join staged.agents on seen.agent_id = agents.agent_id
order by seen.source_id, seen.agent_id
