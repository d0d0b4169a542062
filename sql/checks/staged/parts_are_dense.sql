-- claim: the parts of a conversation are numbered from 1 without a gap, no part has more messages
-- than a ticket may have, and no message of a part is older than one of an earlier part
with

counted as (
    select
        conversation_id,
        count(*) as tickets
    from staged.tickets
    group by conversation_id
),

parts as (
    select
        tickets.conversation_id,
        tickets.ticket_id,
        tickets.part,
        tickets.parts,
        tickets.messages,
        tickets.first_message_at,
        lag(tickets.last_message_at) over (
            partition by tickets.conversation_id
            order by tickets.part
        ) as earlier_message_at,
        row_number() over (
            partition by tickets.conversation_id
            order by tickets.part
        ) as place,
        counted.tickets,
        cast(mapping.messages_per_ticket_max as bigint) as messages_max
    from staged.tickets
    inner join counted on tickets.conversation_id = counted.conversation_id
    cross join config.mapping as mapping
)

select ticket_id, conversation_id, part, parts, messages
from parts
where
    part <> place
    or parts <> tickets
    or messages > messages_max
    or first_message_at < earlier_message_at
order by ticket_id
