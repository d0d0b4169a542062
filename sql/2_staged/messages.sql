-- grain: one row per message, note or system line of a ticket
-- key: message_id
-- Rows lie in the order of their ticket. Position counts from 1 in the order of sending; of
-- messages sent in the same millisecond, those of an older page come first, which is the one that
-- was asked for later, because pages are read from the newest to the oldest.
with

message_texts as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        message_id,
        ticket_id,
        original_id,
        agent_id,
        author_source_id,
        kind,
        content_type,
        content_rule,
        origin,
        author_type,
        author_name,
        mentions,
        is_automated,
        is_edited,
        sent_at,
        text,
        is_markdown
    from staged.message_texts
),

broken_files as (
    select
        message_id,
        string_agg(
            concat(' [attachment not available: ', name, ', ', reason, ']'),
            '' order by ordinal
        ) as notice,
        array_agg(url order by ordinal) as urls
    from staged.attachments
    where fetch_status = 'broken'
    group by message_id
),

originals as (
    select
        message_id,
        subject,
        message_ref,
        content,
        content like '%<%' as is_html
    from source.originals
    where quarantine_rule is null
),

customers_of_tickets as (
    select
        value as ticket_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'conversation'
    group by value
),

written as (
    select
        message_texts.platform,
        message_texts.stream,
        message_texts.source_key,
        message_texts.snapshot,
        message_texts.fetched_at,
        message_texts.exchange_id,
        message_texts.ordinal,
        message_texts.message_id,
        message_texts.ticket_id,
        customers_of_tickets.customer_id,
        message_texts.agent_id,
        message_texts.author_source_id,
        case
            when message_texts.author_type = 'bot' and mapping.bots = 'note' then 'note'
            else message_texts.kind
        end as kind,
        message_texts.content_type,
        message_texts.content_rule,
        message_texts.origin,
        message_texts.author_type,
        message_texts.author_name,
        message_texts.mentions,
        message_texts.is_automated,
        message_texts.is_edited,
        message_texts.sent_at as written_at,
        least(message_texts.sent_at, message_texts.fetched_at) as sent_at,
        message_texts.original_id is not null and originals.message_id is null
            as is_original_missing,
        originals.subject,
        originals.message_ref,
        case
            when trim(coalesce(message_texts.text, '')) <> '' then message_texts.text
            when originals.is_html then html_text(originals.content)
            else originals.content
        end as text,
        broken_files.notice,
        case
            when originals.is_html then html_clean(originals.content, broken_files.urls)
            when not message_texts.is_markdown then null
            when broken_files.urls is not null
                then html_clean(markdown_html(message_texts.text), broken_files.urls)
            else markdown_html(message_texts.text)
        end as html
    from message_texts
    left join originals on message_texts.message_id = originals.message_id
    left join broken_files on message_texts.message_id = broken_files.message_id
    left join customers_of_tickets
        on message_texts.ticket_id = customers_of_tickets.ticket_id
    cross join config.mapping as mapping
),

from_notepads as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        message_id,
        ticket_id,
        customer_id,
        sent_at,
        text
    from staged.notepads
    where rule is null
),

everything as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        exchange_id,
        ordinal,
        message_id,
        ticket_id,
        customer_id,
        agent_id,
        author_source_id,
        kind,
        content_type,
        content_rule,
        origin,
        author_type,
        author_name,
        mentions,
        is_automated,
        is_edited,
        written_at,
        sent_at,
        is_original_missing,
        subject,
        message_ref,
        text,
        notice,
        html
    from written
    union all
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        cast(null as bigint) as exchange_id,
        cast(null as bigint) as ordinal,
        message_id,
        ticket_id,
        customer_id,
        cast(null as varchar) as agent_id,
        cast(null as varchar) as author_source_id,
        'note' as kind,
        'notepad' as content_type,
        'as_is' as content_rule,
        'notepad' as origin,
        'system' as author_type,
        cast(null as varchar) as author_name,
        cast(null as varchar) as mentions,
        false as is_automated,
        false as is_edited,
        sent_at as written_at,
        sent_at,
        false as is_original_missing,
        cast(null as varchar) as subject,
        cast(null as varchar) as message_ref,
        text,
        cast(null as varchar) as notice,
        markdown_html(text) as html
    from from_notepads
),

bounded as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        message_id,
        ticket_id,
        row_number() over (
            partition by ticket_id
            order by
                sent_at,
                content_type = 'notepad',
                written_at,
                exchange_id desc,
                ordinal,
                message_id
        ) as position,
        customer_id,
        agent_id,
        author_source_id,
        kind,
        case
            when kind in ('note', 'event') then 'internal'
            when author_type in ('customer', 'participant') then 'in'
            else 'out'
        end as direction,
        content_type,
        content_rule,
        origin,
        author_type,
        author_name,
        mentions,
        is_automated,
        is_edited,
        written_at,
        sent_at,
        is_original_missing,
        subject,
        message_ref,
        concat(
            cut_bytes(coalesce(nullif(trim(text), ''), '(empty message)'), 950000),
            case when octet_length(trim(text)) > 950000 then ' [the rest was cut off]' else '' end,
            cut_bytes(coalesce(notice, ''), 40000)
        ) as body_text,
        octet_length(trim(text)) > 950000 as is_text_cut,
        coalesce(trim(text), '') = '' as is_empty,
        concat(html, markdown_html(cut_bytes(coalesce(notice, ''), 40000))) as body_html,
        octet_length(html) > 950000 as is_html_too_long,
        html is null as has_no_html
    from everything
),

final as (
    select
        platform,
        message_id,
        stream,
        source_key as source_id,
        snapshot,
        fetched_at,
        ticket_id,
        ticket_id as conversation_id,
        cast(1 as bigint) as part,
        position,

        customer_id,
        agent_id,
        author_source_id,
        author_type,
        author_name,

        kind,
        direction,
        content_type,
        content_rule,
        origin,
        subject,
        message_ref,
        body_text,
        case
            when is_html_too_long or has_no_html or is_empty then null
            else body_html
        end as body_html,
        mentions as mention_agent_ids,

        is_automated,
        is_edited,
        is_empty,
        coalesce(is_text_cut, false) as is_text_cut,
        coalesce(is_html_too_long, false) as is_html_dropped,
        is_original_missing,
        written_at > sent_at as is_time_clamped,
        written_at,
        sent_at
    from bounded
)

select * from final order by ticket_id, position
