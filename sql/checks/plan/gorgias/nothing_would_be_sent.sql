-- claim: every planned message has a time of sending and a text, so that the target stores it and
-- sends nothing
with

messages as (
    select
        message_id,
        sent_at,
        octet_length(coalesce(body_text, '')) as text_bytes
    from plan.messages
)

select message_id, sent_at, text_bytes
from messages
where sent_at is null or text_bytes = 0
order by message_id
