-- claim: every ticket has a subject of 1 to 998 characters and a known status
with

tickets as (
    select
        ticket_id,
        coalesce(char_length(subject), 0) as characters,
        status
    from staged.tickets
)

select ticket_id, characters, status
from tickets
where characters = 0 or characters > 998 or status not in ('open', 'closed')
order by ticket_id
