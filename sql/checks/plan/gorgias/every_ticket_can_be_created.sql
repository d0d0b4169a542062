-- claim: every planned ticket names a planned customer and carries its first message in the call
-- that creates it; no message that travels in a create follows one that is appended
with

tickets as (
    select
        seq,
        ticket_id,
        customer_id,
        messages,
        updates
    from plan.tickets
),

messages as (
    select
        ticket_seq,
        count(*) as messages,
        min(position) as first_position,
        count(*) filter (where in_create) as created,
        max(position) filter (where in_create) as last_created
    from plan.messages
    group by ticket_seq
),

offenders as (
    select tickets.ticket_id
    from tickets
    left join messages on tickets.seq = messages.ticket_seq
    where
        messages.ticket_seq is null
        or messages.messages <> tickets.messages
        or messages.first_position <> 1
        or (tickets.updates is null and messages.created = 0)
        or messages.created > 500
        or messages.created <> messages.last_created
    union all
    select tickets.ticket_id
    from tickets
    left anti join plan.customers on tickets.customer_id = customers.customer_id
)

select ticket_id from offenders order by ticket_id
