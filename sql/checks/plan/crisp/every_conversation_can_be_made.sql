-- claim: the messages of every conversation stand in places without holes, no two of them have one
-- number, its state is one of the target's, and its customer is planned if there is one
with

tickets as (
    select
        seq,
        ticket_id,
        customer_id,
        status,
        messages
    from plan.tickets
),

messages as (
    select
        ticket_seq,
        count(*) as messages,
        min(position) as first_position,
        max(position) as last_position,
        count(distinct hash_number(message_id)) as numbers,
        count(*) filter (where in_create) as created
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
        or messages.last_position <> messages.messages
        or messages.numbers <> messages.messages
        or messages.created > 0
        or tickets.status not in ('unresolved', 'pending', 'resolved')
    union all
    select tickets.ticket_id
    from tickets
    left anti join plan.customers on tickets.customer_id = customers.customer_id
    where tickets.customer_id is not null
)

select ticket_id from offenders order by ticket_id
