-- grain: one row per record and rule by which something of it is cut, changed or left out
-- key: stage, stream, source_id, rule
with

staged_losses as (
    select
        'staged' as stage,
        stream,
        source_id,
        ticket_id,
        rule,
        detail,
        survives_in
    from staged.losses
),

planned_losses as (
    select
        'planned' as stage,
        stream,
        source_id,
        ticket_id,
        rule,
        detail,
        survives_in
    from plan.losses
),

final as (
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from staged_losses
    union all
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from planned_losses
)

select * from final order by stage, stream, source_id, rule
