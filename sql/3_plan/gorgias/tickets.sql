-- grain: one row per ticket to be created, in the order of replay
-- key: seq
-- Open tickets come first, then those with the newest message, so that what agents need is there
-- first. A ticket without messages cannot be created; plan.losses names it.
-- column seq: place in the replay, from 1
-- column ticket_id: the staged ticket
-- column external_id: the id that the target is told, equal to ticket_id
-- column customer_id: the customer who asked
-- column subject: subject, at most 998 characters
-- column status: open or closed
-- column channel: email where the customer has an address, else chat
-- column via: how the target is told that it came, always api
-- column from_agent: whether the shop wrote first
-- column assignee_agent_id: who it is assigned to; null for nobody
-- column answering_agent_id: who stands for the shop in a message that names no agent; may be null
-- column tags: names of its tags, sorted, as a JSON list
-- column spam: whether the source had blocked it
-- column created_at: when it began, UTC
-- column updated_at: when it changed last, never before created_at, UTC
-- column opened_at: always null, because the source does not say it
-- column closed_at: when its last message was sent, UTC; null while it is open
-- column last_message_at: when its last message was sent, UTC
-- column last_received_message_at: when the customer wrote last, UTC; may be null
-- column messages: messages to be created, in number
-- column meta: what the target has no field for, as a JSON object
with

tickets as (
    select
        platform,
        ticket_id,
        conversation_id,
        part,
        parts,
        customer_id,
        assignee_agent_id,
        first_agent_id,
        subject,
        state,
        status,
        origin,
        topic,
        data,
        participants,
        messages,
        is_opened_by_customer,
        is_blocked,
        created_at,
        updated_at,
        last_message_at,
        last_received_message_at
    from staged.tickets
    where messages > 0 and not is_skipped
),

customers as (
    select
        customer_id,
        email
    from staged.customers
),

assignees as (
    select
        agent_id,
        email
    from staged.agents
),

tags as (
    select
        ticket_id,
        json_text(array_agg(tag order by tag)) as tags
    from staged.ticket_tags
    group by ticket_id
),

shaped as (
    select
        row_number() over (
            order by
                tickets.status = 'closed',
                tickets.last_message_at desc,
                tickets.ticket_id
        ) as seq,
        tickets.ticket_id,
        tickets.customer_id,
        tickets.subject,
        tickets.status,
        case
            when tickets.origin = 'email' and customers.email is not null then 'email'
            else 'chat'
        end as channel,
        not tickets.is_opened_by_customer as from_agent,
        tickets.assignee_agent_id,
        -- Who stands for the shop in a message that does not say it: the assignee, if there is an
        -- address, else whoever answered first.
        case
            when assignees.email is not null then tickets.assignee_agent_id
            else coalesce(tickets.first_agent_id, tickets.assignee_agent_id)
        end as answering_agent_id,
        coalesce(tags.tags, '[]') as tags,
        tickets.is_blocked as spam,
        tickets.created_at,
        greatest(tickets.updated_at, tickets.created_at) as updated_at,
        case when tickets.status = 'closed' then tickets.last_message_at end as closed_at,
        tickets.last_message_at,
        tickets.last_received_message_at,
        tickets.messages,
        json_text(named_struct(
            'source', tickets.platform,
            'conversation', tickets.conversation_id,
            'part', case when tickets.parts > 1 then tickets.part end,
            'parts', case when tickets.parts > 1 then tickets.parts end,
            'state', tickets.state,
            'topic', nullif(tickets.topic, ''),
            'data', tickets.data,
            'participants', tickets.participants
        )) as meta
    from tickets
    left join customers on tickets.customer_id = customers.customer_id
    left join assignees on tickets.assignee_agent_id = assignees.agent_id
    left join tags on tickets.ticket_id = tags.ticket_id
),

final as (
    select
        seq,
        ticket_id,
        ticket_id as external_id,
        customer_id,
        subject,
        status,
        channel,
        'api' as via,
        from_agent,
        assignee_agent_id,
        answering_agent_id,
        tags,
        spam,
        created_at,
        updated_at,
        cast(null as timestamp) as opened_at,
        closed_at,
        last_message_at,
        last_received_message_at,
        messages,
        meta
    from shaped
)

select * from final order by seq
