-- grain: one row per note that is to tell agents about an edit
-- key: message_id
-- A message in the target is never changed, so a note shows what the source says now.
-- column message_id: id of the note
-- column ticket_id: the ticket that it comes into
-- column edited_message_id: the message that was edited
-- column body_text: what the note says
-- column sent_at: when the edit was seen, UTC
with

changes as (
    select
        note_id,
        message_id,
        ticket_id,
        seen_at
    from plan.message_changes
    where change = 'edited' and is_new and note_id is not null
),

final as (
    select
        changes.note_id as message_id,
        changes.ticket_id,
        edited.message_id as edited_message_id,
        concat(
            'The message of ',
            to_char(edited.sent_at, '%Y-%m-%d %H:%M:%S'),
            ' UTC was edited after it was moved. It now reads:',
            chr(10),
            chr(10),
            edited.body_text
        ) as body_text,
        date_trunc('millisecond', changes.seen_at) as sent_at
    from changes
    inner join staged.messages as edited on changes.message_id = edited.message_id
)

select * from final order by message_id
