-- grain: one row per custom field to be made: none, because data of this target needs no definition
-- key: field_id
-- column field_id: the id that the target is told
-- column object: ticket or customer
-- column label: its name in words
-- column data_type: text, number or boolean
with

final as (
    select field_id, object, label, data_type
    from before.fields
    where false
)

select * from final order by field_id
