-- grain: one row per file of a staged message: sent as such, or shown inside its text
-- key: message_id, ordinal
-- A name is shown without signs that nobody sees or that turn the direction of reading.
-- column platform: where it comes from
-- column message_id: the message it belongs to
-- column ordinal: its place among the files of the message, from 1
-- column conversation_id: the conversation of the message
-- column snapshot: the snapshot that holds the message
-- column url: its address in the source; null where it gives none [messages $.content.url, messages
--   $.content, originals $.content]
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
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

messages as (
    select
        messages.platform,
        messages.message_id,
        messages.conversation_id,
        messages.snapshot,
        messages.raw_content is null as is_understood,
        concat_ws(chr(10), messages.text, messages.question, messages.explanation) as text
    from source.messages
    left anti join not_staged
        on messages.stream = not_staged.stream and messages.source_key = not_staged.source_key
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
        url,
        name,
        content_type,
        false as is_inline,
        place
    from source.attachments
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

-- Pictures of an e-mail count only as far as they were landed: most of the others are pixels that
-- track who reads it.
in_mail as (
    select
        message_id,
        unnest(image_urls(content)) as url
    from originals
),

landed_in_mail as (
    select
        in_mail.message_id,
        in_mail.url
    from in_mail
    left semi join files on in_mail.url = files.url
),

inline as (
    select message_id, url from shown
    union
    select message_id, url from on_cards
    union
    select message_id, url from landed_in_mail
),

gathered as (
    select message_id, url, name, content_type, is_inline, 0 as rank, place from sent
    union all
    select
        message_id,
        url,
        coalesce(
            nullif(regexp_replace(split_part(url, '?', 1), '^.*/', ''), ''),
            'picture'
        ) as name,
        cast(null as varchar) as content_type,
        true as is_inline,
        1 as rank,
        0 as place
    from inline
),

-- Files of messages that are not staged go here, before the rest is numbered.
numbered as (
    select
        messages.platform,
        gathered.message_id,
        messages.conversation_id,
        messages.snapshot,
        gathered.url,
        gathered.name,
        gathered.content_type,
        gathered.is_inline,
        row_number() over (
            partition by gathered.message_id order by gathered.rank, gathered.place, gathered.url
        ) as ordinal
    from gathered
    inner join messages on gathered.message_id = messages.message_id
),

final as (
    select
        numbered.platform,
        numbered.message_id,
        numbered.ordinal,
        numbered.conversation_id,
        numbered.snapshot,
        numbered.url,
        coalesce(nullif(cut_text(visible_line(numbered.name), 255), ''), 'file') as name,
        coalesce(
            files.content_type,
            numbered.content_type,
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
            when numbered.url is null then 'no_address'
            else coalesce(files.reason, 'not_landed')
        end as reason
    from numbered
    left join files on numbered.url = files.url
)

select * from final order by message_id, ordinal
