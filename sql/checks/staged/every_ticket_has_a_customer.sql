-- claim: every ticket and every customer message belongs to a staged customer
with

orphans as (
    select tickets.ticket_id as source_id
    from staged.tickets
    left anti join staged.customers on tickets.customer_id = customers.customer_id
    union all
    select messages.message_id as source_id
    from staged.messages
    left anti join staged.customers on messages.customer_id = customers.customer_id
    where messages.direction = 'in'
)

select source_id from orphans order by source_id
