-- grain: one row per file of a staged message: sent as such, or shown inside its text
-- key: message_id, ordinal
-- A name is shown without signs that nobody sees or that turn the direction of reading.
-- column platform: where it comes from
-- column message_id: the message it belongs to
-- column ordinal: its place among the files of the message, from 1
-- column conversation_id: the conversation of the message
-- column snapshot: the snapshot that holds the message
-- column url: its address in the source [messages $.content.url, messages $.content, originals
--   $.content]
-- column name: one line, at most 255 characters [messages $.content.name]
-- column content_type: what its first bytes say, else the server, else the message [messages
--   $.content.type]
-- column sha256: SHA-256 of its bytes, which lie in the snapshot under this name; null when broken
-- column bytes: its length; null when broken
-- column times_used: how many attachments have these very bytes; null when broken
-- column is_inline: whether it is a picture shown inside the text
-- column fetch_status: stored or broken
-- column reason: why there are no bytes; null when stored
with

not_staged as (
    select source_key
    from staged.fates
    where fate <> 'staged' and stream = 'messages'
),

messages as (
    select
        messages.platform,
        messages.message_id,
        messages.conversation_id,
        messages.snapshot,
        messages.raw_content is null as is_understood,
        coalesce(
            messages.file_name,
            nullif(regexp_replace(split_part(messages.file_url, '?', 1), '^.*/', ''), ''),
            'file'
        ) as file_name,
        messages.file_url,
        messages.file_type,
        concat_ws(chr(10), messages.text, messages.question, messages.explanation) as text
    from source.messages
    left anti join not_staged on messages.source_key = not_staged.source_key
),

files as (
    select
        url,
        sha256,
        bytes,
        content_type,
        reason
    from source.files
),

originals as (
    select
        message_id,
        content
    from source.originals
    where quarantine_rule is null and content is not null
),

sent as (
    select
        message_id,
        file_url as url,
        file_name as name,
        false as is_inline,
        0 as place
    from messages
    where file_url is not null and is_understood
),

shown as (
    select
        message_id,
        unnest(image_urls(text)) as url
    from messages
    where is_understood and (text like '%](%' or text like '%<%')
),

on_cards as (
    select
        message_id,
        unnest(image_urls(lines)) as url
    from staged.content_lines
    where lines like '%](%'
),

-- What is named first in a join is held in memory: what is not staged is little, texts are much.
shown_on_cards as (
    select
        on_cards.message_id,
        on_cards.url
    from not_staged
    right anti join on_cards on on_cards.message_id = not_staged.source_key
),

-- Pictures of an e-mail count only as far as they were landed: most of the others are pixels that
-- track who reads it.
in_mail as (
    select
        message_id,
        unnest(image_urls(content)) as url
    from originals
),

shown_in_mail as (
    select
        in_mail.message_id,
        in_mail.url
    from not_staged
    right anti join in_mail on in_mail.message_id = not_staged.source_key
),

landed_in_mail as (
    select
        shown_in_mail.message_id,
        shown_in_mail.url
    from shown_in_mail
    left semi join files on shown_in_mail.url = files.url
),

inline as (
    select message_id, url from shown
    union
    select message_id, url from shown_on_cards
    union
    select message_id, url from landed_in_mail
),

gathered as (
    select message_id, url, name, is_inline, place from sent
    union all
    select
        message_id,
        url,
        coalesce(
            nullif(regexp_replace(split_part(url, '?', 1), '^.*/', ''), ''),
            'picture'
        ) as name,
        true as is_inline,
        1 as place
    from inline
),

numbered as (
    select
        message_id,
        url,
        name,
        is_inline,
        row_number() over (partition by message_id order by place, url) as ordinal
    from gathered
),

final as (
    select
        messages.platform,
        numbered.message_id,
        numbered.ordinal,
        messages.conversation_id,
        messages.snapshot,
        numbered.url,
        coalesce(nullif(cut_text(visible_line(numbered.name), 255), ''), 'file') as name,
        coalesce(
            files.content_type,
            case when not numbered.is_inline then messages.file_type end,
            'application/octet-stream'
        ) as content_type,
        files.sha256,
        files.bytes,
        case when files.sha256 is not null then count(*) over (partition by files.sha256) end
            as times_used,
        numbered.is_inline,
        case when files.sha256 is null then 'broken' else 'stored' end as fetch_status,
        case
            when files.sha256 is not null then null
            else coalesce(files.reason, 'not_landed')
        end as reason
    from numbered
    inner join messages on numbered.message_id = messages.message_id
    left join files on numbered.url = files.url
)

select * from final order by message_id, ordinal
