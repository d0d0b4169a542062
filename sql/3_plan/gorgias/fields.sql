-- grain: one row per custom field to be made in the target or found there
-- key: field_id
-- column field_id: the id that the target is told
-- column object: ticket or customer
-- column label: its name in words
-- column data_type: text, number or boolean
with

field_values as (
    select
        field_id,
        object,
        label,
        data_type
    from plan.field_values
    union all
    select
        field_id,
        object,
        label,
        data_type
    from before.fields
),

final as (
    select
        field_id,
        object,
        min(label) as label,
        min(data_type) as data_type
    from field_values
    group by field_id, object
)

select * from final order by field_id
