-- grain: one row per message to be created
-- key: ticket_seq, position
-- Rows lie in the order of replay. Each is one message of the target: a text, a note, or a file
-- without a text. None travels in the call that creates its conversation.
-- column ticket_seq: place of its conversation in the replay
-- column position: place in the conversation, from 1 without holes
-- column ticket_id: the staged ticket
-- column message_id: id in the plan, which the target keeps a number of
-- column part_of: the staged message of which it is all or a piece; of a note about an edit its own
-- column in_create: always false
-- column fits_create: always false
-- column channel: email or chat, which the target calls its origin
-- column via: how the target is told that it came, always api
-- column from_agent: whether the shop wrote it
-- column public: whether the customer may see it; a note is not public
-- column sender_kind: customer, agent, or legacy for whoever stands in
-- column sender_id: customer_id or agent_id of who wrote it; null for legacy, and for a customer of
--   whom the target has no record
-- column receiver_customer_id: always null
-- column source_type: always null
-- column source_from_name: name to show as its author; may be null
-- column source_from_address: always null
-- column source_to: always an empty list
-- column subject: always null
-- column body_text: its text; null for a file
-- column body_html: the original page of an e-mail, with the first piece of its text; else null
-- column sent_at: when it was sent, UTC, always in the past
-- column message_ref: always null
-- column attachments: the file of a file; of a text the pictures and files whose addresses it
--   shows, as a JSON list
-- column mention_agent_ids: agents who are named in it, as a JSON list
-- column meta: automated, origin, properties and user in the target's words, as a JSON object
-- column bytes: at most how many bytes its call has; an address that the target gives to a file is
--   taken as 1000 bytes
with

tickets as (
    select
        seq,
        ticket_id,
        updates is not null as is_loaded
    from plan.tickets
),

planned_customers as (
    select customer_id
    from plan.customers
),

customers as (
    select
        customers.customer_id,
        customers.name,
        planned_customers.customer_id as record_id
    from staged.customers
    left join planned_customers on customers.customer_id = planned_customers.customer_id
),

agents as (
    select
        agent_id,
        name
    from staged.agents
),

stored as (
    select
        message_id,
        ordinal,
        url,
        name,
        is_inline,
        json_text(named_struct(
            'sha256', sha256,
            'name', name,
            'content_type', content_type,
            'bytes', bytes,
            'url', url,
            'inline', is_inline
        )) as attachment
    from staged.attachments
    where fetch_status = 'stored'
),

files as (
    select
        message_id,
        ordinal,
        url,
        name,
        attachment
    from stored
    where not is_inline
),

pictures as (
    select
        message_id,
        ordinal,
        replace(url, '&amp;', '&') as url,
        attachment
    from stored
    where is_inline
),

sources as (
    select
        message_id,
        ticket_id,
        customer_id,
        position,
        agent_id,
        author_type,
        author_name,
        author_avatar_url,
        direction,
        origin,
        subject,
        message_ref,
        body_text,
        body_html,
        mention_agent_ids,
        is_automated,
        sent_at
    from staged.messages
    union all
    select
        message_id,
        ticket_id,
        cast(null as varchar) as customer_id,
        cast(0 as bigint) as position,
        cast(null as varchar) as agent_id,
        'system' as author_type,
        cast(null as varchar) as author_name,
        cast(null as varchar) as author_avatar_url,
        'internal' as direction,
        cast(null as varchar) as origin,
        cast(null as varchar) as subject,
        cast(null as varchar) as message_ref,
        body_text,
        cast(null as varchar) as body_html,
        cast(null as varchar) as mention_agent_ids,
        false as is_automated,
        sent_at
    from plan.edit_notes
),

pieces as (
    select
        pieces.message_id,
        pieces.part_of,
        pieces.ticket_id,
        pieces.place,
        pieces.form,
        pieces.ordinal,
        sources.customer_id,
        sources.position as source_position,
        sources.agent_id,
        sources.author_type,
        sources.author_name,
        sources.author_avatar_url,
        sources.direction,
        sources.origin,
        sources.subject,
        sources.message_ref,
        case
            when pieces.pieces = 1 then sources.body_text
            when pieces.piece is not null
                then split_text(
                    sources.body_text, cast(mapping.text_chars_max as bigint)
                )[pieces.piece]
        end as body_text,
        case
            when
                pieces.piece = 1
                and sources.origin = 'email'
                and sources.direction <> 'internal'
                then sources.body_html
        end as body_html,
        sources.mention_agent_ids,
        sources.is_automated,
        sources.sent_at
    from plan.pieces
    inner join sources on pieces.part_of = sources.message_id
    cross join config.mapping as mapping
),

-- A picture belongs to the pieces that show its address.
shown as (
    select
        pieces.message_id,
        concat('[', string_agg(pictures.attachment, ',' order by pictures.ordinal), ']')
            as attachments,
        count(*) as pictures
    from pieces
    inner join pictures on pieces.part_of = pictures.message_id
    where
        position(
            pictures.url in replace(
                concat(coalesce(pieces.body_text, ''), ' ', coalesce(pieces.body_html, '')),
                '&amp;',
                '&'
            )
        ) > 0
    group by pieces.message_id
),

worded as (
    select
        tickets.seq as ticket_seq,
        tickets.is_loaded,
        pieces.ticket_id,
        pieces.message_id,
        pieces.part_of,
        pieces.place,
        pieces.source_position,
        case
            when
                pieces.direction <> 'internal'
                and pieces.origin = 'email'
                and mapping.email_channel = 'email'
                then 'email'
            else 'chat'
        end as channel,
        pieces.direction <> 'in' as from_agent,
        pieces.direction <> 'internal' as public,
        case
            when pieces.direction = 'in' then 'customer'
            when pieces.agent_id is not null then 'agent'
            else 'legacy'
        end as sender_kind,
        case when pieces.direction = 'in' then customers.record_id else pieces.agent_id end
            as sender_id,
        case
            when pieces.direction = 'in' then coalesce(pieces.author_name, customers.name)
            else coalesce(pieces.author_name, agents.name)
        end as source_from_name,
        case
            -- A bracket would end the name of the link.
            when pieces.form = 'link'
                then concat('[', translate(files.name, '[]', '()'), '](', files.url, ')')
            else pieces.body_text
        end as body_text,
        pieces.body_html,
        pieces.sent_at,
        case
            when pieces.ordinal is not null then concat('[', files.attachment, ']')
            else coalesce(shown.attachments, '[]')
        end as attachments,
        case when pieces.place = 1 then coalesce(pieces.mention_agent_ids, '[]') else '[]' end
            as mention_agent_ids,
        pieces.is_automated,
        pieces.author_avatar_url,
        pieces.subject,
        pieces.message_ref
    from pieces
    inner join tickets on pieces.ticket_id = tickets.ticket_id
    cross join config.mapping as mapping
    left join customers on pieces.customer_id = customers.customer_id
    left join agents on pieces.agent_id = agents.agent_id
    left join files on pieces.part_of = files.message_id and pieces.ordinal = files.ordinal
    left join shown on pieces.message_id = shown.message_id
),

shaped as (
    select
        ticket_seq,
        is_loaded,
        ticket_id,
        message_id,
        part_of,
        place,
        source_position,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        source_from_name,
        body_text,
        body_html,
        sent_at,
        attachments,
        mention_agent_ids,
        json_text(named_struct(
            'automated', is_automated,
            'origin', channel,
            'properties', named_struct(
                'deskferry_id', message_id,
                'deskferry_message_ref', message_ref,
                'deskferry_subject', subject
            ),
            'user', case
                when author_avatar_url is not null
                    then named_struct('avatar', author_avatar_url)
            end
        )) as meta
    from worded
),

loaded as (
    select
        tickets.seq as ticket_seq,
        known.position,
        known.ticket_id,
        known.message_id,
        known.part_of,
        known.channel,
        known.from_agent,
        known.public,
        known.sender_kind,
        known.sender_id,
        known.source_from_name,
        known.body_text,
        known.body_html,
        known.sent_at,
        known.attachments,
        known.mention_agent_ids,
        known.meta,
        known.bytes
    from before.messages as known
    inner join tickets on known.ticket_id = tickets.ticket_id
),

-- In a conversation that is loaded, messages stand in the order of their times; of one time, what
-- was there comes first.
joined as (
    select
        ticket_seq,
        true as is_loaded,
        false as is_new,
        position as source_position,
        cast(1 as bigint) as place,
        ticket_id,
        message_id,
        part_of,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        source_from_name,
        body_text,
        body_html,
        sent_at,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from loaded
    union all
    select
        ticket_seq,
        is_loaded,
        true as is_new,
        source_position,
        place,
        ticket_id,
        message_id,
        part_of,
        channel,
        from_agent,
        public,
        sender_kind,
        sender_id,
        source_from_name,
        body_text,
        body_html,
        sent_at,
        attachments,
        mention_agent_ids,
        meta,
        -- 400 bytes are the names of the fields, the state of the call and two numbers.
        400
        + coalesce(octet_length(json_text(source_from_name)), 0)
        + coalesce(octet_length(json_text(body_text)), 0)
        + coalesce(octet_length(json_text(body_html)), 0)
        + octet_length(meta)
        + 1000 * cast(coalesce(array_length(json_items(attachments)), 0) as bigint) as bytes
    from shaped
),

final as (
    select
        ticket_seq,
        cast(
            row_number() over (
                partition by ticket_seq
                order by
                    case when is_loaded then sent_at end,
                    is_new,
                    source_position,
                    place,
                    message_id
            ) as bigint
        ) as position,
        ticket_id,
        message_id,
        part_of,
        false as in_create,
        false as fits_create,
        channel,
        'api' as via,
        from_agent,
        public,
        sender_kind,
        sender_id,
        cast(null as varchar) as receiver_customer_id,
        cast(null as varchar) as source_type,
        source_from_name,
        cast(null as varchar) as source_from_address,
        '[]' as source_to,
        cast(null as varchar) as subject,
        body_text,
        body_html,
        sent_at,
        cast(null as varchar) as message_ref,
        attachments,
        mention_agent_ids,
        meta,
        bytes
    from joined
)

select * from final order by ticket_seq, position
