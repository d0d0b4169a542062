-- grain: one row per place where a telephone number of a person is written
-- key: source_id, written
-- A number in international form is read as it stands. A number as it is dialled at home needs the
-- country: that of the profile, else that of the conversation. What cannot be read for certain
-- keeps its spelling and joins nobody.
-- column platform: where it comes from
-- column source_id: the landed record that names it, as <stream>/<key>
-- column actor_id: the profile or conversation it belongs to, as in actors
-- column place: profile, other_of_profile (a further number of it) or conversation
-- column noted_at: when that record was changed last
-- column written: the number as it is written
--   [people $.person.phone, conversations $.meta.phone]
-- column country: the country under which it was read, two letters; null where none is known
--   [people $.person.geolocation.country, conversations $.meta.device.geolocation.country]
-- column phone: the number in E.164; null where it cannot be read for certain
-- column rule: international, national_of_profile or national_of_conversation (by that country),
--   country_unknown, not_of_that_country, not_a_phone_number
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

profiles as (
    select
        platform,
        stream,
        source_key,
        actor_id,
        phone_as_written,
        other_phones,
        country,
        coalesce(updated_at, created_at) as noted_at
    from source.customers
    where quarantine_rule is null
),

conversations as (
    select
        platform,
        stream,
        source_key,
        actor_id,
        person_phone_as_written as phone_as_written,
        device_country as country,
        coalesce(updated_at, created_at) as noted_at
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
),

profile_countries as (
    select
        actor_id,
        min(country) as country
    from profiles
    where country is not null
    group by actor_id
),

conversation_countries as (
    select
        actor_id,
        first_value(country order by noted_at desc, source_key) as country
    from conversations
    where country is not null
    group by actor_id
),

further_phones as (
    select
        platform,
        stream,
        source_key,
        actor_id,
        noted_at,
        phone_as_written,
        unnest(json_texts(other_phones)) as phone
    from profiles
    where other_phones is not null
),

written as (
    select
        platform,
        concat(stream, '/', source_key) as source_id,
        actor_id,
        'profile' as place,
        noted_at,
        phone_as_written as written,
        cast(null as varchar) as own_country
    from profiles
    where phone_as_written is not null
    union all
    select distinct
        platform,
        concat(stream, '/', source_key) as source_id,
        actor_id,
        'other_of_profile' as place,
        noted_at,
        phone as written,
        null as own_country
    from further_phones
    where phone <> coalesce(phone_as_written, '')
    union all
    select
        platform,
        concat(stream, '/', source_key) as source_id,
        actor_id,
        'conversation' as place,
        noted_at,
        phone_as_written as written,
        country as own_country
    from conversations
    where phone_as_written is not null
),

located as (
    select
        written.platform,
        written.source_id,
        written.actor_id,
        written.place,
        written.noted_at,
        written.written,
        profile_countries.country is not null as is_of_profile,
        coalesce(
            profile_countries.country,
            written.own_country,
            conversation_countries.country
        ) as country,
        phone_number(written.written, null) as international
    from written
    left join profile_countries on written.actor_id = profile_countries.actor_id
    left join conversation_countries on written.actor_id = conversation_countries.actor_id
),

numbered as (
    select
        platform,
        source_id,
        actor_id,
        place,
        noted_at,
        written,
        is_of_profile,
        country,
        international,
        coalesce(international, phone_number(written, country)) as phone,
        regexp_like(written, '^[0-9 ./()\u{a0}-]+$')
        and char_length(regexp_replace(written, '[^0-9]', '', 'g')) between 6 and 15 as is_dialled
    from located
),

final as (
    select
        platform,
        source_id,
        actor_id,
        place,
        noted_at,
        written,
        country,
        phone,
        case
            when international is not null then 'international'
            when phone is not null and is_of_profile then 'national_of_profile'
            when phone is not null then 'national_of_conversation'
            when not is_dialled or written like '00%' then 'not_a_phone_number'
            when country is null then 'country_unknown'
            else 'not_of_that_country'
        end as rule
    from numbered
)

select * from final order by source_id, written
