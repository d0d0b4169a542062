-- grain: one row per message, note or system line of a ticket
-- key: message_id
-- Rows lie in the order of their conversation. Of messages sent in the same millisecond, those of
-- an older page come first, which is the one that was asked for later, because pages are read from
-- the newest to the oldest.
-- Small tables are joined to the messages, never the other way around, and the rows are sorted
-- once: all windows and the last line follow the same order. What no step looks at travels in one
-- piece, as carried.
-- column platform: where it comes from
-- column message_id: its id, <session_id>/<fingerprint>; notepad/<people_id> for the note about a
--   person [messages $.session_id, messages $.fingerprint]
-- column stream: which stream the landed record belongs to
-- column source_id: key of the landed record
-- column snapshot: the snapshot that holds it
-- column fetched_at: when it was received, UTC
-- column conversation_id: the conversation it is part of [messages $.session_id]
-- column place: its place in the conversation, rising from 1
-- column part: which part of the conversation, from 1
-- column ticket_id: the ticket it belongs to: the conversation, and for later parts also /2, /3
--   and so on
-- column position: its place in the ticket, from 1 without holes
-- column customer_id: the customer of the ticket
-- column agent_id: the operator who wrote it; null for machines and for operators known by name
--   only [messages $.user.user_id]
-- column author_source_id: the author's id as the source says it [messages $.user.user_id]
-- column author_type: customer, participant, agent, bot, plugin, trigger or system [messages
--   $.from, messages $.user.type, messages $.automated, messages $.origin]
-- column author_name: the author's name as the source says it [messages $.user.nickname]
-- column author_avatar_url: address of the author's picture [messages $.user.avatar]
-- column kind: message, note or event [messages $.type]
-- column direction: in, out or internal
-- column content_type: type in the source [messages $.type]
-- column content_rule: how the text was made of the content: as_is, or the rule that losses names
-- column origin: channel in the source [messages $.origin]
-- column subject: of the e-mail [originals $.headers]
-- column message_ref: Message-ID of the original e-mail [originals $.headers]
-- column body_text: its text, never empty, at most 1 MB [messages $.content, originals $.content]
-- column body_html: the same as HTML that is safe to show; null for files, system lines and what
--   is not understood [messages $.content, originals $.content]
-- column mention_agent_ids: JSON list of operators who are named in it [messages $.mentions]
-- column link_previews: JSON; what its links led to [messages $.preview]
-- column reference_links: JSON; links that the source shows beside it [messages $.references]
-- column properties: JSON; marks that a plugin set [messages $.properties]
-- column content_id: id of the question in the script that asked it [messages $.content.id]
-- column is_required: whether the question had to be answered [messages $.content.required]
-- column choices: JSON; the choices of a picker, with what was selected [messages
--   $.content.choices]
-- column cards: JSON; the cards of a carousel [messages $.content.targets]
-- column answer: the answer in a field [messages $.content.value]
-- column event_name: name of the system line [messages $.content.namespace]
-- column read_on: channel on which it was read, as the source says it [messages $.read]
-- column delivered_on: channel that took it, as the source says it [messages $.delivered]
-- column delivery_refusals: JSON; channels that refused it, with the reason [messages $.ignored]
-- column is_automated: as in the source; absent is false [messages $.automated]
-- column is_edited: as in the source; absent is false [messages $.edited]
-- column is_translated: as in the source; absent is false [messages $.translated]
-- column is_stamped: as in the source; absent is false [messages $.stamped]
-- column is_empty: it had no text, and body_text says so
-- column is_text_cut: its text was longer than 950000 bytes
-- column is_html_dropped: its page was longer than that, or nested too deeply
-- column is_original_missing: the original e-mail could not be read
-- column is_text_partial: the source handed out no more than the beginning of its text
-- column has_embedded_pictures: its page shows pictures without an address, which are named instead
-- column is_time_clamped: its time lay in the future, and fetched_at stands in
-- column is_time_replaced: its time lay before 1995, and the beginning of the conversation stands
--   in
-- column written_at: the time that the source gives, UTC [messages $.timestamp]
-- column sent_at: the same, neither in the future nor before 1995, UTC
with

messages as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        message_id,
        conversation_id,
        original_id,
        agent_id,
        author_source_id,
        author_type,
        author_name,
        author_avatar_url,
        kind,
        content_type,
        content_rule,
        origin,
        subject,
        mentions,
        previews,
        referred,
        properties,
        read_on,
        delivered_on,
        refusals,
        text,
        is_plain,
        is_partial,
        coalesce(
            file_name,
            nullif(regexp_replace(split_part(file_url, '?', 1), '^.*/', ''), ''),
            'file'
        ) as file_name,
        file_seconds,
        content_id,
        is_required,
        question,
        explanation,
        answer,
        choices,
        cards,
        namespace,
        raw_content,
        is_automated,
        is_edited,
        is_translated,
        is_stamped,
        sent_at as written_at,
        least(sent_at, fetched_at) as placed_at
    from source.messages
),

-- Most records are staged, so what is not is the smaller side of a join.
not_staged as (
    select
        stream,
        source_key,
        rule
    from staged.fates
    where fate <> 'staged'
),

content_lines as (
    select
        message_id,
        lines
    from staged.content_lines
),

-- A message that was edited may have more than one original; the one that was read last counts.
newest_originals as (
    select
        message_id,
        last_value(source_key order by fetched_at, source_key) as source_key
    from source.originals
    where quarantine_rule is null
    group by message_id
),

originals as (
    select
        originals.message_id,
        originals.subject,
        originals.message_ref,
        originals.content,
        originals.content like '%<%' as is_html,
        -- Such a picture is a part of the e-mail that Crisp does not hand out, or its very bytes.
        regexp_like(originals.content, '<img[^>]+src[ ]*=[ ]*["'']?(cid|data):', 'i')
            as has_embedded_pictures
    from source.originals
    left semi join newest_originals on originals.source_key = newest_originals.source_key
),

broken_files as (
    select
        message_id,
        string_agg(
            concat(' [attachment not available: ', name, ', ', reason, ']'),
            '' order by ordinal
        ) as notice,
        string_agg(
            concat(' [attachment not available: ', name, ', ', reason, ']'),
            '' order by ordinal
        ) filter (where not is_inline) as notice_of_files,
        array_agg(url order by ordinal) as urls,
        array_agg(reason order by ordinal) as reasons
    from staged.attachments
    where fetch_status = 'broken'
    group by message_id
),

customers_of_conversations as (
    select
        value as conversation_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'conversation'
    group by value
),

-- Conversations with a time from before there were helpdesks, and the time that stands in for it:
-- when the conversation began, but not later than its first message whose time can be true.
early_conversations as (
    select
        conversation_id,
        min(placed_at) filter (where written_at >= timestamp '1995-01-01T00:00:00Z')
            as first_placed_at,
        min(fetched_at) as first_fetched_at
    from messages
    where written_at is not null
    group by conversation_id
    having min(written_at) < timestamp '1995-01-01T00:00:00Z'
),

began as (
    select
        ticket_id as conversation_id,
        case when created_at >= timestamp '1995-01-01T00:00:00Z' then created_at end as created_at,
        case when updated_at >= timestamp '1995-01-01T00:00:00Z' then updated_at end as updated_at
    from source.tickets
    where quarantine_rule is null
),

stand_ins as (
    select
        early_conversations.conversation_id,
        least(
            coalesce(began.created_at, early_conversations.first_placed_at, began.updated_at),
            early_conversations.first_placed_at,
            early_conversations.first_fetched_at
        ) as stand_in_at
    from early_conversations
    left join began on early_conversations.conversation_id = began.conversation_id
),

decisions as (
    select
        bots,
        split,
        cast(nullif(regexp_replace(split, '[^0-9]', '', 'g'), '') as bigint) * 86400000000
            as gap_us,
        cast(messages_per_ticket_max as bigint) as messages_max
    from config.mapping
),

written as (
    select
        messages.message_id,
        messages.conversation_id,
        messages.exchange_id,
        messages.ordinal,
        messages.written_at,
        messages.placed_at,
        case
            when messages.written_at < timestamp '1995-01-01T00:00:00Z' then stand_ins.stand_in_at
            else messages.placed_at
        end as sent_at,
        case
            when decisions.bots = 'note' and messages.author_type in ('bot', 'plugin', 'trigger')
                then 'note'
            else messages.kind
        end as kind,
        messages.author_type in ('customer', 'participant') as is_from_outside,
        case
            when messages.is_partial and originals.content is not null then null
            when messages.raw_content is not null then messages.raw_content
            when messages.content_rule = 'as_is' and messages.content_type <> 'file'
                then messages.text
            when messages.content_type = 'audio' and messages.file_seconds is not null
                then concat('[audio] ', messages.file_name, ' (', messages.file_seconds, ' s)')
            when messages.content_type in ('file', 'audio', 'animation')
                then concat('[', messages.content_type, '] ', messages.file_name)
            when messages.content_type = 'field'
                then concat_ws(
                    chr(10),
                    messages.question,
                    nullif(messages.explanation, ''),
                    concat('> ', coalesce(nullif(messages.answer, ''), '(no answer)'))
                )
            when messages.content_type = 'event'
                then concat(
                    '[event] ',
                    messages.namespace,
                    coalesce(': ' || nullif(messages.question, ''), '')
                )
            else concat_ws(chr(10), messages.question, content_lines.lines)
        end as own_text,
        messages.raw_content is null
        and not messages.is_plain
        and messages.content_type in ('text', 'note', 'picker', 'field', 'carousel')
            as is_markdown,
        originals.is_html,
        originals.content as mail,
        -- A lost picture is named where it stood, as far as the text is where it stood.
        case when originals.is_html then broken_files.notice else broken_files.notice_of_files end
            as notice,
        broken_files.urls as lost_urls,
        broken_files.reasons as lost_reasons,
        -- A system line that is left out still says where a ticket was resolved.
        not_staged.source_key is null as is_kept,
        messages.kind = 'event'
        and coalesce(
            regexp_like(lower(messages.namespace), '(^|[^a-z])resolved([^a-z]|$)'), false
        ) as is_resolving,
        decisions.split,
        decisions.gap_us,
        decisions.messages_max,
        named_struct(
            'platform', messages.platform,
            'stream', messages.stream,
            'source_key', messages.source_key,
            'snapshot', messages.snapshot,
            'fetched_at', messages.fetched_at,
            'customer_id', customers_of_conversations.customer_id,
            'agent_id', messages.agent_id,
            'author_source_id', messages.author_source_id,
            'author_type', messages.author_type,
            'author_name', messages.author_name,
            'author_avatar_url', messages.author_avatar_url,
            'content_type', messages.content_type,
            'content_rule', messages.content_rule,
            'origin', messages.origin,
            'subject', coalesce(originals.subject, messages.subject),
            'message_ref', originals.message_ref,
            'mentions', messages.mentions,
            'previews', messages.previews,
            'referred', messages.referred,
            'properties', messages.properties,
            'read_on', messages.read_on,
            'delivered_on', messages.delivered_on,
            'refusals', messages.refusals,
            'content_id', messages.content_id,
            'is_required', messages.is_required,
            'choices', messages.choices,
            'cards', messages.cards,
            'answer', messages.answer,
            'namespace', messages.namespace,
            'is_automated', messages.is_automated,
            'is_edited', messages.is_edited,
            'is_translated', messages.is_translated,
            'is_stamped', messages.is_stamped,
            'is_original_missing',
            messages.original_id is not null and originals.message_id is null,
            'is_partial', messages.is_partial and originals.content is null,
            'has_html', coalesce(originals.is_html, false),
            'has_embedded_pictures', coalesce(originals.has_embedded_pictures, false)
        ) as carried
    -- How many stand-ins there are is not known beforehand, so they are named first: what is named
    -- first is held in memory.
    from stand_ins
    right join messages on messages.conversation_id = stand_ins.conversation_id
    left join not_staged
        on messages.stream = not_staged.stream and messages.source_key = not_staged.source_key
    left join content_lines on messages.message_id = content_lines.message_id
    left join originals on messages.message_id = originals.message_id
    left join broken_files on messages.message_id = broken_files.message_id
    left join customers_of_conversations
        on messages.conversation_id = customers_of_conversations.conversation_id
    cross join decisions
    where
        not_staged.source_key is null
        or (decisions.split = 'resolved' and not_staged.rule = 'events_skipped')
),

marked as (
    select
        message_id,
        conversation_id,
        exchange_id,
        ordinal,
        written_at,
        placed_at,
        sent_at,
        kind,
        is_from_outside,
        case
            when lost_urls is null then own_text
            else name_lost_images(own_text, lost_urls, lost_reasons)
        end as own_text,
        is_markdown,
        is_html,
        case
            when lost_urls is null then mail
            else name_lost_images(mail, lost_urls, lost_reasons)
        end as mail,
        notice,
        is_kept,
        is_resolving,
        split,
        gap_us,
        messages_max,
        carried
    from written
    where is_kept or is_resolving
),

shown as (
    select
        message_id,
        conversation_id,
        exchange_id,
        ordinal,
        written_at,
        placed_at,
        sent_at,
        kind,
        is_from_outside,
        case
            when trim(coalesce(own_text, '')) <> '' then trim(own_text)
            when is_html then html_text(mail)
            else trim(mail)
        end as text,
        case
            when is_html then html_clean(mail)
            when is_markdown then markdown_html(own_text)
        end as html,
        notice,
        is_kept,
        is_resolving,
        split,
        gap_us,
        messages_max,
        carried
    from marked
),

from_notepads as (
    select
        notepads.message_id,
        notepads.conversation_id,
        notepads.last_placed_at,
        case
            when notepads.last_placed_at < timestamp '1995-01-01T00:00:00Z'
                then stand_ins.stand_in_at
            else notepads.last_placed_at
        end as sent_at,
        notepads.text,
        decisions.split,
        decisions.gap_us,
        decisions.messages_max,
        named_struct(
            'platform', notepads.platform,
            'stream', notepads.stream,
            'source_key', notepads.source_key,
            'snapshot', notepads.snapshot,
            'fetched_at', notepads.fetched_at,
            'customer_id', notepads.customer_id,
            'agent_id', cast(null as varchar),
            'author_source_id', cast(null as varchar),
            'author_type', 'system',
            'author_name', cast(null as varchar),
            'author_avatar_url', cast(null as varchar),
            'content_type', 'notepad',
            'content_rule', 'as_is',
            'origin', 'notepad',
            'subject', cast(null as varchar),
            'message_ref', cast(null as varchar),
            'mentions', cast(null as varchar),
            'previews', cast(null as varchar),
            'referred', cast(null as varchar),
            'properties', cast(null as varchar),
            'read_on', cast(null as varchar),
            'delivered_on', cast(null as varchar),
            'refusals', cast(null as varchar),
            'content_id', cast(null as varchar),
            'is_required', cast(null as boolean),
            'choices', cast(null as varchar),
            'cards', cast(null as varchar),
            'answer', cast(null as varchar),
            'namespace', cast(null as varchar),
            'is_automated', false,
            'is_edited', false,
            'is_translated', false,
            'is_stamped', false,
            'is_original_missing', false,
            'is_partial', false,
            'has_html', false,
            'has_embedded_pictures', false
        ) as carried
    from staged.notepads
    left join stand_ins on notepads.conversation_id = stand_ins.conversation_id
    cross join decisions
    where notepads.rule is null
),

everything as (
    select
        message_id,
        conversation_id,
        exchange_id,
        ordinal,
        written_at,
        placed_at,
        sent_at,
        kind,
        is_from_outside,
        text,
        html,
        notice,
        is_kept,
        is_resolving,
        split,
        gap_us,
        messages_max,
        carried
    from shown
    union all
    select
        message_id,
        conversation_id,
        cast(null as bigint) as exchange_id,
        cast(null as bigint) as ordinal,
        last_placed_at as written_at,
        last_placed_at as placed_at,
        sent_at,
        'note' as kind,
        false as is_from_outside,
        text,
        markdown_html(text) as html,
        cast(null as varchar) as notice,
        true as is_kept,
        false as is_resolving,
        split,
        gap_us,
        messages_max,
        carried
    from from_notepads
),

directed as (
    select
        message_id,
        conversation_id,
        exchange_id,
        ordinal,
        written_at,
        placed_at,
        sent_at,
        kind,
        case
            when kind in ('note', 'event') then 'internal'
            when is_from_outside then 'in'
            else 'out'
        end as direction,
        text,
        html,
        notice,
        is_kept,
        is_resolving,
        split,
        gap_us,
        messages_max,
        carried
    from everything
),

-- The last of two signs, a resolution and a message of the customer, tells whether the customer
-- came back after the conversation was resolved.
placed as (
    select
        message_id,
        conversation_id,
        written_at,
        sent_at,
        kind,
        direction,
        text,
        html,
        notice,
        is_kept,
        split,
        gap_us,
        messages_max,
        carried,
        row_number() over (
            partition by conversation_id
            order by
                placed_at,
                message_id like 'notepad/%',
                written_at,
                exchange_id desc,
                ordinal,
                message_id
        ) as place,
        lag(sent_at) over (
            partition by conversation_id
            order by
                placed_at,
                message_id like 'notepad/%',
                written_at,
                exchange_id desc,
                ordinal,
                message_id
        ) as earlier_sent_at,
        last_value(
            case when is_resolving then 'resolved' when direction = 'in' then 'in' end
        ) ignore nulls over (
            partition by conversation_id
            order by
                placed_at,
                message_id like 'notepad/%',
                written_at,
                exchange_id desc,
                ordinal,
                message_id
            rows between unbounded preceding and 1 preceding
        ) as earlier_sign,
        sum(case when is_kept then 1 else 0 end) over (
            partition by conversation_id
            order by
                placed_at,
                message_id like 'notepad/%',
                written_at,
                exchange_id desc,
                ordinal,
                message_id
            rows between unbounded preceding and current row
        ) as kept_so_far
    from directed
),

cut as (
    select
        message_id,
        conversation_id,
        written_at,
        sent_at,
        kind,
        direction,
        text,
        html,
        notice,
        is_kept,
        messages_max,
        carried,
        place,
        kept_so_far,
        kept_so_far > 1
        and case
            when split = 'resolved' then direction = 'in' and earlier_sign = 'resolved'
            else cast(sent_at as bigint) - cast(earlier_sent_at as bigint) > gap_us
        end as is_first_of_part
    from placed
),

parted as (
    select
        message_id,
        conversation_id,
        written_at,
        sent_at,
        kind,
        direction,
        text,
        html,
        notice,
        is_kept,
        messages_max,
        carried,
        place,
        kept_so_far - coalesce(
            max(case when is_first_of_part then kept_so_far end) over (
                partition by conversation_id
                order by place
                rows between unbounded preceding and current row
            ),
            1
        ) as place_in_part
    from cut
),

-- A part that holds too much for one ticket is cut again.
numbered as (
    select
        message_id,
        conversation_id,
        written_at,
        sent_at,
        kind,
        direction,
        text,
        html,
        notice,
        is_kept,
        carried,
        place,
        place_in_part % messages_max + 1 as position,
        sum(case when is_kept and place_in_part % messages_max = 0 then 1 else 0 end) over (
            partition by conversation_id
            order by place
            rows between unbounded preceding and current row
        ) as part
    from parted
),

bounded as (
    select
        message_id,
        conversation_id,
        place,
        part,
        position,
        written_at,
        sent_at,
        kind,
        direction,
        carried,
        concat(
            cut_bytes(coalesce(nullif(text, ''), '(empty message)'), 950000),
            case when octet_length(text) > 950000 then ' [the rest was cut off]' else '' end,
            cut_bytes(coalesce(notice, ''), 40000)
        ) as body_text,
        coalesce(octet_length(text) > 950000, false) as is_text_cut,
        coalesce(text, '') = '' as is_empty,
        html,
        coalesce(octet_length(html) > 950000, carried['has_html']) as is_html_dropped
    from numbered
    where is_kept
),

final as (
    select
        carried['platform'] as platform,
        message_id,
        carried['stream'] as stream,
        carried['source_key'] as source_id,
        carried['snapshot'] as snapshot,
        carried['fetched_at'] as fetched_at,
        conversation_id,
        place,
        part,
        case when part = 1 then conversation_id else concat(conversation_id, '/', part) end
            as ticket_id,
        position,

        carried['customer_id'] as customer_id,
        carried['agent_id'] as agent_id,
        carried['author_source_id'] as author_source_id,
        carried['author_type'] as author_type,
        carried['author_name'] as author_name,
        carried['author_avatar_url'] as author_avatar_url,

        kind,
        direction,
        carried['content_type'] as content_type,
        carried['content_rule'] as content_rule,
        carried['origin'] as origin,
        carried['subject'] as subject,
        carried['message_ref'] as message_ref,
        body_text,
        case when is_html_dropped or is_empty then null else html end as body_html,
        carried['mentions'] as mention_agent_ids,
        carried['previews'] as link_previews,
        carried['referred'] as reference_links,
        carried['properties'] as properties,
        carried['content_id'] as content_id,
        carried['is_required'] as is_required,
        carried['choices'] as choices,
        carried['cards'] as cards,
        carried['answer'] as answer,
        carried['namespace'] as event_name,
        carried['read_on'] as read_on,
        carried['delivered_on'] as delivered_on,
        carried['refusals'] as delivery_refusals,

        carried['is_automated'] as is_automated,
        carried['is_edited'] as is_edited,
        carried['is_translated'] as is_translated,
        carried['is_stamped'] as is_stamped,
        is_empty,
        is_text_cut,
        is_html_dropped,
        carried['is_original_missing'] as is_original_missing,
        carried['is_partial'] as is_text_partial,
        carried['has_embedded_pictures'] as has_embedded_pictures,
        written_at > sent_at as is_time_clamped,
        written_at < sent_at as is_time_replaced,
        written_at,
        sent_at
    from bounded
)

select * from final order by conversation_id, place
