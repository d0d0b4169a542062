-- grain: one row per stream and shape of its documents
-- key: stream, sample_key
-- A shape lists the paths of a document with their types. sample is the document of that shape with
-- the smallest key: the one place beside the models of the streams that reads what was landed.
with

desk as (
    select stream, source_key, shape from source.users
    union all
    select stream, source_key, shape from source.teams
    union all
    select stream, source_key, shape from source.tags
    union all
    select stream, source_key, shape from source.metadata
    union all
    select stream, source_key, shape from source.organisations
    union all
    select stream, source_key, shape from source.profiles
    union all
    select stream, source_key, shape from source.conversations
    union all
    select stream, source_key, shape from source.messages
    union all
    select stream, source_key, shape from source.listed_files
),

library as (
    select stream, source_key, shape from source.settings
    union all
    select stream, source_key, shape from source.kobjects
    union all
    select stream, source_key, shape from source.articles
    union all
    select stream, source_key, shape from source.categories
),

documents as (
    select stream, source_key, shape from desk
    union all
    select stream, source_key, shape from library
),

shapes as (
    select
        stream,
        shape,
        count(*) as documents,
        min(source_key) as sample_key
    from documents
    where shape is not null
    group by stream, shape
),

final as (
    select
        shapes.stream,
        shapes.shape,
        cast(null as varchar) as raw_path,
        shapes.documents,
        shapes.sample_key,
        records.raw as sample
    from shapes
    left join landing.records
        on shapes.stream = records.stream and shapes.sample_key = records.key
)

select * from final order by stream, sample_key
