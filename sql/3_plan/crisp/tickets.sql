-- grain: one row per conversation to be created, in the order of replay
-- key: seq
-- By default open conversations come first, then those with the newest message; deskferry plan
-- --order oldest follows the time they began. In the target a conversation begins at the time of
-- the import, so its data says when it did. One that the followed run loaded stays in the plan,
-- also when the source removed it, and keeps what cannot be set any more.
-- column seq: place in the replay, from 1
-- column ticket_id: the staged ticket
-- column external_id: the id that the target is told, equal to ticket_id
-- column customer_id: the customer who asked; null for one without an address, of whom the target
--   has no record
-- column subject: its own subject; null where the source has none
-- column status: unresolved, pending or resolved
-- column channel: email where it came by e-mail from a known address, else chat
-- column via: how the target is told that it came, always api
-- column from_agent: whether the shop wrote first
-- column assignee_agent_id: who it is assigned to; null for nobody
-- column answering_agent_id: who answered first; may be null
-- column tags: names of its segments, sorted, as a JSON list
-- column spam: whether the visitor is blocked
-- column created_at: when it began, UTC
-- column updated_at: when it changed last, never before created_at, UTC
-- column opened_at: always null, because the source does not say it
-- column closed_at: when its last message was sent, UTC; null while it is open
-- column last_message_at: when its last message was sent, UTC
-- column last_received_message_at: when the customer wrote last, UTC; may be null
-- column messages: messages to be created, in number
-- column custom_fields: always an empty list
-- column meta: nickname, email, phone, avatar, address, ip, device, data, participants and
--   is_blocked in the target's words, as a JSON object
-- column bytes: at most how many bytes its calls carry, its messages apart
-- column updates: null for one to be created; for one that the followed run loaded, what of it is
--   to be set now, as a JSON list: status, subject, spam, tags, assignee, meta, dates
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
        subject_rule,
        state,
        status,
        origin,
        topic,
        data,
        participants,
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
        name,
        email,
        coalesce(phone, phone_as_written) as phone,
        language
    from staged.customers
),

avatars as (
    select
        object_id as customer_id,
        max(value) as avatar
    from staged.custom_field_values
    where object = 'customer' and rank = 1 and field = 'person.avatar'
    group by object_id
),

-- The target has a state of its own for what is pending.
tags as (
    select
        ticket_id,
        json_text(array_agg(tag order by tag)) as tags
    from staged.ticket_tags
    where rule <> 'pending_tag'
    group by ticket_id
),

-- Custom data, and fields of the source that have no column.
data_entries as (
    select
        ticket_id,
        unnest(json_entries(data)) as entry
    from tickets
    where data is not null
),

places as (
    select
        object_id as conversation_id,
        max(value) filter (where field = 'meta.ip') as ip,
        max(value) filter (where field = 'meta.address') as address
    from staged.custom_field_values
    where object = 'ticket' and rank = 1
    group by object_id
),

dotted as (
    select
        tickets.ticket_id,
        field_values.field,
        json_text(field_values.value) as value
    from staged.custom_field_values as field_values
    inner join tickets on field_values.object_id = tickets.conversation_id
    where
        field_values.object = 'ticket'
        and field_values.rank = 1
        and position('.' in field_values.field) > 0
        and field_values.field not in ('meta.ip', 'meta.address')
),

-- Keys are letters, digits, - and _; what is no number and no yes or no is a text.
told as (
    select
        ticket_id,
        field,
        regexp_replace(
            regexp_replace(field, '[^A-Za-z0-9_-]', '_', 'g'), '^deskferry_', 'before_deskferry_'
        ) as data_key,
        value
    from dotted
    union all
    select
        ticket_id,
        entry['key'] as field,
        regexp_replace(
            regexp_replace(entry['key'], '[^A-Za-z0-9_-]', '_', 'g'),
            '^deskferry_',
            'before_deskferry_'
        ) as data_key,
        case
            when entry['type'] in ('number', 'boolean') then entry['value']
            else json_text(entry['value'])
        end as value
    from data_entries
    where entry['value'] is not null
),

numbered as (
    select
        ticket_id,
        data_key,
        value,
        row_number() over (partition by ticket_id, data_key order by field) as place
    from told
),

data as (
    select
        ticket_id,
        string_agg(
            concat(
                json_text(
                    concat(data_key, case when place > 1 then concat('_', place) else '' end)
                ),
                ':',
                value
            ),
            ',' order by data_key, place
        ) as data
    from numbered
    group by ticket_id
),

copied as (
    select
        ticket_id,
        json_items(participants) as people,
        array_slice(
            json_items(participants), 1, cast(mapping.participants_max as bigint)
        ) as taken
    from tickets
    cross join config.mapping as mapping
    where coalesce(participants, '[]') <> '[]'
),

participants as (
    select
        ticket_id,
        concat('[', array_to_string(taken, ','), ']') as participants
    from copied
    where array_length(taken) > 0
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
        meta
    from before.tickets
),

-- Messages that are to be made, as the target counts them.
arriving as (
    select
        ticket_id,
        count(*) as messages
    from plan.pieces
    group by ticket_id
),

shaped as (
    select
        tickets.ticket_id,
        case when customers.email is not null then tickets.customer_id end as customer_id,
        case when tickets.subject_rule in ('own', 'own_cut') then tickets.subject end as subject,
        case
            when tickets.status = 'closed' then 'resolved'
            when tickets.state = 'pending' then 'pending'
            else 'unresolved'
        end as status,
        case
            when
                tickets.origin = 'email'
                and customers.email is not null
                and mapping.email_channel = 'email'
                then 'email'
            else 'chat'
        end as channel,
        not tickets.is_opened_by_customer as from_agent,
        tickets.assignee_agent_id,
        coalesce(tickets.first_agent_id, tickets.assignee_agent_id) as answering_agent_id,
        coalesce(tags.tags, '[]') as tags,
        tickets.is_blocked as spam,
        tickets.created_at,
        greatest(tickets.updated_at, tickets.created_at) as updated_at,
        tickets.last_message_at,
        tickets.last_received_message_at,
        coalesce(arriving.messages, 0) as arrived,
        concat(
            '{',
            concat_ws(
                ',',
                case when customers.name is not null
                    then concat('"nickname":', json_text(customers.name)) end,
                case when customers.email is not null
                    then concat('"email":', json_text(customers.email)) end,
                case when customers.phone is not null
                    then concat('"phone":', json_text(customers.phone)) end,
                case when avatars.avatar is not null
                    then concat('"avatar":', json_text(avatars.avatar)) end,
                case when places.address is not null
                    then concat('"address":', json_text(places.address)) end,
                case when places.ip is not null then concat('"ip":', json_text(places.ip)) end,
                case when customers.language is not null
                    then concat('"device":{"locales":[', json_text(customers.language), ']}') end,
                concat(
                    '"data":{',
                    concat_ws(
                        ',',
                        data.data,
                        concat('"deskferry_source":', json_text(tickets.platform)),
                        concat('"deskferry_created_at":', json_text(tickets.created_at)),
                        case when nullif(tickets.topic, '') is not null
                            then concat('"deskferry_topic":', json_text(tickets.topic)) end,
                        case when tickets.parts > 1
                            then concat('"deskferry_conversation":',
                                json_text(tickets.conversation_id)) end,
                        case when tickets.parts > 1
                            then concat('"deskferry_part":', tickets.part) end,
                        case when tickets.parts > 1
                            then concat('"deskferry_parts":', tickets.parts) end
                    ),
                    '}'
                ),
                case when participants.participants is not null
                    then concat('"participants":', participants.participants) end,
                case when tickets.is_blocked then '"is_blocked":true' end
            ),
            '}'
        ) as meta
    from tickets
    cross join config.mapping as mapping
    left join customers on tickets.customer_id = customers.customer_id
    left join avatars on tickets.customer_id = avatars.customer_id
    left join tags on tickets.ticket_id = tags.ticket_id
    left join places on tickets.conversation_id = places.conversation_id
    left join data on tickets.ticket_id = data.ticket_id
    left join participants on tickets.ticket_id = participants.ticket_id
    left join arriving on tickets.ticket_id = arriving.ticket_id
),

-- What can be set follows the source; the rest is as it was loaded.
followed as (
    select
        shaped.ticket_id,
        case when loaded.ticket_id is null then shaped.customer_id else loaded.customer_id end
            as customer_id,
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
        coalesce(loaded.messages, 0) + shaped.arrived as messages,
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
            case when shaped.meta is distinct from loaded.meta then '"meta"' end,
            -- A message opens a conversation again and is unread.
            case when shaped.arrived > 0 then '"dates"' end
        ) as differing
    from shaped
    left join loaded on shaped.ticket_id = loaded.ticket_id
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
        case when is_loaded and differing = '' then loaded_updated_at else updated_at end
            as updated_at,
        case
            when is_loaded and differing = '' then loaded_closed_at
            when status = 'resolved' then last_message_at
        end as closed_at,
        last_message_at,
        last_received_message_at,
        messages,
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
        loaded.meta,
        '[]' as updates
    from loaded
    left anti join shaped on loaded.ticket_id = shaped.ticket_id
),

final as (
    select
        row_number() over (
            order by
                case when replay.ticket_order = 'recent' then merged.status = 'resolved' end,
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
        '[]' as custom_fields,
        merged.meta,
        -- 400 bytes are the names of the fields and the state.
        400
        + octet_length(json_text(merged.ticket_id))
        + coalesce(octet_length(json_text(merged.subject)), 0)
        + octet_length(merged.tags)
        + octet_length(merged.meta) as bytes,
        merged.updates
    from merged
    cross join replay
)

select * from final order by seq
