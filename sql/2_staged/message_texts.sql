-- grain: one row per staged message of the source
-- key: message_id
-- The message with its text, before anything is known of its files, so that later models need no
-- join of all messages with all texts.
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
        file_type,
        is_automated,
        is_edited,
        sent_at,
        text,
        file_name,
        file_url,
        file_seconds,
        question,
        explanation,
        answer,
        namespace,
        raw_content
    from source.messages
),

-- Most records are staged, so what is not is the smaller side of a join.
not_staged as (
    select source_key
    from staged.fates
    where fate <> 'staged' and stream = 'messages'
),

content_lines as (
    select
        message_id,
        lines
    from staged.content_lines
),

kept as (
    select
        messages.platform,
        messages.stream,
        messages.source_key,
        messages.snapshot,
        messages.fetched_at,
        messages.exchange_id,
        messages.ordinal,
        messages.message_id,
        messages.ticket_id,
        messages.original_id,
        messages.agent_id,
        messages.author_source_id,
        messages.kind,
        messages.content_type,
        messages.content_rule,
        messages.origin,
        messages.author_type,
        messages.author_name,
        messages.mentions,
        messages.file_type,
        messages.is_automated,
        messages.is_edited,
        messages.sent_at,
        messages.text,
        coalesce(
            messages.file_name,
            nullif(regexp_replace(split_part(messages.file_url, '?', 1), '^.*/', ''), ''),
            'file'
        ) as file_name,
        messages.file_url,
        messages.file_seconds,
        messages.question,
        messages.explanation,
        messages.answer,
        messages.namespace,
        messages.raw_content,
        content_lines.lines
    from messages
    left anti join not_staged on messages.source_key = not_staged.source_key
    left join content_lines on messages.message_id = content_lines.message_id
),

final as (
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
        file_type,
        is_automated,
        is_edited,
        sent_at,
        case when file_url is not null and content_rule = 'as_is' then file_name end as file_name,
        case when content_rule = 'as_is' then file_url end as file_url,
        case
            when content_rule <> 'as_is' then raw_content
            when content_type in ('text', 'note') then text
            when content_type = 'audio' and file_seconds is not null
                then concat('[audio] ', file_name, ' (', file_seconds, ' s)')
            when content_type in ('file', 'audio', 'animation')
                then concat('[', content_type, '] ', file_name)
            when content_type = 'field'
                then concat_ws(
                    chr(10),
                    question,
                    nullif(explanation, ''),
                    concat('> ', coalesce(nullif(answer, ''), '(no answer)'))
                )
            when content_type = 'event'
                then concat('[event] ', namespace, coalesce(concat(': ', nullif(question, '')), ''))
            else concat_ws(chr(10), question, lines)
        end as text,
        content_rule = 'as_is' and content_type not in ('file', 'audio', 'animation', 'event')
            as is_markdown
    from kept
)

select * from final order by message_id
