-- grain: one row per ticket: a conversation, or one part of it where it was split
-- key: ticket_id
-- All parts have the customer, the tags and the data of their conversation. The last part carries
-- on its state, its assignee and its waiting time; earlier parts are over and closed.
-- A subject in which a reader sees nothing counts as none. A time from before there were helpdesks
-- counts as none too; one that lies in the future becomes the time of reading.
-- column platform: where it comes from
-- column ticket_id: its id: that of the conversation, and for later parts also /2, /3 and so on
--   [conversations $.session_id]
-- column conversation_id: the conversation it is or is a part of [conversations $.session_id]
-- column part: which part of the conversation, from 1
-- column parts: how many parts the conversation has
-- column stream: the stream of the landed record
-- column source_id: key of the landed conversation
-- column snapshot: the snapshot that holds it
-- column customer_id: who asked [conversations $.people_id, conversations $.meta.email]
-- column assignee_agent_id: who it is assigned to; only the last part is
--   [conversations $.assigned.user_id]
-- column first_agent_id: the operator who answered first in it [messages $.user.user_id]
-- column inbox_id: the inbox it lies in [conversations $.inbox_id]
-- column subject: one line, never empty, at most 998 characters; later parts end in (part 2) and so
--   on [conversations $.meta.subject, messages $.content]
-- column subject_rule: own, own_cut, first_words (of the first text of the customer), or date
-- column state: pending, unresolved or resolved, as in the source [conversations $.state]
-- column status: open or closed
-- column status_rule: resolved_is_closed, pending_is_open_with_tag, unresolved_is_open,
--   unknown_is_open, earlier_part_is_closed
-- column origin: channel as in the source [conversations $.meta.origin]
-- column channel: email, chat, or other for a channel that a plugin brought
-- column topic: what the source takes it to be about [conversations $.topic]
-- column data: JSON; custom data [conversations $.meta.data]
-- column participants: JSON list of {type, target}: people in copy [conversations $.participants]
-- column messages: how many messages it has, notes included
-- column is_opened_by_customer: whether the customer wrote first
-- column is_blocked: whether the visitor was blocked, which the target calls spam; absent is false
--   [conversations $.is_blocked]
-- column is_verified: whether the identity was verified; absent is false
--   [conversations $.is_verified]
-- column is_skipped: whether it is left out, because anonymous is skip
-- column created_at: when it began; of a later part, its first message
--   [conversations $.created_at, messages $.timestamp]
-- column updated_at: when it changed last; of an earlier part, its last message
--   [conversations $.updated_at, messages $.timestamp]
-- column waiting_since_at: since when the customer waits [conversations $.waiting_since]
-- column first_message_at: null without messages
-- column last_message_at: null without messages
-- column last_received_message_at: newest message of the customer; null without one
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

conversations as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        ticket_id as conversation_id,
        assignee_id,
        inbox_id,
        state,
        visible_line(coalesce(subject, '')) as subject,
        topic,
        origin,
        data,
        participants,
        is_blocked,
        is_verified,
        case when created_at >= timestamp '1995-01-01T00:00:00Z' then created_at end as created_at,
        case when updated_at >= timestamp '1995-01-01T00:00:00Z' then updated_at end as updated_at,
        case when waiting_since_at >= timestamp '1995-01-01T00:00:00Z' then waiting_since_at end
            as waiting_since_at
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
),

customers_of_conversations as (
    select
        value as conversation_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'conversation'
    group by value
),

customers as (
    select
        customer_id,
        is_skipped
    from staged.customers
),

messages as (
    select
        conversation_id,
        part,
        ticket_id,
        position,
        direction,
        agent_id,
        sent_at,
        case
            when direction = 'in' and content_type = 'text' and not is_empty
                then visible_line(cut_text(body_text, 500))
        end as words
    from staged.messages
),

parts as (
    select
        conversation_id,
        part,
        ticket_id,
        count(*) as messages,
        min(sent_at) as first_message_at,
        max(sent_at) as last_message_at,
        max(sent_at) filter (where direction = 'in') as last_received_message_at,
        first_value(direction order by position) as first_direction,
        first_value(direction order by position)
            filter (where direction <> 'internal') as first_public_direction,
        first_value(agent_id order by position)
            filter (where direction = 'out' and agent_id is not null) as first_agent_id,
        first_value(words order by position) filter (where words <> '') as first_words
    from messages
    group by conversation_id, part, ticket_id
),

numbers_of_parts as (
    select
        conversation_id,
        max(part) as parts
    from messages
    group by conversation_id
),

described as (
    select
        conversations.platform,
        coalesce(parts.ticket_id, conversations.conversation_id) as ticket_id,
        conversations.conversation_id,
        coalesce(parts.part, 1) as part,
        coalesce(numbers_of_parts.parts, 1) as parts,
        conversations.stream,
        conversations.source_key as source_id,
        conversations.snapshot,
        customers_of_conversations.customer_id,
        coalesce(customers.is_skipped, false) as is_skipped,
        conversations.assignee_id as assignee_agent_id,
        parts.first_agent_id,
        conversations.inbox_id,
        conversations.subject as own_subject,
        coalesce(cut_text(parts.first_words, 100), '') as first_words,
        conversations.state,
        coalesce(conversations.origin, '') as origin,
        conversations.topic,
        conversations.data,
        conversations.participants,
        conversations.is_blocked,
        conversations.is_verified,
        coalesce(parts.messages, 0) as messages,
        coalesce(parts.first_public_direction, parts.first_direction) = 'in'
            as is_opened_by_customer,
        least(
            coalesce(
                conversations.created_at,
                parts.first_message_at,
                conversations.updated_at,
                conversations.fetched_at
            ),
            conversations.fetched_at
        ) as began_at,
        least(
            coalesce(
                conversations.updated_at,
                parts.last_message_at,
                conversations.created_at,
                conversations.fetched_at
            ),
            conversations.fetched_at
        ) as changed_at,
        conversations.waiting_since_at,
        parts.first_message_at,
        parts.last_message_at,
        parts.last_received_message_at
    from conversations
    left join customers_of_conversations
        on conversations.conversation_id = customers_of_conversations.conversation_id
    left join customers on customers_of_conversations.customer_id = customers.customer_id
    left join parts on conversations.conversation_id = parts.conversation_id
    left join numbers_of_parts
        on conversations.conversation_id = numbers_of_parts.conversation_id
),

divided as (
    select
        platform,
        ticket_id,
        conversation_id,
        part,
        parts,
        part = parts as is_last_part,
        stream,
        source_id,
        snapshot,
        customer_id,
        is_skipped,
        assignee_agent_id,
        first_agent_id,
        inbox_id,
        own_subject,
        first_words,
        case when part = 1 then '' else concat(' (part ', part, ')') end as subject_end,
        state,
        origin,
        topic,
        data,
        participants,
        is_blocked,
        is_verified,
        messages,
        is_opened_by_customer,
        case when part = 1 then began_at else first_message_at end as created_at,
        case when part = parts then changed_at else last_message_at end as updated_at,
        waiting_since_at,
        first_message_at,
        last_message_at,
        last_received_message_at
    from described
),

final as (
    select
        platform,
        ticket_id,
        conversation_id,
        part,
        parts,
        stream,
        source_id,
        snapshot,
        customer_id,
        case when is_last_part then assignee_agent_id end as assignee_agent_id,
        first_agent_id,
        inbox_id,

        concat(
            case
                when own_subject <> '' then cut_text(own_subject, 998 - char_length(subject_end))
                when first_words <> '' then first_words
                else concat('Conversation ', cast(cast(created_at as date) as varchar))
            end,
            subject_end
        ) as subject,
        case
            when char_length(own_subject) > 998 - char_length(subject_end) then 'own_cut'
            when own_subject <> '' then 'own'
            when first_words <> '' then 'first_words'
            else 'date'
        end as subject_rule,
        case when is_last_part then state else 'resolved' end as state,
        case when not is_last_part or state = 'resolved' then 'closed' else 'open' end as status,
        case
            when not is_last_part then 'earlier_part_is_closed'
            when state = 'resolved' then 'resolved_is_closed'
            when state = 'pending' then 'pending_is_open_with_tag'
            when state = 'unresolved' then 'unresolved_is_open'
            else 'unknown_is_open'
        end as status_rule,
        origin,
        case
            when origin = 'email' then 'email'
            when origin in ('', 'chat') then 'chat'
            else 'other'
        end as channel,
        topic,
        data,
        participants,

        messages,
        is_opened_by_customer,
        is_blocked,
        is_verified,
        is_skipped,

        created_at,
        updated_at,
        case when is_last_part then waiting_since_at end as waiting_since_at,
        first_message_at,
        last_message_at,
        last_received_message_at
    from divided
)

select * from final order by ticket_id
