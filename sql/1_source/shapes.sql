-- grain: one row per stream and shape of its documents
-- key: stream, sample_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column stream: the stream
-- column shape: the paths of a document with their types, one to a line
-- column raw_path: the part that is shown as it stands, because nobody knows what it means; null
--   for none
-- column documents: how many documents have it
-- column sample_key: the smallest key among them
-- column sample: that document
with

final as (
    select
        cast(null as varchar) as stream,
        cast(null as varchar) as shape,
        cast(null as varchar) as raw_path,
        cast(null as bigint) as documents,
        cast(null as varchar) as sample_key,
        cast(null as varchar) as sample
    where false
)

select * from final order by stream, sample_key
