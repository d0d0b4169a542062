-- grain: one row per ticket to be created, in the order of replay
-- key: seq
-- By default open tickets come first, then those with the newest message, so that what agents need
-- is there first; deskferry plan --order oldest follows the time they began. A ticket without
-- messages cannot be created; plan.losses names it. A ticket that the followed run loaded stays in
-- the plan, also when the source removed it, and keeps what cannot be set any more.
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
-- column updates: null for a ticket to be created; for one that the followed run loaded, what of it
--   is to be set now, as a JSON list: status, subject, spam, tags, assignee, custom_fields, meta,
--   dates
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
        ) as custom_fields
    from plan.field_values
    where object = 'ticket'
    group by object_id
),

loaded as (
    select
        ticket_id,
        customer_id,
        subject,
        status,
        channel,
        from_agent,
        assignee_agent_id,
        answering_agent_id,
        tags,
        spam,
        created_at,
        updated_at,
        closed_at,
        last_message_at,
        last_received_message_at,
        messages,
        custom_fields,
        meta
    from before.tickets
),

-- Messages that the target has, maybe in another ticket.
known as (
    select
        messages.ticket_id,
        count(*) as messages
    from staged.messages
    left semi join before.messages as loaded_messages
        on messages.message_id = loaded_messages.message_id
    group by messages.ticket_id
),

noted as (
    select
        ticket_id,
        count(*) as messages
    from plan.message_changes
    where change = 'edited' and is_new
    group by ticket_id
),

shaped as (
    select
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
        tickets.last_message_at,
        tickets.last_received_message_at,
        tickets.messages - coalesce(known.messages, 0) as arrived,
        coalesce(field_values.custom_fields, '[]') as custom_fields,
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
    cross join config.mapping as mapping
    left join customers on tickets.customer_id = customers.customer_id
    left join assignees on tickets.assignee_agent_id = assignees.agent_id
    left join tags on tickets.ticket_id = tags.ticket_id
    left join fields on tickets.ticket_id = fields.ticket_id
    left join field_values on tickets.ticket_id = field_values.object_id
    left join known on tickets.ticket_id = known.ticket_id
),

-- What can be set follows the source; the rest is as it was loaded.
followed as (
    select
        shaped.ticket_id,
        coalesce(loaded.customer_id, shaped.customer_id) as customer_id,
        shaped.subject,
        shaped.status,
        coalesce(loaded.channel, shaped.channel) as channel,
        coalesce(loaded.from_agent, shaped.from_agent) as from_agent,
        shaped.assignee_agent_id,
        shaped.answering_agent_id,
        shaped.tags,
        shaped.spam,
        coalesce(loaded.created_at, shaped.created_at) as created_at,
        shaped.updated_at,
        loaded.updated_at as loaded_updated_at,
        loaded.closed_at as loaded_closed_at,
        -- What the target has of a removed message it keeps.
        greatest(shaped.last_message_at, loaded.last_message_at) as last_message_at,
        greatest(shaped.last_received_message_at, loaded.last_received_message_at)
            as last_received_message_at,
        coalesce(loaded.messages, 0) + shaped.arrived + coalesce(noted.messages, 0) as messages,
        shaped.custom_fields,
        shaped.meta,
        loaded.ticket_id is not null as is_loaded,
        concat_ws(
            ',',
            case when shaped.status is distinct from loaded.status then '"status"' end,
            case when shaped.subject is distinct from loaded.subject then '"subject"' end,
            case when shaped.spam is distinct from loaded.spam then '"spam"' end,
            case when shaped.tags is distinct from loaded.tags then '"tags"' end,
            case
                when shaped.assignee_agent_id is distinct from loaded.assignee_agent_id
                    then '"assignee"'
            end,
            case
                when shaped.custom_fields is distinct from loaded.custom_fields
                    then '"custom_fields"'
            end,
            case when shaped.meta is distinct from loaded.meta then '"meta"' end,
            -- A message may open a closed ticket again, and a note is newer than what it shows.
            case
                when
                    noted.messages > 0
                    or (shaped.arrived > 0 and shaped.status = 'closed')
                    then '"dates"'
            end
        ) as differing
    from shaped
    left join loaded on shaped.ticket_id = loaded.ticket_id
    left join noted on shaped.ticket_id = noted.ticket_id
    where loaded.ticket_id is not null or shaped.arrived > 0
),

merged as (
    select
        ticket_id,
        customer_id,
        subject,
        status,
        channel,
        from_agent,
        assignee_agent_id,
        answering_agent_id,
        tags,
        spam,
        created_at,
        -- The time of a change that is not made would be wrong.
        case when is_loaded and differing = '' then loaded_updated_at else updated_at end
            as updated_at,
        case
            when is_loaded and differing = '' then loaded_closed_at
            when status = 'closed' then last_message_at
        end as closed_at,
        last_message_at,
        last_received_message_at,
        messages,
        custom_fields,
        meta,
        case when is_loaded then concat('[', differing, ']') end as updates
    from followed
    union all
    select
        loaded.ticket_id,
        loaded.customer_id,
        loaded.subject,
        loaded.status,
        loaded.channel,
        loaded.from_agent,
        loaded.assignee_agent_id,
        loaded.answering_agent_id,
        loaded.tags,
        loaded.spam,
        loaded.created_at,
        loaded.updated_at,
        loaded.closed_at,
        loaded.last_message_at,
        loaded.last_received_message_at,
        loaded.messages,
        loaded.custom_fields,
        loaded.meta,
        '[]' as updates
    from loaded
    left anti join shaped on loaded.ticket_id = shaped.ticket_id
),

final as (
    select
        row_number() over (
            order by
                case when replay.ticket_order = 'recent' then merged.status = 'closed' end,
                case when replay.ticket_order = 'recent' then merged.last_message_at end desc,
                case when replay.ticket_order = 'oldest' then merged.created_at end,
                merged.ticket_id
        ) as seq,
        merged.ticket_id,
        merged.ticket_id as external_id,
        merged.customer_id,
        merged.subject,
        merged.status,
        merged.channel,
        'api' as via,
        merged.from_agent,
        merged.assignee_agent_id,
        merged.answering_agent_id,
        merged.tags,
        merged.spam,
        merged.created_at,
        merged.updated_at,
        cast(null as timestamp) as opened_at,
        merged.closed_at,
        merged.last_message_at,
        merged.last_received_message_at,
        merged.messages,
        merged.custom_fields,
        merged.meta,
        -- 800 bytes are the names of the fields, two ids of twenty digits and seven times; each tag
        -- becomes an object, and each custom field an id.
        800
        + octet_length(json_text(merged.ticket_id))
        + coalesce(octet_length(json_text(merged.subject)), 0)
        + octet_length(merged.tags)
        + 10 * cast(coalesce(array_length(json_texts(merged.tags)), 0) as bigint)
        + octet_length(merged.custom_fields)
        + 20 * cast(coalesce(array_length(json_items(merged.custom_fields)), 0) as bigint)
        + octet_length(merged.meta) as bytes,
        merged.updates
    from merged
    cross join replay
)

select * from final order by seq
