-- grain: one row per staged message of the source
-- key: message_id
-- What a message says as text, before anything is known of its files.
with

messages as (
    select
        stream,
        source_key,
        message_id,
        content_type,
        content_rule,
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

fates as (
    select
        stream,
        source_key
    from staged.fates
    where fate = 'staged'
),

content_lines as (
    select
        message_id,
        lines
    from staged.content_lines
),

kept as (
    select
        messages.message_id,
        messages.content_type,
        messages.content_rule,
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
    inner join fates
        on messages.stream = fates.stream and messages.source_key = fates.source_key
    left join content_lines on messages.message_id = content_lines.message_id
),

final as (
    select
        message_id,
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
