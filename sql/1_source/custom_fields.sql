-- grain: one row per field without a column of its own, of which the source says something
-- key: object, field
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column object: `ticket` or `customer`
-- column field: its name, as in source.field_values
-- column label: its name in words
-- column is_custom: somebody in the shop invented it
-- column type: `text`, `number`, `boolean` or `date`; null where the source does not say
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as object,
        cast(null as varchar) as field,
        cast(null as varchar) as label,
        cast(null as boolean) as is_custom,
        cast(null as varchar) as type
    where false
)

select * from final order by object, field
