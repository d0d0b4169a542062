-- grain: one row per landed record that is neither ticket, message nor profile
-- key: stream, source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column snapshot: the snapshot that holds it
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column belongs_to: `message` or `ticket` where it is staged only with that; null where nothing
--   else decides
-- column owner_id: id of that message or ticket
-- column orphan_rule: the rule by which it is dropped when that was not landed
-- column drop_rule: a rule by which it is dropped anyway
-- column is_part: whether it becomes part of other rows, so that its decision is all there is to
--   count; one answer for each stream
-- column quarantine_rule: why it cannot be understood; null for one that can
-- column offending: the beginning of its raw text, at most 2000 characters; null where it is
--   understood
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as belongs_to,
        cast(null as varchar) as owner_id,
        cast(null as varchar) as orphan_rule,
        cast(null as varchar) as drop_rule,
        cast(null as boolean) as is_part,
        cast(null as varchar) as quarantine_rule,
        cast(null as varchar) as offending
    where false
)

select * from final order by stream, source_key
