-- grain: one row per planned ticket of which the plan says something else than what was staged
-- key: ticket_id
-- What the source removed since it was loaded has nothing staged to be compared with.
-- column ticket_id: the ticket
-- column is_subject: whether its subject is another one
-- column is_status: whether its status is, in the target's words
-- column is_spam: whether one says spam and the other does not
-- column is_created_at: whether its beginning is another time
with

staged_tickets as (
    select
        ticket_id,
        subject,
        case
            when status = 'closed' then 'resolved'
            when state = 'pending' then 'pending'
            else 'unresolved'
        end as status,
        is_blocked,
        created_at
    from staged.tickets
),

removed_ids as (
    select ticket_id
    from plan.changes
    where kind = 'ticket' and change = 'removed'
),

compared as (
    select
        planned.ticket_id,
        staged_tickets.subject is distinct from planned.subject as is_subject,
        staged_tickets.status is distinct from planned.status as is_status,
        staged_tickets.is_blocked is distinct from planned.spam as is_spam,
        staged_tickets.created_at is distinct from planned.created_at as is_created_at
    from plan.tickets as planned
    left anti join removed_ids on planned.ticket_id = removed_ids.ticket_id
    left join staged_tickets on planned.ticket_id = staged_tickets.ticket_id
),

final as (
    select
        ticket_id,
        is_subject,
        is_status,
        is_spam,
        is_created_at
    from compared
    where is_subject or is_status or is_spam or is_created_at
)

select * from final order by ticket_id
