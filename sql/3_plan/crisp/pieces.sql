-- grain: one row per message that the target is to be given
-- key: message_id
-- A text longer than text_chars_max becomes several messages, and each file is one of its own. A
-- message that is nothing but its files has no text. What the followed run loaded is left out.
-- column message_id: id in the plan: the first piece has the staged message's, further texts end in
--   #2 and so on, further files in /file/ and the file's place
-- column part_of: the staged message, or the note about an edit
-- column ticket_id: the ticket that it comes into
-- column place: place among the pieces of the message, from 1
-- column form: text, note, file, or link for a note that leads to a file
-- column piece: which part of the text it is; null for files
-- column pieces: how many parts the text has; null for files
-- column ordinal: place of the file among those of the message; null for texts
with

tickets as (
    select ticket_id
    from staged.tickets
    where messages > 0 and not is_skipped
),

messages as (
    select
        messages.message_id,
        messages.ticket_id,
        messages.direction,
        messages.content_type,
        messages.is_empty,
        messages.body_text
    from staged.messages
    left semi join tickets on messages.ticket_id = tickets.ticket_id
    left anti join before.messages as known on messages.message_id = known.part_of
),

files as (
    select
        message_id,
        ordinal
    from staged.attachments
    where fetch_status = 'stored' and not is_inline
),

counted as (
    select
        message_id,
        count(*) as files
    from files
    group by message_id
),

texts as (
    select
        messages.message_id,
        messages.ticket_id,
        case when messages.direction = 'internal' then 'note' else 'text' end as form,
        cast(
            array_length(
                split_text(messages.body_text, cast(mapping.text_chars_max as bigint))
            ) as bigint
        ) as pieces
    from messages
    cross join config.mapping as mapping
    left join counted on messages.message_id = counted.message_id
    -- Of these the text is only the name of the file.
    where
        counted.files is null
        or not (messages.is_empty or messages.content_type in ('file', 'audio', 'animation'))
    union all
    select
        notes.message_id,
        notes.ticket_id,
        'note' as form,
        cast(
            array_length(
                split_text(notes.body_text, cast(mapping.text_chars_max as bigint))
            ) as bigint
        ) as pieces
    from plan.edit_notes as notes
    cross join config.mapping as mapping
),

text_pieces as (
    select
        message_id,
        ticket_id,
        form,
        pieces,
        unnest(range(1, pieces + 1)) as piece
    from texts
),

file_pieces as (
    select
        messages.message_id,
        messages.ticket_id,
        case when messages.direction = 'internal' then 'link' else 'file' end as form,
        cast(files.ordinal as bigint) as ordinal
    from files
    inner join messages on files.message_id = messages.message_id
),

everything as (
    select
        message_id as part_of,
        ticket_id,
        form,
        piece,
        pieces,
        cast(null as bigint) as ordinal
    from text_pieces
    union all
    select
        message_id as part_of,
        ticket_id,
        form,
        cast(null as bigint) as piece,
        cast(null as bigint) as pieces,
        ordinal
    from file_pieces
),

placed as (
    select
        part_of,
        ticket_id,
        form,
        piece,
        pieces,
        ordinal,
        cast(
            row_number() over (partition by part_of order by piece nulls last, ordinal) as bigint
        ) as place
    from everything
),

final as (
    select
        case
            when place = 1 then part_of
            when piece is not null then concat(part_of, '#', piece)
            else concat(part_of, '/file/', ordinal)
        end as message_id,
        part_of,
        ticket_id,
        place,
        form,
        piece,
        pieces,
        ordinal
    from placed
)

select * from final order by message_id
