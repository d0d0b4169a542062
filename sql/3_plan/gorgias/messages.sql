-- grain: one row per message to be created
-- key: ticket_seq, position
-- Rows lie in the order of replay. What goes into the call that creates the ticket is a beginning
-- of its messages, bounded in number and bytes.
-- column ticket_seq: place of its ticket in the replay
-- column position: place in the ticket, from 1 without holes
-- column ticket_id: the staged ticket
-- column message_id: the staged message, and the id that the target is told; of a note about an
--   edit the message's id, /edited/ and the beginning of its text's hash
-- column part_of: the same id; where a target takes a message in several, the staged one
-- column in_create: whether it travels in the call that creates the ticket; else it is appended
-- column fits_create: whether it would with packing auto: up to 500 messages and the bytes that
--   payload_bytes_max allows
-- column channel: chat, email or internal-note; api in the place of chat where so configured
-- column via: how the target is told that it came, always api
-- column from_agent: whether the shop wrote it
-- column public: whether the customer may see it
-- column sender_kind: customer, agent, or legacy for whoever stands in
-- column sender_id: customer_id or agent_id of who wrote it; null for legacy
-- column receiver_customer_id: customer whom an answer went to; null otherwise
-- column source_type: the same as channel, where the target asks twice
-- column source_from_name: name of who wrote it; null for notes
-- column source_from_address: address of who wrote it, or an id in its place; null for notes
-- column source_to: names and addresses of who received it, as a JSON list
-- column subject: subject of an e-mail, at most 998 characters; null otherwise
-- column body_text: its text, never empty
-- column body_html: its page without scripts; null when there is none
-- column sent_at: when it was sent, UTC, always in the past
-- column message_ref: Message-ID of an e-mail; null otherwise
-- column attachments: its files and pictures with hash, name, type, length and address, as a JSON
--   list
-- column mention_agent_ids: agents who are named in it, as a JSON list
-- column meta: what the target has no field for, as a JSON object
-- column bytes: at most how many bytes it adds to a call; an address that the target gives to a
--   file is taken as 1000 bytes, an id as twenty digits
with

tickets as (
    select
        seq,
        ticket_id,
        customer_id,
        answering_agent_id,
        updates is not null as is_loaded,
        bytes
    from plan.tickets
),

customers as (
    select
        customer_id,
        name,
        email
    from staged.customers
),

agents as (
    select
        agent_id,
        name,
        email
    from staged.agents
),

messages as (
    select
        messages.message_id,
        messages.ticket_id,
        messages.position,
        messages.agent_id,
        messages.author_source_id,
        messages.author_type,
        messages.author_name,
        messages.direction,
        messages.content_type,
        messages.origin,
        messages.subject,
        messages.message_ref,
        messages.body_text,
        messages.body_html,
        messages.mention_agent_ids,
        messages.sent_at
    from staged.messages
    left anti join before.messages as known on messages.message_id = known.message_id
),

attachments as (
    select
        message_id,
        concat(
            '[',
            string_agg(
                json_text(named_struct(
                    'sha256', sha256,
                    'name', name,
                    'content_type', content_type,
                    'bytes', bytes,
                    'url', url,
                    'inline', is_inline
                )),
                ',' order by ordinal
            ),
            ']'
        ) as attachments
    from staged.attachments
    group by message_id
),

-- Where a file is shown in the text, its address becomes another one; HTML spells & as &amp;.
shown_files as (
    select
        attachments.message_id,
        coalesce(octet_length(json_text(attachments.name)), 66) as name_bytes,
        coalesce(octet_length(json_text(attachments.content_type)), 26) as type_bytes,
        replace(attachments.url, '&amp;', '&') as url,
        replace(
            concat(coalesce(messages.body_text, ''), ' ', coalesce(messages.body_html, '')),
            '&amp;',
            '&'
        ) as body
    from staged.attachments
    inner join messages on attachments.message_id = messages.message_id
    where attachments.sha256 is not null
),

-- A file that the target refuses is named in text and page instead, which its name pays for.
file_bytes as (
    select
        message_id,
        sum(
            1065 + 6 * name_bytes + type_bytes
            + 1000 * coalesce(
                (octet_length(body) - octet_length(replace(body, url, '')))
                / nullif(octet_length(url), 0),
                0
            )
        ) as bytes
    from shown_files
    group by message_id
),

addressed as (
    select
        tickets.seq as ticket_seq,
        tickets.bytes as ticket_bytes,
        tickets.is_loaded,
        messages.position,
        messages.ticket_id,
        messages.message_id,
        messages.direction,
        messages.agent_id,
        messages.author_source_id,
        messages.author_type,
        coalesce(messages.author_name, agents.name) as author_name,
        messages.content_type,
        messages.origin,
        messages.subject,
        messages.message_ref,
        messages.body_text,
        messages.body_html,
        messages.mention_agent_ids,
        messages.sent_at,
        tickets.customer_id,
        customers.email as customer_email,
        coalesce(customers.email, tickets.customer_id) as customer_address,
        case
            when messages.author_type = 'participant' then messages.author_name
            else customers.name
        end as customer_name,
        case
            when messages.direction = 'out' then agents.email
            else answerers.email
        end as shop_email,
        case
            when messages.direction = 'out' then coalesce(messages.author_name, agents.name)
            else answerers.name
        end as shop_name,
        coalesce(attachments.attachments, '[]') as attachments,
        coalesce(file_bytes.bytes, 0) as file_bytes
    from messages
    inner join tickets on messages.ticket_id = tickets.ticket_id
    left join customers on tickets.customer_id = customers.customer_id
    left join agents on messages.agent_id = agents.agent_id
    left join agents as answerers on tickets.answering_agent_id = answerers.agent_id
    left join attachments on messages.message_id = attachments.message_id
    left join file_bytes on messages.message_id = file_bytes.message_id
),

channelled as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        direction,
        agent_id,
        author_source_id,
        author_type,
        author_name,
        content_type,
        subject,
        message_ref,
        body_text,
        body_html,
        mention_agent_ids,
        sent_at,
        customer_id,
        customer_address,
        customer_name,
        coalesce(shop_email, 'support') as shop_address,
        shop_name,
        attachments,
        file_bytes,
        ticket_bytes,
        is_loaded,
        case
            when direction = 'internal' then 'internal-note'
            when
                origin = 'email'
                and customer_email is not null
                and shop_email is not null
                and mapping.email_channel = 'email'
                then 'email'
            else mapping.chat_channel
        end as channel
    from addressed
    cross join config.mapping as mapping
),

shaped as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        channel,
        direction <> 'in' as from_agent,
        direction <> 'internal' as public,
        case
            when direction = 'in' then 'customer'
            when agent_id is not null then 'agent'
            else 'legacy'
        end as sender_kind,
        case when direction = 'in' then customer_id else agent_id end as sender_id,
        case when direction = 'out' then customer_id end as receiver_customer_id,
        case when direction = 'in' then customer_name else shop_name end as from_name,
        case when direction = 'in' then customer_address else shop_address end as from_address,
        case
            when direction = 'internal' then '[]'
            when direction = 'in'
                then json_text(make_array(named_struct('name', shop_name, 'address', shop_address)))
            else json_text(
                make_array(named_struct('name', customer_name, 'address', customer_address))
            )
        end as source_to,
        cut_text(subject, 998) as subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        file_bytes,
        ticket_bytes,
        is_loaded,
        coalesce(mention_agent_ids, '[]') as mention_agent_ids,
        json_text(named_struct(
            'source_message', message_id,
            'source_type', content_type,
            'author', author_name,
            'author_type', author_type,
            'author_id', author_source_id
        )) as meta
    from channelled
),

note_rows as (
    select
        tickets.seq as ticket_seq,
        cast(0 as bigint) as position,
        tickets.ticket_id,
        notes.message_id,
        'internal-note' as channel,
        true as from_agent,
        false as public,
        'legacy' as sender_kind,
        cast(null as varchar) as sender_id,
        cast(null as varchar) as receiver_customer_id,
        cast(null as varchar) as from_name,
        cast(null as varchar) as from_address,
        '[]' as source_to,
        cast(null as varchar) as subject,
        notes.body_text,
        cast(null as varchar) as body_html,
        notes.sent_at,
        cast(null as varchar) as message_ref,
        '[]' as attachments,
        0 as file_bytes,
        tickets.bytes as ticket_bytes,
        tickets.is_loaded,
        '[]' as mention_agent_ids,
        json_text(named_struct(
            'source_message', notes.edited_message_id,
            'source_type', 'edit'
        )) as meta
    from plan.edit_notes as notes
    inner join tickets on notes.ticket_id = tickets.ticket_id
),

told as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        from_name,
        from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        file_bytes,
        ticket_bytes,
        is_loaded,
        mention_agent_ids,
        meta
    from shaped
    union all
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        from_name,
        from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        file_bytes,
        ticket_bytes,
        is_loaded,
        mention_agent_ids,
        meta
    from note_rows
),

-- 600 bytes are the names of the fields, two ids and two times.
sized as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        from_name,
        from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        ticket_bytes,
        is_loaded,
        600
        + octet_length(json_text(message_id))
        + coalesce(octet_length(json_text(from_name)), 0)
        + coalesce(octet_length(json_text(from_address)), 0)
        + octet_length(source_to)
        + coalesce(octet_length(json_text(subject)), 0)
        + coalesce(octet_length(json_text(body_text)), 0)
        + coalesce(octet_length(json_text(body_html)), 0)
        + coalesce(octet_length(json_text(message_ref)), 0)
        + octet_length(meta)
        + 22 * cast(coalesce(array_length(json_texts(mention_agent_ids)), 0) as bigint)
        + file_bytes as bytes,
        mapping.packing,
        cast(mapping.payload_bytes_max as bigint) as payload_bytes_max
    from told
    cross join config.mapping as mapping
),

summed as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        from_name,
        from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes,
        packing,
        is_loaded,
        not is_loaded
        and (
            position = 1
            or (
                position <= 500
                -- A comma stands between two messages.
                and ticket_bytes + sum(bytes + 1) over (
                    partition by ticket_seq
                    order by position
                    rows between unbounded preceding and current row
                ) <= payload_bytes_max
            )
        ) as fits_create
    from sized
),

fresh as (
    select
        ticket_seq,
        position,
        is_loaded,
        ticket_id,
        message_id,
        fits_create and (position = 1 or packing = 'auto') as in_create,
        fits_create,
        channel,
        'api' as via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        channel as source_type,
        case when public then from_name end as source_from_name,
        case when public then from_address end as source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from summed
),

loaded as (
    select
        tickets.seq as ticket_seq,
        known.position,
        known.ticket_id,
        known.message_id,
        false as in_create,
        false as fits_create,
        known.channel,
        known.via,
        known.from_agent,
        known.public,
        known.sender_kind,
        known.sender_id,
        known.receiver_customer_id,
        known.source_type,
        known.source_from_name,
        known.source_from_address,
        known.source_to,
        known.subject,
        known.body_text,
        known.body_html,
        known.sent_at,
        known.message_ref,
        known.attachments,
        known.mention_agent_ids,
        known.meta,
        known.bytes
    from before.messages as known
    inner join tickets on known.ticket_id = tickets.ticket_id
),

-- In a ticket that is loaded, messages stand in the order of their times; of one time, what was
-- there comes first.
joined as (
    select
        ticket_seq,
        position,
        false as is_new,
        ticket_id,
        message_id,
        in_create,
        fits_create,
        channel,
        via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        source_type,
        source_from_name,
        source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from loaded
    union all
    select
        ticket_seq,
        position,
        true as is_new,
        ticket_id,
        message_id,
        in_create,
        fits_create,
        channel,
        via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        source_type,
        source_from_name,
        source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from fresh
    where is_loaded
),

final as (
    select
        ticket_seq,
        position,
        ticket_id,
        message_id,
        message_id as part_of,
        in_create,
        fits_create,
        channel,
        via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        source_type,
        source_from_name,
        source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from fresh
    where not is_loaded
    union all
    select
        ticket_seq,
        cast(
            row_number() over (
                partition by ticket_seq
                order by sent_at, is_new, position, message_id
            ) as bigint
        ) as position,
        ticket_id,
        message_id,
        message_id as part_of,
        in_create,
        fits_create,
        channel,
        via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        receiver_customer_id,
        source_type,
        source_from_name,
        source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        sent_at,
        message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from joined
)

select * from final order by ticket_seq, position
