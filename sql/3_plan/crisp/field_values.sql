-- grain: one row per value of a custom field: none, because values go into the data
-- key: object, object_id, field_id
-- column object: ticket or customer
-- column object_id: the staged ticket or customer
-- column field_id: the id that the target is told
-- column label: the field's name in words
-- column data_type: text, number or boolean
-- column value: the value as JSON, of that type
with

final as (
    select
        object,
        object_id,
        field as field_id,
        field as label,
        type as data_type,
        value
    from staged.custom_field_values
    where false
)

select * from final order by object, object_id, field_id
