-- grain: one row per operator of the target
-- key: target_id
with

operators as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.details.user_id, email TEXT PATH $.details.email,
             first_name TEXT PATH $.details.first_name, last_name TEXT PATH $.details.last_name,
             role TEXT PATH $.details.role'
        ) as document
    from landing.operators
),

final as (
    select
        document['id'] as target_id,
        cast(null as varchar) as external_id,
        nullif(lower(trim(document['email'])), '') as email,
        nullif(one_line(concat_ws(' ', document['first_name'], document['last_name'])), '') as name,
        document['role'] as role
    from operators
    -- Who was invited has no id yet.
    where document['id'] is not null
)

select * from final order by target_id
