-- grain: one row per content to be uploaded, in the order of its first use
-- key: seq
-- column seq: place in the replay, from 1
-- column sha256: SHA-256 of the content, hex
-- column name: file name at its first use
-- column content_type: media type at its first use
-- column bytes: length in bytes
-- column is_too_large: whether it is longer than upload_bytes_max, so that it is named instead
-- column is_loaded: whether the followed run uploaded it
with

messages as (
    select
        part_of,
        min(ticket_seq) as ticket_seq,
        min(position) as position
    from plan.messages
    group by part_of
),

attachments as (
    select
        message_id,
        ordinal,
        sha256,
        name,
        content_type,
        bytes
    from staged.attachments
    where fetch_status = 'stored'
),

pictures as (
    select
        seq,
        article_id,
        json_row(unnest(json_items(files)), 'sha256 TEXT PATH $.sha256') as picture
    from plan.articles
    where files <> '[]'
),

shown as (
    select
        kb_files.sha256,
        kb_files.name,
        kb_files.content_type,
        kb_files.bytes,
        pictures.seq,
        kb_files.ordinal
    from pictures
    inner join staged.kb_files
        on kb_files.owner = 'article'
        and pictures.article_id = kb_files.owner_id
        and pictures.picture['sha256'] = kb_files.sha256
),

-- Articles come before tickets.
used as (
    select
        sha256,
        name,
        content_type,
        bytes,
        cast(0 as bigint) as ticket_seq,
        seq as position,
        ordinal
    from shown
    union all
    select
        attachments.sha256,
        attachments.name,
        attachments.content_type,
        attachments.bytes,
        messages.ticket_seq,
        messages.position,
        attachments.ordinal
    from attachments
    inner join messages on attachments.message_id = messages.part_of
),

placed as (
    select
        sha256,
        name,
        content_type,
        bytes,
        ticket_seq,
        position,
        ordinal,
        row_number() over (
            partition by sha256
            order by ticket_seq, position, ordinal
        ) as use_place
    from used
),

loaded as (
    select sha256
    from before.uploads
),

final as (
    select
        row_number() over (
            order by placed.ticket_seq, placed.position, placed.ordinal
        ) as seq,
        placed.sha256,
        placed.name,
        placed.content_type,
        placed.bytes,
        placed.bytes > cast(mapping.upload_bytes_max as bigint) as is_too_large,
        loaded.sha256 is not null as is_loaded
    from placed
    cross join config.mapping as mapping
    left join loaded on placed.sha256 = loaded.sha256
    where placed.use_place = 1
)

select * from final order by seq
