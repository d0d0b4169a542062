-- grain: one row per user of the target
-- key: target_id
with

users as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, external_id TEXT PATH $.external_id, email TEXT PATH $.email,
             name TEXT PATH $.name, role TEXT PATH $.role.name'
        ) as document
    from landing.users
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        nullif(document['external_id'], '') as external_id,
        nullif(lower(trim(document['email'])), '') as email,
        document['name'] as name,
        document['role'] as role
    from users
)

select * from final order by target_id
