-- grain: one row per phase of the replay, in the order of their first calls
-- key: place
-- column place: place of the phase in the replay, from 1; 0 comes before it
-- column phase: name of the phase, as the ledger counts its calls
-- column calls: calls that it will take, in number
-- column bytes: at most how many bytes the bodies of these calls have
-- column auto_calls: the same calls if packing were auto
-- column seed_calls: the same calls if packing were seed
with

phases as (
    select 0 as place, 'preflight' as phase
    union all
    select 1 as place, 'tickets_read' as phase
    union all
    select 2 as place, 'agents_read' as phase
    union all
    select 3 as place, 'agents_create' as phase
    union all
    select 4 as place, 'customers_create' as phase
    union all
    select 5 as place, 'tags_read' as phase
    union all
    select 6 as place, 'tags_create' as phase
    union all
    select 7 as place, 'fields_read' as phase
    union all
    select 8 as place, 'fields_create' as phase
    union all
    select 9 as place, 'customers_update' as phase
    union all
    select 10 as place, 'files_upload' as phase
    union all
    select 11 as place, 'tickets_create' as phase
    union all
    select 12 as place, 'messages_append' as phase
    union all
    select 13 as place, 'tickets_update' as phase
),

planned as (
    select
        phase,
        count(*) as calls,
        sum(bytes) as bytes
    from plan.calls
    group by phase
),

-- What would be appended with either packing, and whether its ticket has to be closed again.
appended as (
    select
        messages.ticket_seq,
        tickets.status,
        tickets.updates,
        count(*) filter (where not messages.fits_create) as auto_messages,
        count(*) filter (
            where messages.position > 1 or tickets.updates is not null
        ) as seed_messages
    from plan.messages
    left anti join before.messages as loaded on messages.message_id = loaded.message_id
    inner join plan.tickets on messages.ticket_seq = tickets.seq
    group by messages.ticket_seq, tickets.status, tickets.updates
),

-- A ticket that is loaded is updated the same with either.
updated as (
    select count(*) as tickets
    from plan.tickets
    where updates <> '[]'
),

packed as (
    select
        'messages_append' as phase,
        coalesce(sum(auto_messages), 0) as auto_calls,
        coalesce(sum(seed_messages), 0) as seed_calls
    from appended
    union all
    select
        'tickets_update' as phase,
        count(*) filter (where appended.auto_messages > 0) + max(updated.tickets) as auto_calls,
        count(*) filter (where appended.seed_messages > 0) + max(updated.tickets) as seed_calls
    from updated
    left join appended on appended.status = 'closed' and appended.updates is null
),

final as (
    select
        phases.place,
        phases.phase,
        coalesce(planned.calls, 0) as calls,
        coalesce(planned.bytes, 0) as bytes,
        coalesce(packed.auto_calls, planned.calls, 0) as auto_calls,
        coalesce(packed.seed_calls, planned.calls, 0) as seed_calls
    from phases
    left join planned on phases.phase = planned.phase
    left join packed on phases.phase = packed.phase
)

select * from final order by place
