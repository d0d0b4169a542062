-- claim: no message is empty and none is longer than one million bytes
with

messages as (
    select
        message_id,
        coalesce(octet_length(body_text), 0) as text_bytes,
        coalesce(octet_length(body_html), 0) as html_bytes
    from staged.messages
)

select message_id, text_bytes, html_bytes
from messages
where text_bytes = 0 or text_bytes > 1000000 or html_bytes > 1000000
order by message_id
