-- grain: one row per profile of the target
-- key: target_id
-- Our id is in the data of a profile, which takes a call for each and is not read.
with

people as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.people_id, email TEXT PATH $.email,
             nickname TEXT PATH $.person.nickname, locale TEXT PATH $.person.locales[0],
             created_ms BIGINT PATH $.created_at'
        ) as document
    from landing.people
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        cast(null as varchar) as external_id,
        nullif(lower(trim(document['email'])), '') as email,
        nullif(one_line(document['nickname']), '') as name,
        nullif(document['locale'], '') as language,
        cast(null as varchar) as timezone,
        utc_of_ms(document['created_ms']) as created_at
    from people
)

select * from final order by target_id
