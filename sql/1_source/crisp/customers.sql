-- grain: one row per people profile, as it was landed last
-- key: source_key
with

people as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'people_id TEXT PATH $.people_id, email TEXT PATH $.email,
             nickname TEXT PATH $.person.nickname, phone TEXT PATH $.person.phone,
             locale TEXT PATH $.person.locales[0], offset_minutes BIGINT PATH $.person.timezone,
             company_name TEXT PATH $.company.name, description TEXT PATH $.person.description,
             address TEXT PATH $.person.address, website TEXT PATH $.person.website,
             country TEXT PATH $.person.geolocation.country,
             city TEXT PATH $.person.geolocation.city, score BIGINT PATH $.score,
             segments JSON PATH $.segments, notepad TEXT PATH $.notepad,
             created_ms BIGINT PATH $.created_at, updated_ms BIGINT PATH $.updated_at'
        ) as document
    from landing.people
),

named as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        raw,

        document['is_valid'] as is_valid,
        nullif(trim(document['people_id']), '') as person_id,

        nullif(trim(document['nickname']), '') as name,
        email_address(document['email']) as email,
        nullif(trim(document['email']), '') as email_as_written,
        phone_number(document['phone']) as phone,
        nullif(trim(document['phone']), '') as phone_as_written,
        document['locale'] as locale,
        nullif(trim(document['company_name']), '') as company_name,
        nullif(trim(document['description']), '') as description,
        nullif(trim(document['address']), '') as address,
        nullif(trim(document['website']), '') as website,
        document['country'] as country,
        document['city'] as city,
        nullif(document['segments'], '[]') as segments,
        nullif(trim(document['notepad']), '') as notepad,

        -- Browsers count minutes west of Greenwich; everybody else counts east.
        -document['offset_minutes'] as utc_offset_min,
        document['score'] as score,

        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at
    from people
),

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        person_id,
        name,
        email,
        email_as_written,
        phone,
        phone_as_written,
        locale,
        company_name,
        description,
        address,
        website,
        country,
        city,
        segments,
        notepad,
        utc_offset_min,
        score,
        created_at,
        updated_at,
        case
            when not is_valid then 'not_an_object'
            when person_id is null then 'missing_id'
        end as quarantine_rule,
        case
            when not is_valid or person_id is null then cut_text(raw, 2000)
        end as offending
    from named
)

select * from final order by source_key
