-- grain: one row per value of a custom field that the target showed
-- key: "table", target_id, field_target_id
-- column table: kind of record: customers or tickets
-- column target_id: id of the record in the target
-- column field_target_id: id of the custom field in the target
-- column value: the value as JSON
with

shown as (
    select
        "table",
        target_id,
        value
    from readback.unlisted_fields
    where field = 'custom_fields'
),

-- An object by the ids of the fields, or a list as the calls that set them answer.
entries as (
    select
        "table",
        target_id,
        unnest(json_entries(value)) as entry
    from shown
    where value like '{%'
),

items as (
    select
        "table",
        target_id,
        unnest(json_items(value)) as item
    from shown
    where value like '[%'
),

written as (
    select "table", target_id, entry['value'] as item
    from entries
    where entry['type'] = 'object'
    union all
    select "table", target_id, item
    from items
),

read_values as (
    select
        "table",
        target_id,
        json_row(item, 'id TEXT PATH $.id | $.field.id, value JSON PATH $.value') as document
    from written
),

final as (
    select
        "table",
        target_id,
        document['id'] as field_target_id,
        min(json_sorted(document['value'])) as value
    from read_values
    where document['id'] is not null and document['value'] is not null
    group by "table", target_id, document['id']
)

select * from final order by "table", target_id, field_target_id
