-- grain: one row per record of which the source itself kept something back
-- key: stream, source_key, rule
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column ticket_id: the conversation it concerns
-- column rule: the rule
-- column detail: what it is
with

final as (
    select
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as ticket_id,
        cast(null as varchar) as rule,
        cast(null as varchar) as detail
    where false
)

select * from final order by stream, source_key, rule
