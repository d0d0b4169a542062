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

files as (
    select
        url,
        sha256,
        bytes,
        content_type,
        reason
    from source.files
),

contents as (
    select
        files.sha256,
        count(*) as times_used
    from staged.message_files
    inner join files on message_files.url = files.url
    where files.sha256 is not null
    group by files.sha256
),

final as (
    select
        message_files.platform,
        message_files.message_id,
        message_files.ordinal,
        message_files.conversation_id,
        message_files.snapshot,
        message_files.url,
        coalesce(nullif(cut_text(visible_line(message_files.name), 255), ''), 'file') as name,
        coalesce(
            files.content_type,
            message_files.content_type,
            'application/octet-stream'
        ) as content_type,
        files.sha256,
        files.bytes,
        contents.times_used,
        message_files.is_inline,
        case when files.sha256 is null then 'broken' else 'stored' end as fetch_status,
        case
            when files.sha256 is not null then null
            when message_files.url is null then 'no_address'
            else coalesce(files.reason, 'not_landed')
        end as reason
    from staged.message_files
    left join files on message_files.url = files.url
    left join contents on files.sha256 = contents.sha256
)

select * from final order by message_id, ordinal
