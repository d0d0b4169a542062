-- grain: one row per record and rule by which something of it is cut, changed or left out
-- key: stage, stream, source_id, rule
-- column stage: where it is lost: staged, planned or loaded
-- column stream: landed stream of the record, or customers
-- column source_id: its id
-- column ticket_id: its ticket; null when it belongs to none
-- column rule: the rule by which something is lost
-- column detail: what exactly is lost, in words; may be null
-- column survives_in: table and key where the original can be read
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

-- Somebody stands in for an agent whom the target lacks; the ledger says for whom.
loaded_losses as (
    select
        'loaded' as stage,
        'operators' as stream,
        source_id,
        cast(null as varchar) as ticket_id,
        'agent_replaced' as rule,
        detail,
        concat('staged.agents key ', source_id) as survives_in
    from ledger.records
    where kind = 'agent' and detail like '%stands in%'
),

-- Where the target did not take a file, the message names it. What was too large from the start is
-- a loss of the plan.
refused_uploads as (
    select
        'loaded' as stage,
        'uploads' as stream,
        records.source_id,
        cast(null as varchar) as ticket_id,
        'upload_refused' as rule,
        records.detail,
        concat('data/files/', records.source_id, ' of the snapshot') as survives_in
    from ledger.records
    left semi join plan.uploads as uploads
        on records.source_id = uploads.sha256 and not uploads.is_too_large
    where records.kind = 'upload' and records.state = 'refused'
),

final as (
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from staged_losses
    union all
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from planned_losses
    union all
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from loaded_losses
    union all
    select stage, stream, source_id, ticket_id, rule, detail, survives_in from refused_uploads
)

select * from final order by stage, stream, source_id, rule
