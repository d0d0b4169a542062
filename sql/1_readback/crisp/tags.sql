-- grain: one row per segment that a conversation of the target has
-- key: target_id
with

segments as (
    select unnest(json_items(tags)) as segment
    from readback.tickets
    where tags is not null
),

named as (
    select json_row(segment, 'name TEXT PATH $.name') as document
    from segments
),

final as (
    select distinct
        document['name'] as target_id,
        document['name'] as name
    from named
)

select * from final order by target_id
