-- grain: one row per planned message that the target has and field in which the two differ
-- key: source_id, field
-- Every field of a planned message that the target's list shows. Expected texts show the addresses
-- that files have in the target. Fields that agree are left out.
-- column source_id: the staged message
-- column target_id: its id in the target
-- column field: what differs
-- column expected: what was planned, as text; of a long one the beginning
-- column found: what the target holds, as text; of a long one the beginning
-- column rule: the rule that explains it; null when none does; planned_otherwise when the plan
--   itself says something else than what was staged
with

planned_otherwise as (
    select
        message_id,
        is_text,
        is_html,
        is_sent_at,
        is_public,
        is_from_agent
    from reconcile.messages_planned_otherwise
),

planned as (
    select
        message_id,
        ticket_id,
        position,
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
        meta
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
    where kind = 'upload' and state in ('done', 'matched')
),

planned_lists as (
    select
        message_id,
        json_items(attachments) as items
    from planned
    where attachments <> '[]'
),

planned_places as (
    select
        message_id,
        items,
        unnest(range(1, cast(array_length(items) as bigint) + 1)) as ordinal
    from planned_lists
),

planned_files as (
    select
        message_id,
        ordinal,
        json_row(
            items[ordinal], 'sha256 TEXT PATH $.sha256, name TEXT PATH $.name, url TEXT PATH $.url'
        ) as document
    from planned_places
),

-- Files that were uploaded have moved; of the others the text says so.
files as (
    select
        planned_files.message_id,
        array_agg(document['url'] order by planned_files.ordinal)
            filter (where uploads.url is not null) as old_urls,
        array_agg(uploads.url order by planned_files.ordinal)
            filter (where uploads.url is not null) as new_urls,
        string_agg(
            concat(' [attachment not available: ', document['name'], ']'),
            '' order by planned_files.ordinal
        ) filter (where uploads.url is null) as missing
    from planned_files
    left join uploads on document['sha256'] = uploads.sha256
    where document['sha256'] is not null
    group by planned_files.message_id
),

expected as (
    select
        planned.message_id as source_id,
        planned.ticket_id,
        planned.position,
        tickets_in_target.target_id as ticket_target_id,
        planned.channel,
        planned.via,
        planned.public,
        planned.from_agent,
        case
            when planned.sender_kind = 'customer' then senders.target_id
            else agents.target_id
        end as sender_target_id,
        planned.sender_id,
        case when planned.from_agent and planned.public then receivers.target_id end
            as receiver_target_id,
        planned.source_type,
        planned.source_from_name,
        case when planned.public then planned.source_from_address end as source_from_address,
        case when planned.public then nullif(json_sorted(planned.source_to), '[]') end as source_to,
        planned.subject,
        concat(
            coalesce(move_addresses(planned.body_text, files.old_urls, files.new_urls), ''),
            coalesce(files.missing, '')
        ) as body_text,
        move_addresses(planned.body_html, files.old_urls, files.new_urls) as body_html,
        files.missing,
        planned.sent_at,
        planned.message_ref,
        nullif(json_sorted(planned.meta), '{}') as meta,
        coalesce(planned_otherwise.is_text, false) as is_text_planned_otherwise,
        coalesce(planned_otherwise.is_html, false) as is_html_planned_otherwise,
        coalesce(planned_otherwise.is_sent_at, false) as is_time_planned_otherwise,
        coalesce(planned_otherwise.is_public, false) as is_public_planned_otherwise,
        coalesce(planned_otherwise.is_from_agent, false) as is_side_planned_otherwise
    from planned
    left join planned_otherwise on planned.message_id = planned_otherwise.message_id
    left join tickets_in_target on planned.ticket_id = tickets_in_target.ticket_id
    left join people_in_target as agents
        on agents.kind = 'agent' and coalesce(planned.sender_id, 'legacy') = agents.source_id
    left join people_in_target as senders
        on senders.kind = 'customer' and planned.sender_id = senders.source_id
    left join people_in_target as receivers
        on receivers.kind = 'customer' and planned.receiver_customer_id = receivers.source_id
    left join files on planned.message_id = files.message_id
),

found_messages as (
    select
        target_id,
        number,
        ticket_target_id,
        external_id,
        channel,
        via,
        public,
        from_agent,
        sender_target_id,
        receiver_target_id,
        source_type,
        source_from_name,
        source_from_address,
        source_to,
        subject,
        body_text,
        body_html,
        message_ref,
        meta,
        sent_at,
        created_at,
        has_failed,
        row_number() over (partition by external_id order by number, target_id) as copy
    from readback.messages
    where external_id is not null
),

paired as (
    select
        expected.source_id,
        found.target_id,
        expected.ticket_target_id,
        found.ticket_target_id as found_ticket_target_id,
        expected.channel,
        found.channel as found_channel,
        expected.via,
        found.via as found_via,
        expected.public,
        found.public as found_public,
        expected.from_agent,
        found.from_agent as found_from_agent,
        expected.sender_target_id,
        expected.sender_id,
        found.sender_target_id as found_sender_target_id,
        expected.receiver_target_id,
        found.receiver_target_id as found_receiver_target_id,
        expected.source_type,
        found.source_type as found_source_type,
        expected.source_from_name,
        found.source_from_name as found_source_from_name,
        expected.source_from_address,
        found.source_from_address as found_source_from_address,
        expected.source_to,
        found.source_to as found_source_to,
        expected.subject,
        found.subject as found_subject,
        expected.body_text,
        coalesce(found.body_text, '') as found_body_text,
        case
            when expected.missing is null or expected.body_html is null then expected.body_html
            else concat(
                expected.body_html,
                replace(
                    replace(replace(expected.missing, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'
                )
            )
        end as body_html,
        found.body_html as found_body_html,
        expected.message_ref,
        found.message_ref as found_message_ref,
        expected.meta,
        found.meta as found_meta,
        expected.sent_at,
        found.sent_at as found_sent_at,
        found.created_at as found_created_at,
        found.has_failed,
        expected.is_text_planned_otherwise,
        expected.is_html_planned_otherwise,
        expected.is_time_planned_otherwise,
        expected.is_public_planned_otherwise,
        expected.is_side_planned_otherwise,
        -- The order is compared among the messages that are there.
        row_number() over (partition by expected.ticket_id order by expected.position) as place,
        row_number() over (
            partition by expected.ticket_id
            order by
                coalesce(found.sent_at, expected.sent_at),
                found.number,
                expected.position
        ) as found_place
    from expected
    inner join found_messages as found
        on expected.source_id = found.external_id and found.copy = 1
),

-- Vendors end lines differently, clean pages, and make pages of texts.
judged as (
    select
        source_id,
        target_id,
        ticket_target_id,
        found_ticket_target_id,
        channel,
        found_channel,
        via,
        found_via,
        public,
        found_public,
        from_agent,
        found_from_agent,
        sender_target_id,
        sender_id,
        found_sender_target_id,
        receiver_target_id,
        found_receiver_target_id,
        source_type,
        found_source_type,
        source_from_name,
        found_source_from_name,
        source_from_address,
        found_source_from_address,
        source_to,
        found_source_to,
        subject,
        found_subject,
        cut_text(body_text, 200) as body_text,
        cut_text(found_body_text, 200) as found_body_text,
        body_text = found_body_text as is_text_same,
        case
            when trim(replace(body_text, chr(13), ''))
                = trim(replace(found_body_text, chr(13), ''))
                then 'line_ends_changed'
        end as text_rule,
        cut_text(body_html, 200) as body_html,
        cut_text(found_body_html, 200) as found_body_html,
        body_html is not distinct from found_body_html as is_html_same,
        case
            when body_html is not distinct from found_body_html then cast(null as varchar)
            when found_body_html is null then cast(null as varchar)
            when
                regexp_replace(html_text(body_html), '\s+', '', 'g')
                = regexp_replace(html_text(found_body_html), '\s+', '', 'g')
                and html_addresses(body_html) = html_addresses(found_body_html)
                then 'html_cleaned'
            when
                body_html is null
                and regexp_replace(body_text, '\s+', '', 'g')
                = regexp_replace(html_text(found_body_html), '\s+', '', 'g')
                then 'html_made_of_text'
        end as html_rule,
        message_ref,
        found_message_ref,
        meta,
        found_meta,
        sent_at,
        found_sent_at,
        found_created_at,
        has_failed,
        is_text_planned_otherwise,
        is_html_planned_otherwise,
        is_time_planned_otherwise,
        is_public_planned_otherwise,
        is_side_planned_otherwise,
        place,
        found_place
    from paired
),

-- What agrees has the same on both sides; of texts that differ the beginnings may be equal.
compared as (
    select
        source_id,
        target_id,
        unnest(make_array(
            named_struct('field', 'ticket', 'expected', ticket_target_id,
                'found', found_ticket_target_id, 'rule', cast(null as varchar),
                'differs', ticket_target_id is distinct from found_ticket_target_id),
            named_struct('field', 'channel', 'expected', channel,
                'found', found_channel, 'rule', cast(null as varchar),
                'differs', channel is distinct from found_channel),
            named_struct('field', 'via', 'expected', via,
                'found', found_via, 'rule', cast(null as varchar),
                'differs', via is distinct from found_via),
            named_struct('field', 'public', 'expected', cast(public as varchar),
                'found', cast(found_public as varchar), 'rule', cast(null as varchar),
                'differs', cast(public as varchar) is distinct from cast(found_public as varchar)),
            named_struct('field', 'from_agent', 'expected', cast(from_agent as varchar),
                'found', cast(found_from_agent as varchar), 'rule', cast(null as varchar),
                'differs', cast(from_agent as varchar)
                    is distinct from cast(found_from_agent as varchar)),
            named_struct('field', 'receiver', 'expected', receiver_target_id,
                'found', found_receiver_target_id, 'rule', cast(null as varchar),
                'differs', receiver_target_id is distinct from found_receiver_target_id),
            named_struct('field', 'source_type', 'expected', source_type,
                'found', found_source_type, 'rule', cast(null as varchar),
                'differs', source_type is distinct from found_source_type),
            named_struct('field', 'source_from_name', 'expected', nullif(source_from_name, ''),
                'found', found_source_from_name, 'rule', cast(null as varchar),
                'differs', nullif(source_from_name, '') is distinct from found_source_from_name),
            named_struct('field', 'source_from_address', 'expected', source_from_address,
                'found', found_source_from_address, 'rule', cast(null as varchar),
                'differs', source_from_address is distinct from found_source_from_address),
            named_struct('field', 'source_to', 'expected', source_to,
                'found', found_source_to, 'rule', cast(null as varchar),
                'differs', source_to is distinct from found_source_to),
            named_struct('field', 'subject', 'expected', nullif(subject, ''),
                'found', found_subject, 'rule', cast(null as varchar),
                'differs', nullif(subject, '') is distinct from found_subject),
            named_struct('field', 'message_ref', 'expected', nullif(message_ref, ''),
                'found', found_message_ref, 'rule', cast(null as varchar),
                'differs', nullif(message_ref, '') is distinct from found_message_ref),
            named_struct('field', 'meta', 'expected', meta,
                'found', found_meta, 'rule', cast(null as varchar),
                'differs', meta is distinct from found_meta),
            named_struct('field', 'sent_at', 'expected', cast(sent_at as varchar),
                'found', cast(found_sent_at as varchar), 'rule', cast(null as varchar),
                'differs', cast(sent_at as varchar)
                    is distinct from cast(found_sent_at as varchar)),
            named_struct('field', 'created_at', 'expected', cast(sent_at as varchar),
                'found', cast(found_created_at as varchar), 'rule', cast(null as varchar),
                'differs', cast(sent_at as varchar)
                    is distinct from cast(found_created_at as varchar)),
            named_struct('field', 'order', 'expected', cast(place as varchar),
                'found', cast(found_place as varchar), 'rule', cast(null as varchar),
                'differs', cast(place as varchar) is distinct from cast(found_place as varchar)),
            -- Nobody knows who stands in before somebody does.
            named_struct('field', 'sender',
                'expected', coalesce(sender_target_id, sender_id),
                'found', found_sender_target_id,
                'rule', case when sender_target_id is null then 'agent_not_in_target' end,
                'differs', coalesce(sender_target_id, sender_id) <> found_sender_target_id
                    or (found_sender_target_id is null and sender_id is not null)),
            named_struct('field', 'delivery', 'expected', 'none',
                'found', 'failed', 'rule', cast(null as varchar), 'differs', has_failed),
            named_struct('field', 'body_text', 'expected', body_text,
                'found', found_body_text, 'rule', text_rule, 'differs', not is_text_same),
            named_struct('field', 'body_html', 'expected', body_html,
                'found', found_body_html, 'rule', html_rule, 'differs', not is_html_same),
            named_struct('field', 'body_text', 'expected', 'as staged',
                'found', body_text, 'rule', 'planned_otherwise',
                'differs', is_text_planned_otherwise and is_text_same),
            named_struct('field', 'body_html', 'expected', 'as staged',
                'found', body_html, 'rule', 'planned_otherwise',
                'differs', is_html_planned_otherwise and is_html_same),
            named_struct('field', 'sent_at', 'expected', 'as staged',
                'found', cast(sent_at as varchar), 'rule', 'planned_otherwise',
                'differs', is_time_planned_otherwise
                    and sent_at is not distinct from found_sent_at),
            named_struct('field', 'public', 'expected', 'as staged',
                'found', cast(public as varchar), 'rule', 'planned_otherwise',
                'differs', is_public_planned_otherwise
                    and public is not distinct from found_public),
            named_struct('field', 'from_agent', 'expected', 'as staged',
                'found', cast(from_agent as varchar), 'rule', 'planned_otherwise',
                'differs', is_side_planned_otherwise
                    and from_agent is not distinct from found_from_agent)
        )) as difference
    from judged
),

final as (
    select
        source_id,
        target_id,
        difference['field'] as field,
        difference['expected'] as expected,
        difference['found'] as found,
        difference['rule'] as rule
    from compared
    where difference['differs']
)

select * from final order by source_id, field
