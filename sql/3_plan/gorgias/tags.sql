-- grain: one row per tag on a planned ticket
-- key: name
-- column name: the tag, spelled as the target gets it
with

tickets as (
    select ticket_id
    from plan.tickets
),

used as (
    select
        ticket_tags.tag
    from staged.ticket_tags
    left semi join tickets on ticket_tags.ticket_id = tickets.ticket_id
),

final as (
    select tag as name from used
    union
    select name from before.tags
)

select * from final order by name
