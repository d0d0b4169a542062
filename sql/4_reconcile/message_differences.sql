-- grain: one row per message and field in which staged and target differ
-- key: source_id, target_id, field
-- column source_id: the staged message; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was staged, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

pairs as (
    select
        source_id,
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
        is_text_same,
        body_text,
        found_body_text,
        sent_at,
        found_sent_at,
        files,
        found_files,
        place,
        found_place
    from reconcile.message_pairs
),

present as (
    select
        source_id,
        target_id,
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
        is_text_same,
        body_text,
        found_body_text,
        sent_at,
        found_sent_at,
        files,
        found_files,
        place,
        found_place
    from pairs
    where target_id is not null
),

compared as (
    select source_id, target_id, 'existence' as field, 'once' as expected,
        case when times = 0 then 'missing' else concat(times, ' times') end as found,
        cast(null as varchar) as rule
    from pairs
    where times <> 1
    union all
    select source_id, target_id, 'ticket' as field, ticket_target_id as expected,
        found_ticket_target_id as found, cast(null as varchar) as rule
    from present
    where ticket_target_id is distinct from found_ticket_target_id
    union all
    select source_id, target_id, 'channel' as field, channel as expected, found_channel as found,
        cast(null as varchar) as rule
    from present
    where channel is distinct from found_channel
    union all
    select source_id, target_id, 'public' as field, cast(public as varchar) as expected,
        cast(found_public as varchar) as found, cast(null as varchar) as rule
    from present
    where public is distinct from found_public
    union all
    select source_id, target_id, 'from_agent' as field, cast(from_agent as varchar) as expected,
        cast(found_from_agent as varchar) as found, cast(null as varchar) as rule
    from present
    where from_agent is distinct from found_from_agent
    union all
    select source_id, target_id, 'sender' as field,
        coalesce(sender_target_id, agent_id) as expected, found_sender_target_id as found,
        case when sender_target_id is null then 'agent_not_in_target' end as rule
    from present
    where
        (sender_target_id is not null or agent_id is not null)
        and sender_target_id is distinct from found_sender_target_id
    union all
    select source_id, target_id, 'body_text' as field, body_text as expected,
        found_body_text as found, cast(null as varchar) as rule
    from present
    where not is_text_same
    union all
    select source_id, target_id, 'sent_at' as field, cast(sent_at as varchar) as expected,
        cast(found_sent_at as varchar) as found, cast(null as varchar) as rule
    from present
    where sent_at is distinct from found_sent_at
    union all
    select source_id, target_id, 'attachments' as field, files as expected, found_files as found,
        cast(null as varchar) as rule
    from present
    where files <> found_files
    union all
    select source_id, target_id, 'order' as field, cast(place as varchar) as expected,
        cast(found_place as varchar) as found, cast(null as varchar) as rule
    from present
    where place <> found_place
),

planned as (
    select message_id
    from plan.messages
),

planned_tickets as (
    select ticket_id
    from plan.tickets
),

our_tickets as (
    select tickets.target_id
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.ticket_id
),

staged_messages as (
    select message_id
    from staged.messages
),

ours as (
    select
        messages.target_id,
        messages.external_id
    from readback.messages
    left semi join our_tickets on messages.ticket_target_id = our_tickets.target_id
    union
    select
        messages.target_id,
        messages.external_id
    from readback.messages
    left semi join staged_messages on messages.external_id = staged_messages.message_id
),

extra as (
    select
        coalesce(ours.external_id, concat('target/', ours.target_id)) as source_id,
        ours.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        cast(null as varchar) as rule
    from ours
    left anti join planned on ours.external_id = planned.message_id
),

-- A picture inside a text must have moved with it: the text must show the new address and must not
-- show the old one.
uploads as (
    select
        source_id as sha256,
        target_id as url
    from ledger.records
    where kind = 'upload' and target_id is not null
),

pictures as (
    select
        attachments.message_id,
        attachments.url as source_url,
        uploads.url
    from staged.attachments
    left semi join planned on attachments.message_id = planned.message_id
    left join uploads on attachments.sha256 = uploads.sha256
    where attachments.is_inline and attachments.fetch_status = 'stored'
),

shown_pictures as (
    select
        pictures.message_id as source_id,
        messages.target_id,
        pictures.source_url,
        pictures.url,
        messages.body_text
    from pictures
    inner join staged.messages as staged_texts on pictures.message_id = staged_texts.message_id
    inner join readback.messages on pictures.message_id = messages.external_id
    where strpos(staged_texts.body_text, pictures.source_url) > 0
),

left_behind as (
    select
        source_id,
        target_id,
        'pictures' as field,
        'addresses of the target' as expected,
        concat(count(*), ' addresses of the source') as found,
        cast(null as varchar) as rule
    from shown_pictures
    where
        url is null
        or strpos(body_text, url) = 0
        or (strpos(body_text, source_url) > 0 and strpos(url, source_url) = 0)
    group by source_id, target_id
),

final as (
    select source_id, target_id, field, expected, found, rule from compared
    union all
    select source_id, target_id, field, expected, found, rule from extra
    union all
    select source_id, target_id, field, expected, found, rule from left_behind
)

select * from final order by source_id, target_id, field
