-- claim: every planned message has a time of sending, and either a text or one file, so that the
-- target stores it as it is and sends nothing
with

messages as (
    select
        message_id,
        sent_at,
        octet_length(coalesce(body_text, '')) as text_bytes,
        body_text is null as is_file,
        coalesce(array_length(json_items(attachments)), 0) as attachments
    from plan.messages
)

select message_id, sent_at, text_bytes, attachments
from messages
where
    sent_at is null
    or (is_file and attachments <> 1)
    or (not is_file and text_bytes = 0)
order by message_id
