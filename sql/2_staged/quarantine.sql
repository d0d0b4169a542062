-- grain: one row per landed record that cannot be understood
-- key: stream, source_key
-- column platform: where it comes from
-- column snapshot: the snapshot that holds the landed record
-- column stream: which stream it belongs to
-- column source_key: its key
-- column ticket_id: the conversation it belongs to, where that is known
-- column rule: why it cannot be understood
-- column offending: its raw text, at most 2000 characters
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
    select platform, snapshot, stream, source_key, offending from source.judged
),

final as (
    select
        offending.platform,
        offending.snapshot,
        fates.stream,
        fates.source_key,
        fates.ticket_id,
        fates.rule,
        -- A whole record that belongs nowhere: what it refers to is what is wrong.
        coalesce(offending.offending, fates.ticket_id) as offending
    from fates
    inner join offending
        on fates.stream = offending.stream and fates.source_key = offending.source_key
)

select * from final order by stream, source_key
