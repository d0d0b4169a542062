-- claim: the messages of a ticket are numbered from 1 without a gap, and no later one was sent
-- earlier
with

counted as (
    select
        ticket_id,
        min(position) as first_position,
        max(position) as last_position,
        count(*) as messages
    from staged.messages
    group by ticket_id
),

spaced as (
    select
        ticket_id,
        position,
        sent_at,
        lag(sent_at) over (partition by ticket_id order by position) as earlier_sent_at
    from staged.messages
),

offenders as (
    select ticket_id, last_position as position
    from counted
    where first_position <> 1 or last_position <> messages
    union all
    select ticket_id, position
    from spaced
    where sent_at < earlier_sent_at
)

select ticket_id, position from offenders order by ticket_id, position
