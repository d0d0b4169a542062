-- claim: the time of sending is known and not later than the time of reading
with

messages as (
    select
        message_id,
        sent_at,
        fetched_at
    from staged.messages
)

select message_id, sent_at, fetched_at
from messages
where sent_at is null or sent_at > fetched_at
order by message_id
