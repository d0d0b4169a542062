-- grain: one row per value that goes into a custom field of a planned customer or ticket
-- key: object, object_id, field_id
-- There are none unless custom_fields is create: a definition cannot be deleted in the target.
-- column object: ticket or customer
-- column object_id: the staged ticket or customer
-- column field_id: object, a colon and the name of the field: the id that the target is told
-- column label: the field's name in words, at most 255 characters
-- column data_type: text, number or boolean; a date is a text
-- column value: the value as JSON, of that type
with

planned as (
    select 'ticket' as object, ticket_id as object_id
    from staged.tickets
    where messages > 0 and not is_skipped
    union all
    select 'customer' as object, customer_id as object_id
    from staged.customers
    where not is_skipped
),

fields as (
    select
        object,
        field,
        label,
        case when type in ('number', 'boolean') then type else 'text' end as data_type
    from staged.custom_fields
),

counted as (
    select
        object,
        object_id,
        field,
        value
    from staged.custom_field_values
    where rank = 1
),

final as (
    select
        counted.object,
        counted.object_id,
        concat(counted.object, ':', counted.field) as field_id,
        cut_text(coalesce(nullif(trim(fields.label), ''), counted.field), 255) as label,
        fields.data_type,
        case fields.data_type
            when 'text' then json_text(counted.value)
            else counted.value
        end as value
    from counted
    inner join fields on counted.object = fields.object and counted.field = fields.field
    left semi join planned
        on counted.object = planned.object and counted.object_id = planned.object_id
    cross join config.mapping as mapping
    where mapping.custom_fields = 'create'
)

select * from final order by object, object_id, field_id
