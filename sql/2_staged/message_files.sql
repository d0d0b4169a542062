-- grain: one row per file of a staged message, before it is looked up among the landed files
-- key: message_id, ordinal
-- Pictures are searched in texts once, here: who asks again reads narrow rows.
-- column platform: where it comes from
-- column message_id: the message it belongs to
-- column ordinal: its place among the files of the message, from 1
-- column conversation_id: the conversation of the message
-- column snapshot: the snapshot that holds the message
-- column url: its address in the source; null where it gives none [messages $.content.url, messages
--   $.content, originals $.content]
-- column name: as the message has it, else the end of the address [messages $.content.name]
-- column content_type: as the message has it; null where it says none [messages $.content.type]
-- column is_inline: whether it is a picture shown inside the text
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
    left semi join source.files on in_mail.url = files.url
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
final as (
    select
        messages.platform,
        gathered.message_id,
        row_number() over (
            partition by gathered.message_id order by gathered.rank, gathered.place, gathered.url
        ) as ordinal,
        messages.conversation_id,
        messages.snapshot,
        gathered.url,
        gathered.name,
        gathered.content_type,
        gathered.is_inline
    from gathered
    inner join messages on gathered.message_id = messages.message_id
)

select * from final order by message_id, ordinal
