-- grain: one row per phase of the replay, in the order of their first calls
-- key: place
-- column place: place of the phase in the replay, from 1; 0 comes before it
-- column phase: name of the phase, as the ledger counts its calls
-- column calls: calls that it will take, in number
-- column bytes: at most how many bytes the bodies of these calls have
-- column auto_calls: the same: packing changes nothing, because every message is a call of its own
-- column seed_calls: the same
with

phases as (
    select
        column1 as place,
        column2 as phase
    from (
        values
        (0, 'preflight'), (1, 'tickets_read'), (2, 'agents_read'), (3, 'customers_create'),
        (4, 'files_upload'), (5, 'help_center_read'), (6, 'sections_create'),
        (7, 'articles_create'), (8, 'tickets_create'), (9, 'messages_append'),
        (10, 'tickets_update'), (11, 'lookups')
    ) as listed
),

planned as (
    select
        phase,
        count(*) as calls,
        sum(bytes) as bytes
    from plan.calls
    group by phase
),

final as (
    select
        phases.place,
        phases.phase,
        coalesce(planned.calls, 0) as calls,
        coalesce(planned.bytes, 0) as bytes,
        coalesce(planned.calls, 0) as auto_calls,
        coalesce(planned.calls, 0) as seed_calls
    from phases
    left join planned on phases.phase = planned.phase
)

select * from final order by place
