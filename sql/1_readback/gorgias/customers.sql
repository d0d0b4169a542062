-- grain: one row per customer of the target
-- key: target_id
with

customers as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, external_id TEXT PATH $.external_id, email TEXT PATH $.email,
             name TEXT PATH $.name, language TEXT PATH $.language, timezone TEXT PATH $.timezone,
             channels JSON PATH $.channels, custom_fields JSON PATH $.custom_fields,
             created TEXT PATH $.created_datetime'
        ) as document
    from landing.customers
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        nullif(document['external_id'], '') as external_id,
        nullif(lower(trim(document['email'])), '') as email,
        nullif(one_line(document['name']), '') as name,
        nullif(document['language'], '') as language,
        nullif(document['timezone'], '') as timezone,
        -- Lists leave them out, as far as anybody says.
        nullif(document['channels'], '[]') as channels,
        nullif(document['custom_fields'], '{}') as custom_fields,
        utc_of_text(document['created']) as created_at
    from customers
)

select * from final order by target_id
