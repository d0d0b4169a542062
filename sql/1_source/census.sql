-- grain: one row per name that the source itself counts
-- key: stream, source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column kind: what is counted: people, ticket_tag, ticket_field, customer_segment, customer_field
--   or event
-- column name: the name; null where all are counted
-- column counted: how often; null where it does not say
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as kind,
        cast(null as varchar) as name,
        cast(null as bigint) as counted,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by stream, source_key
