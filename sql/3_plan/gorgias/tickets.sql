-- grain: one row per ticket to be created, in the order of replay
-- key: seq
-- By default open tickets come first, then those with the newest message, so that what agents need
-- is there first; deskferry plan --order oldest follows the time they began. A ticket without
-- messages cannot be created; plan.losses names it.
-- column seq: place in the replay, from 1
-- column ticket_id: the staged ticket
-- column external_id: the id that the target is told, equal to ticket_id
-- column customer_id: the customer who asked
-- column subject: subject, at most 998 characters
-- column status: open or closed
-- column channel: email where the customer has an address, else chat or api, as configured
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
-- column custom_fields: values for custom fields, each with its field, as a JSON list
-- column meta: what the target has no field for, as a JSON object
-- column bytes: at most how many bytes the ticket takes in its create, its messages apart
with

replay as (
    select ticket_order
    from config.replay
),

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

-- Fields of the source that have no column; custom data is in the meta by itself.
fields as (
    select
        object_id as ticket_id,
        concat(
            '{',
            string_agg(concat(json_text(field), ':', json_text(value)), ',' order by field),
            '}'
        ) as fields
    from staged.custom_field_values
    where object = 'ticket' and rank = 1 and position('.' in field) > 0
    group by object_id
),

-- Values for custom fields, each with its field, as a JSON list.
field_values as (
    select
        object_id,
        concat(
            '[',
            string_agg(
                concat('{"field":', json_text(field_id), ',"value":', value, '}'),
                ',' order by field_id
            ),
            ']'
        ) as custom_fields,
        count(*) as fields
    from plan.field_values
    where object = 'ticket'
    group by object_id
),

shaped as (
    select
        row_number() over (
            order by
                case when replay.ticket_order = 'recent' then tickets.status = 'closed' end,
                case when replay.ticket_order = 'recent' then tickets.last_message_at end desc,
                case when replay.ticket_order = 'oldest' then tickets.created_at end,
                tickets.ticket_id
        ) as seq,
        tickets.ticket_id,
        tickets.customer_id,
        tickets.subject,
        tickets.status,
        case
            when
                tickets.origin = 'email'
                and customers.email is not null
                and mapping.email_channel = 'email'
                then 'email'
            else mapping.chat_channel
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
        coalesce(field_values.custom_fields, '[]') as custom_fields,
        coalesce(field_values.fields, 0) as fields,
        json_text(named_struct(
            'source', tickets.platform,
            'conversation', tickets.conversation_id,
            'part', case when tickets.parts > 1 then tickets.part end,
            'parts', case when tickets.parts > 1 then tickets.parts end,
            'state', tickets.state,
            'topic', nullif(tickets.topic, ''),
            'data', tickets.data,
            'fields', fields.fields,
            'participants', tickets.participants
        )) as meta
    from tickets
    cross join replay
    cross join config.mapping as mapping
    left join customers on tickets.customer_id = customers.customer_id
    left join assignees on tickets.assignee_agent_id = assignees.agent_id
    left join tags on tickets.ticket_id = tags.ticket_id
    left join fields on tickets.ticket_id = fields.ticket_id
    left join field_values on tickets.ticket_id = field_values.object_id
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
        custom_fields,
        meta,
        -- 800 bytes are the names of the fields, two ids of twenty digits and seven times; each tag
        -- becomes an object, and each custom field an id.
        800
        + octet_length(json_text(ticket_id))
        + coalesce(octet_length(json_text(subject)), 0)
        + octet_length(tags)
        + 10 * cast(coalesce(array_length(json_texts(tags)), 0) as bigint)
        + octet_length(custom_fields)
        + 20 * fields
        + octet_length(meta) as bytes
    from shaped
)

select * from final order by seq
