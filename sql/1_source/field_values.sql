-- grain: one row per value in a field without a column of its own
-- key: object, object_id, field, source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column object: `ticket` or `customer`
-- column object_id: id of the ticket or of the person
-- column field: name of the field
-- column type: `number`, `boolean`, `date` or `text`; `string` where the source does not say
-- column value: the value as text, never null
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as object,
        cast(null as varchar) as object_id,
        cast(null as varchar) as field,
        cast(null as varchar) as type,
        cast(null as varchar) as value,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key
    where false
)

select * from final order by object, object_id, field, source_key
