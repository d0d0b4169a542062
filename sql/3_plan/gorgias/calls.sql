-- grain: one row per call of the replay
-- key: seq
-- Tickets are worked on several at a time; the calls of one ticket keep this order.
-- column seq: place in the replay, from 1
-- column phase: name of the phase, as the ledger counts its calls
-- column kind: what it makes: agent, customer, tag, field, upload, ticket or message; null for a
--   call that reads
-- column source_id: id of that record, as the ledger knows it; null for a call that reads
-- column ticket_seq: place of its ticket in the replay; null before tickets begin
-- column messages: messages that travel in it
-- column bytes: at most how many bytes its body has, by the same count as plan.messages
-- column cost: calls that it counts in the target's bucket
with

mapping as (
    select missing_agent
    from config.mapping
),

agents as (
    select
        agent_id,
        email,
        name
    from plan.agents
),

customers as (
    select
        seq,
        customer_id,
        external_id,
        email,
        name,
        phone,
        language,
        timezone,
        custom_fields
    from plan.customers
),

fields as (
    select
        field_id,
        label
    from plan.fields
),

tags as (
    select name
    from plan.tags
),

uploads as (
    select
        seq,
        sha256,
        name,
        content_type,
        bytes
    from plan.uploads
    where not is_too_large
),

tickets as (
    select
        seq,
        ticket_id,
        status,
        bytes
    from plan.tickets
),

messages as (
    select
        ticket_seq,
        position,
        message_id,
        in_create,
        bytes
    from plan.messages
),

created as (
    select
        ticket_seq,
        count(*) filter (where in_create) as messages,
        -- A comma stands between two messages.
        sum(case when in_create then bytes + 1 else 0 end) as bytes,
        count(*) filter (where not in_create) as appended
    from messages
    group by ticket_seq
),

read_calls as (
    -- Whose credentials, which account, its rules, integrations and settings: a page of each, once
    -- in each session.
    select 0 as place, 'preflight' as phase
    from (values (1), (2), (3), (4), (5)) as pages (page)
    union all
    -- Asked once, before the first create: which of these tickets are there already.
    select 1 as place, 'tickets_read' as phase
    union all
    select 2 as place, 'agents_read' as phase
    union all
    select 5 as place, 'tags_read' as phase
    union all
    -- One list for the fields of tickets, one for those of customers.
    select 7 as place, 'fields_read' as phase
    from (select count(*) as fields from fields) as counted
    cross join (values (1), (2)) as lists (list)
    where counted.fields > 0
),

-- At most these: an agent whom the target has is not made.
agent_calls as (
    select
        3 as place,
        'agents_create' as phase,
        'agent' as kind,
        agents.agent_id as source_id,
        -- Fields and their names; the role is a constant.
        80
        + octet_length(json_text(agents.agent_id))
        + octet_length(json_text(agents.email))
        + octet_length(json_text(coalesce(agents.name, agents.email))) as bytes
    from agents
    cross join mapping
    where mapping.missing_agent = 'create' and agents.email is not null
),

customer_calls as (
    select
        4 as place,
        'customers_create' as phase,
        'customer' as kind,
        customer_id as source_id,
        seq as item,
        220
        + octet_length(json_text(external_id))
        + 2 * coalesce(octet_length(json_text(email)), 0)
        + coalesce(octet_length(json_text(name)), 0)
        + coalesce(octet_length(json_text(phone)), 0)
        + coalesce(octet_length(json_text(language)), 0)
        + coalesce(octet_length(json_text(timezone)), 0) as bytes
    from customers
),

tag_calls as (
    select
        6 as place,
        'tags_create' as phase,
        'tag' as kind,
        name as source_id,
        9 + octet_length(json_text(name)) as bytes
    from tags
),

field_calls as (
    select
        8 as place,
        'fields_create' as phase,
        'field' as kind,
        field_id as source_id,
        170
        + octet_length(json_text(field_id))
        + octet_length(json_text(label)) as bytes
    from fields
),

-- The create of a customer knows no custom fields, so they are set by a call of their own.
customer_field_calls as (
    select
        9 as place,
        'customers_update' as phase,
        'customer' as kind,
        customer_id as source_id,
        seq as item,
        octet_length(custom_fields)
        + 20 * cast(array_length(json_items(custom_fields)) as bigint) as bytes
    from customers
    where custom_fields <> '[]'
),

-- A multipart body has two boundaries and a head, in which the name may be escaped.
upload_calls as (
    select
        10 as place,
        'files_upload' as phase,
        'upload' as kind,
        sha256 as source_id,
        seq as item,
        600
        + 6 * coalesce(octet_length(name), 64)
        + coalesce(octet_length(content_type), 24)
        + bytes as bytes
    from uploads
),

ticket_calls as (
    select
        11 as place,
        'tickets_create' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        0 as item,
        created.messages,
        tickets.bytes + created.bytes as bytes
    from tickets
    inner join created on tickets.seq = created.ticket_seq
),

message_calls as (
    select
        11 as place,
        'messages_append' as phase,
        'message' as kind,
        message_id as source_id,
        ticket_seq,
        position as item,
        1 as messages,
        bytes
    from messages
    where not in_create
),

-- An appended message may open a closed ticket again, so those are closed once more. The body is a
-- status and five times.
state_calls as (
    select
        11 as place,
        'tickets_update' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        -- Behind every message.
        9000000000 as item,
        0 as messages,
        400 as bytes
    from tickets
    inner join created on tickets.seq = created.ticket_seq
    where tickets.status = 'closed' and created.appended > 0
),

calls as (
    select
        place,
        phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        cast(null as bigint) as ticket_seq,
        0 as item,
        0 as messages,
        0 as bytes
    from read_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from agent_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from customer_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from tag_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from field_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from customer_field_calls
    union all
    select place, phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from upload_calls
    union all
    select place, phase, kind, source_id, ticket_seq, item, messages, bytes from ticket_calls
    union all
    select place, phase, kind, source_id, ticket_seq, item, messages, bytes from message_calls
    union all
    select place, phase, kind, source_id, ticket_seq, item, messages, bytes from state_calls
),

final as (
    select
        row_number() over (order by place, ticket_seq, item, source_id) as seq,
        phase,
        kind,
        source_id,
        ticket_seq,
        messages,
        bytes,
        1 as cost
    from calls
)

select * from final order by seq
