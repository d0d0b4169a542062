-- grain: one row per tag of the target
-- key: target_id
with

tags as (
    select
        key,
        json_row(raw, 'id TEXT PATH $.id, name TEXT PATH $.name') as document
    from landing.tags
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        document['name'] as name
    from tags
)

select * from final order by target_id
