-- grain: one row per planned message that the target lacks or holds differently
-- key: source_id
-- Both sides as they are compared: texts trimmed, lines ended alike, and addresses put aside in
-- messages that show pictures, because pictures have moved. Rows that agree are left out.
-- column source_id: the staged message
-- column ticket_id: its ticket
-- column target_id: its id in the target; null when it is not there
-- column times: how often the target has it
-- column ticket_target_id: id in the target of the ticket that it belongs to
-- column found_ticket_target_id: id in the target of the ticket that it is in
-- column channel: channel as planned
-- column found_channel: channel in the target
-- column public: whether the customer may see it, as staged
-- column found_public: the same in the target
-- column from_agent: whether the shop wrote it, as staged
-- column found_from_agent: the same in the target
-- column agent_id: the agent who wrote it; null for others
-- column sender_target_id: id in the target of who should have written it; null when the target
--   lacks them
-- column found_sender_target_id: id in the target of who wrote it
-- column is_text_same: whether both texts are equal, as they are compared
-- column body_text: beginning of the staged text, 200 characters
-- column found_body_text: beginning of the text in the target, 200 characters
-- column sent_at: when it was sent, as staged, UTC
-- column found_sent_at: the same in the target, UTC
-- column files: names, lengths in bytes and addresses of its files, as they should be
-- column found_files: the same in the target
-- column place: its place among the messages of its ticket that the target has, from 1, as staged
-- column found_place: the same in the target
with

messages as (
    select
        message_id,
        ticket_id,
        position,
        customer_id,
        agent_id,
        direction,
        body_text,
        sent_at
    from staged.messages
),

planned as (
    select
        message_id,
        channel
    from plan.messages
),

tickets_in_target as (
    select
        external_id as ticket_id,
        min(target_id) as target_id
    from readback.tickets
    where external_id is not null
    group by external_id
),

people_in_target as (
    select
        kind,
        source_id,
        target_id
    from ledger.records
    where kind in ('agent', 'customer') and target_id is not null
),

uploads as (
    select
        source_id as sha256,
        target_id as url
    from ledger.records
    where kind = 'upload' and target_id is not null
),

stored_files as (
    select
        attachments.message_id,
        attachments.ordinal,
        attachments.name,
        attachments.bytes,
        attachments.is_inline,
        attachments.url as source_url,
        coalesce(uploads.url, 'not uploaded') as url
    from staged.attachments
    left join uploads on attachments.sha256 = uploads.sha256
    where attachments.fetch_status = 'stored'
),

expected_files as (
    select
        message_id,
        string_agg(
            concat(name, ' ', bytes, ' ', url), ', ' order by name, bytes, url, ordinal
        ) as files
    from stored_files
    where not is_inline
    group by message_id
),

pictures as (
    select
        message_id,
        count(*) as pictures
    from staged.attachments
    where is_inline
    group by message_id
),

expected as (
    select
        messages.message_id as source_id,
        messages.ticket_id,
        messages.position,
        tickets_in_target.target_id as ticket_target_id,
        planned.channel,
        messages.direction <> 'internal' as public,
        messages.direction <> 'in' as from_agent,
        messages.agent_id,
        coalesce(agents.target_id, people.target_id) as sender_target_id,
        messages.body_text,
        messages.sent_at,
        coalesce(expected_files.files, '') as files,
        pictures.pictures is not null as has_pictures
    from messages
    inner join planned on messages.message_id = planned.message_id
    left join tickets_in_target on messages.ticket_id = tickets_in_target.ticket_id
    left join people_in_target as agents
        on agents.kind = 'agent'
        and coalesce(messages.agent_id, 'legacy') = agents.source_id
        and messages.direction <> 'in'
    left join people_in_target as people
        on people.kind = 'customer' and messages.customer_id = people.source_id
        and messages.direction = 'in'
    left join expected_files on messages.message_id = expected_files.message_id
    left join pictures on messages.message_id = pictures.message_id
),

found_messages as (
    select
        target_id,
        number,
        ticket_target_id,
        external_id,
        channel,
        public,
        from_agent,
        sender_target_id,
        body_text,
        sent_at,
        count(*) over (partition by external_id) as times,
        row_number() over (partition by external_id order by number, target_id) as place
    from readback.messages
    where external_id is not null
),

found_attachments as (
    select
        external_id as message_id,
        target_id,
        unnest(json_items(attachments)) as attachment
    from readback.messages
    where attachments is not null and external_id is not null
),

read_attachments as (
    select
        message_id,
        target_id,
        json_row(
            attachment,
            'name TEXT PATH $.name, size BIGINT PATH $.size, url TEXT PATH $.url'
        ) as document
    from found_attachments
),

named_attachments as (
    select
        message_id,
        target_id,
        document['name'] as name,
        document['size'] as bytes,
        document['url'] as url
    from read_attachments
),

pictures_uploaded as (
    select distinct
        message_id,
        url
    from stored_files
    where is_inline
),

-- A picture of the text may be listed among the files too.
found_files as (
    select
        named_attachments.target_id,
        string_agg(
            concat_ws(
                ' ',
                named_attachments.name,
                named_attachments.bytes,
                named_attachments.url
            ),
            ', '
            order by named_attachments.name, named_attachments.bytes, named_attachments.url
        ) as files
    from named_attachments
    left anti join pictures_uploaded
        on named_attachments.message_id = pictures_uploaded.message_id
        and named_attachments.url = pictures_uploaded.url
    group by named_attachments.target_id
),

paired as (
    select
        expected.source_id,
        expected.ticket_id,
        found_messages.target_id,
        coalesce(found_messages.times, 0) as times,
        expected.ticket_target_id,
        found_messages.ticket_target_id as found_ticket_target_id,
        expected.channel,
        found_messages.channel as found_channel,
        expected.public,
        found_messages.public as found_public,
        expected.from_agent,
        found_messages.from_agent as found_from_agent,
        expected.agent_id,
        expected.sender_target_id,
        found_messages.sender_target_id as found_sender_target_id,
        case
            when expected.has_pictures
                then regexp_replace(expected.body_text, 'https?://[^\s()"''<>]+', 'picture', 'g')
            else expected.body_text
        end as body_text,
        case
            when expected.has_pictures
                then regexp_replace(
                    found_messages.body_text, 'https?://[^\s()"''<>]+', 'picture', 'g'
                )
            else found_messages.body_text
        end as found_body_text,
        expected.sent_at,
        found_messages.sent_at as found_sent_at,
        expected.files,
        coalesce(found_files.files, '') as found_files,
        -- The order is compared among the messages that are there.
        row_number() over (
            partition by expected.ticket_id, found_messages.target_id is null
            order by expected.position
        ) as place,
        row_number() over (
            partition by expected.ticket_id, found_messages.target_id is null
            order by
                coalesce(found_messages.sent_at, expected.sent_at),
                found_messages.number,
                expected.position
        ) as found_place
    from expected
    left join found_messages
        on expected.source_id = found_messages.external_id and found_messages.place = 1
    left join found_files on found_messages.target_id = found_files.target_id
),

normalized as (
    select
        source_id,
        ticket_id,
        target_id,
        times,
        ticket_target_id,
        found_ticket_target_id,
        channel,
        found_channel,
        public,
        found_public,
        from_agent,
        found_from_agent,
        agent_id,
        sender_target_id,
        found_sender_target_id,
        trim(replace(body_text, chr(13), '')) as body_text,
        trim(replace(coalesce(found_body_text, ''), chr(13), '')) as found_body_text,
        sent_at,
        found_sent_at,
        files,
        found_files,
        place,
        found_place
    from paired
),

final as (
    select
        source_id,
        ticket_id,
        target_id,
        times,
        ticket_target_id,
        found_ticket_target_id,
        channel,
        found_channel,
        public,
        found_public,
        from_agent,
        found_from_agent,
        agent_id,
        sender_target_id,
        found_sender_target_id,
        body_text = found_body_text as is_text_same,
        cut_text(body_text, 200) as body_text,
        cut_text(found_body_text, 200) as found_body_text,
        sent_at,
        found_sent_at,
        files,
        found_files,
        place,
        found_place
    from normalized
    where
        times <> 1
        or (ticket_target_id is distinct from found_ticket_target_id)
        or (channel is distinct from found_channel)
        or (public is distinct from found_public)
        or (from_agent is distinct from found_from_agent)
        or ((sender_target_id is not null or agent_id is not null)
            and (sender_target_id is distinct from found_sender_target_id))
        or body_text <> found_body_text
        or (sent_at is distinct from found_sent_at)
        or files <> found_files
        or place <> found_place
)

select * from final order by source_id
