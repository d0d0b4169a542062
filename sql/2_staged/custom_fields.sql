-- grain: one row per field of tickets or of customers that has no column of its own
-- key: object, field
-- column platform: where it comes from
-- column object: `ticket` or `customer`
-- column field: its name: a key of custom data, or the path of the source's own field
-- column label: its name in words, as the source says it or made of the name
-- column is_custom: somebody in the shop invented it; false for a field of the source itself
-- column type: as the source says it; else `text`, `number`, `boolean` or `date` when all its
--   values are, `text` otherwise, and null when no value was landed
-- column value_count: how many values there are
-- column object_count: how many tickets or customers have one
-- column source_count: how many the source itself counts, null where it does not
--   [conversation_data_keys $.count, people_data_keys $.count]
with

values_found as (
    select
        object,
        field,
        min(platform) as platform,
        case when count(distinct type) = 1 then min(type) else 'text' end as type,
        count(*) as value_count,
        count(distinct object_id) as object_count
    from staged.custom_field_values
    group by object, field
),

counted as (
    select
        replace(kind, '_field', '') as object,
        name as field,
        platform,
        counted
    from source.census
    where quarantine_rule is null
        and name is not null
        and kind in ('ticket_field', 'customer_field')
),

described as (
    select
        object,
        field,
        platform,
        label,
        is_custom,
        type
    from source.custom_fields
),

named as (
    select object, field, platform from values_found
    union all
    select object, field, platform from described
    union all
    select object, field, platform from counted
),

fields as (
    select
        object,
        field,
        min(platform) as platform
    from named
    group by object, field
),

final as (
    select
        fields.platform,
        fields.object,
        fields.field,
        coalesce(described.label, regexp_replace(fields.field, '[._-]+', ' ', 'g')) as label,
        coalesce(described.is_custom, true) as is_custom,
        coalesce(described.type, values_found.type) as type,
        coalesce(values_found.value_count, 0) as value_count,
        coalesce(values_found.object_count, 0) as object_count,
        counted.counted as source_count
    from fields
    left join values_found
        on fields.object = values_found.object and fields.field = values_found.field
    left join described
        on fields.object = described.object and fields.field = described.field
    left join counted
        on fields.object = counted.object and fields.field = counted.field
)

select * from final order by object, field
