-- claim: every ticket has a subject that shows something, of at most 998 characters, and a known
-- status
with

tickets as (
    select
        ticket_id,
        coalesce(char_length(subject), 0) as characters,
        visible_line(coalesce(subject, '')) as shown,
        status
    from staged.tickets
)

select ticket_id, characters, status
from tickets
where shown = '' or characters > 998 or status not in ('open', 'closed')
order by ticket_id
