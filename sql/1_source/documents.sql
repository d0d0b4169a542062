-- grain: one row per thing that can only be looked up or made again by hand
-- key: kind, source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column kind: what it is, in one word
-- column name: what it is called
-- column summary: what it does, in a line
-- column content: its text, Markdown; null for what is no text
-- column definition: JSON, all that the source says of it
-- column recommended_target: what to make of it; null for nothing
-- column reason_not_migrated: why nobody does it for you
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column created_at: when it was made, UTC
-- column updated_at: when it changed last, UTC
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as kind,
        cast(null as varchar) as name,
        cast(null as varchar) as summary,
        cast(null as varchar) as content,
        cast(null as varchar) as definition,
        cast(null as varchar) as recommended_target,
        cast(null as varchar) as reason_not_migrated,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at
    where false
)

select * from final order by kind, source_key
