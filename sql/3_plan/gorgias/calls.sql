-- grain: one row per call of the replay
-- key: seq
-- Tickets are worked on several at a time; the calls of one ticket keep this order. What the
-- followed run brought in takes none; a ticket of it is looked at before anything is done to it.
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

replay as (
    select follows
    from config.replay
),

agents as (
    select
        agents.agent_id,
        agents.email,
        agents.name
    from plan.agents
    left anti join before.agents as loaded on agents.agent_id = loaded.agent_id
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
        custom_fields,
        is_loaded
    from plan.customers
),

customers_before as (
    select
        customer_id,
        custom_fields
    from before.customers
),

fields as (
    select
        fields.field_id,
        fields.label
    from plan.fields
    left anti join before.fields as loaded on fields.field_id = loaded.field_id
),

tags as (
    select tags.name
    from plan.tags
    left anti join before.tags as loaded on tags.name = loaded.name
),

uploads as (
    select
        seq,
        sha256,
        name,
        content_type,
        bytes
    from plan.uploads
    where not is_too_large and not is_loaded
),

tickets as (
    select
        seq,
        ticket_id,
        status,
        updates,
        bytes
    from plan.tickets
),

messages as (
    select
        messages.ticket_seq,
        messages.position,
        messages.message_id,
        messages.in_create,
        messages.bytes
    from plan.messages
    left anti join before.messages as loaded on messages.message_id = loaded.message_id
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

new_counts as (
    select
        (select count(*) from agents) as agents,
        (select count(*) from tags) as tags,
        (select count(*) from fields) as fields
),

-- Phases in their order; tickets, their messages and their states go together.
phases as (
    select
        column1 as place,
        column2 as phase
    from (
        values
        (0, 'preflight'), (1, 'tickets_read'), (2, 'agents_read'), (3, 'agents_create'),
        (4, 'customers_create'), (5, 'tags_read'), (6, 'tags_create'), (7, 'fields_read'),
        (8, 'fields_create'), (9, 'customers_update'), (10, 'files_upload'),
        (11, 'tickets_look'), (11, 'tickets_create'), (11, 'messages_append'),
        (11, 'tickets_update')
    ) as listed
),

-- Whose credentials, which account, its rules, integrations and settings: a page of each, once in
-- each session. Before the first create: which of these tickets are there already, which agents,
-- tags and fields; of fields one list for those of tickets and one for those of customers.
pages as (
    select column1 as phase
    from (
        values
        ('preflight'), ('preflight'), ('preflight'), ('preflight'), ('preflight'),
        ('tickets_read'), ('agents_read'), ('tags_read'), ('fields_read'), ('fields_read')
    ) as listed
),

-- The followed run knows what was there; only for what is new somebody has to be asked.
read_calls as (
    select pages.phase
    from pages
    cross join replay
    cross join new_counts
    where
        case pages.phase
            when 'preflight' then true
            when 'tickets_read' then replay.follows is null
            when 'agents_read' then replay.follows is null or new_counts.agents > 0
            when 'tags_read' then replay.follows is null or new_counts.tags > 0
            else new_counts.fields > 0
        end
),

-- At most these: an agent whom the target has is not made.
agent_calls as (
    select
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
    where not is_loaded
),

tag_calls as (
    select
        'tags_create' as phase,
        'tag' as kind,
        name as source_id,
        9 + octet_length(json_text(name)) as bytes
    from tags
),

field_calls as (
    select
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
        'customers_update' as phase,
        'customer' as kind,
        customers.customer_id as source_id,
        customers.seq as item,
        octet_length(customers.custom_fields)
        + 20 * cast(array_length(json_items(customers.custom_fields)) as bigint) as bytes
    from customers
    left join customers_before on customers.customer_id = customers_before.customer_id
    where
        customers.custom_fields <> '[]'
        and customers.custom_fields is distinct from customers_before.custom_fields
),

-- A multipart body has two boundaries and a head, in which the name may be escaped.
upload_calls as (
    select
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

-- A ticket that is loaded is looked at first: somebody may have deleted it, or know more of it.
look_calls as (
    select
        'tickets_look' as phase,
        tickets.seq as ticket_seq,
        -1 as item
    from tickets
    left join created on tickets.seq = created.ticket_seq
    where tickets.updates <> '[]' or (tickets.updates is not null and created.appended > 0)
),

ticket_calls as (
    select
        'tickets_create' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        0 as item,
        created.messages,
        tickets.bytes + created.bytes as bytes
    from tickets
    inner join created on tickets.seq = created.ticket_seq
    where tickets.updates is null
),

message_calls as (
    select
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
-- status and five times, and of a ticket that is loaded at most all of it.
state_calls as (
    select
        'tickets_update' as phase,
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.seq as ticket_seq,
        -- Behind every message.
        9000000000 as item,
        0 as messages,
        case when tickets.updates is null then 400 else tickets.bytes end as bytes
    from tickets
    left join created on tickets.seq = created.ticket_seq
    where
        (tickets.updates is null and tickets.status = 'closed' and created.appended > 0)
        or tickets.updates <> '[]'
),

calls as (
    select
        phase,
        cast(null as varchar) as kind,
        cast(null as varchar) as source_id,
        cast(null as bigint) as ticket_seq,
        0 as item,
        0 as messages,
        0 as bytes
    from read_calls
    union all
    select
        phase,
        null as kind,
        null as source_id,
        ticket_seq,
        item,
        0 as messages,
        0 as bytes
    from look_calls
    union all
    select phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from agent_calls
    union all
    select phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from customer_calls
    union all
    select phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from tag_calls
    union all
    select phase, kind, source_id, null as ticket_seq, 0 as item, 0 as messages, bytes
    from field_calls
    union all
    select phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from customer_field_calls
    union all
    select phase, kind, source_id, null as ticket_seq, item, 0 as messages, bytes
    from upload_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from ticket_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from message_calls
    union all
    select phase, kind, source_id, ticket_seq, item, messages, bytes from state_calls
),

final as (
    select
        row_number() over (
            order by phases.place, calls.ticket_seq, calls.item, calls.source_id
        ) as seq,
        -- Looking at a ticket that is loaded is counted with the reading of tickets.
        case calls.phase when 'tickets_look' then 'tickets_read' else calls.phase end as phase,
        calls.kind,
        calls.source_id,
        calls.ticket_seq,
        calls.messages,
        calls.bytes,
        1 as cost
    from calls
    inner join phases on calls.phase = phases.phase
)

select * from final order by seq
