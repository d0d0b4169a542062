-- grain: one row per landed record that cannot be understood
-- key: stream, source_key
with

fates as (
    select
        stream,
        source_key,
        ticket_id,
        rule
    from staged.fates
    where fate = 'quarantined'
),

offending as (
    select platform, snapshot, stream, source_key, offending from source.tickets
    union all
    select platform, snapshot, stream, source_key, offending from source.messages
    union all
    select platform, snapshot, stream, source_key, offending from source.customers
    union all
    select platform, snapshot, stream, source_key, offending from source.customer_data
    union all
    select platform, snapshot, stream, source_key, offending from source.agents
    union all
    select platform, snapshot, stream, source_key, offending from source.originals
),

final as (
    select
        offending.platform,
        offending.snapshot,
        fates.stream,
        fates.source_key,
        fates.ticket_id,
        fates.rule,
        offending.offending
    from fates
    inner join offending
        on fates.stream = offending.stream and fates.source_key = offending.source_key
)

select * from final order by stream, source_key
