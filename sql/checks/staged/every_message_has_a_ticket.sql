-- claim: every message belongs to a staged ticket, and every file to a staged message
with

orphans as (
    select messages.message_id, 'message' as kind
    from staged.messages
    left anti join staged.tickets on messages.ticket_id = tickets.ticket_id
    union all
    select attachments.message_id, 'attachment' as kind
    from staged.attachments
    left anti join staged.messages on attachments.message_id = messages.message_id
)

select message_id, kind from orphans order by message_id, kind
