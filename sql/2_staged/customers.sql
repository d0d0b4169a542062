-- grain: one row per customer
-- key: customer_id
-- Of the people who are one customer, those with an address speak first, then the one with the
-- smallest id. What a profile says is worth more than what a conversation noted, and a later
-- conversation more than an earlier one.
-- column platform: where it comes from
-- column customer_id: its id: the smallest actor_id of its people, or shared:anonymous
-- column source_id: the actor_id that speaks first
-- column snapshot: the newest snapshot that holds a landed record of it
-- column name: null where nobody gave one
--   [people $.person.nickname, conversations $.meta.nickname]
-- column email: trimmed, lower case [people $.email, conversations $.meta.email]
-- column phone: in E.164 [people $.person.phone, conversations $.meta.phone]
-- column phone_as_written: a number that cannot be read for certain, as it is written
-- column language: two letters [people $.person.locales, conversations $.meta.device.locales]
-- column utc_offset_min: minutes east of UTC [people $.person.timezone]
-- column company_name: the company of the profile [people $.company.name]
-- column segments: JSON list of texts [people $.segments]
-- column data: JSON; custom data [people_data $.data]
-- column other_fields: how many of picture, gender, description, address, website, accounts, place
--   and employment its profiles have; custom_field_values holds them
-- column notepad: the notes about these people, one to a line [people $.notepad]
-- column actors: profiles and conversations without one that are this customer
-- column is_anonymous: whether there is no e-mail address
-- column is_skipped: whether it is left out, because anonymous is skip
-- column created_at: when it was first known
--   [people $.created_at, conversations $.created_at]
-- column updated_at: when it changed last [people $.updated_at, conversations $.updated_at]
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

actors as (
    select
        platform,
        actor_id,
        customer_id,
        email,
        phone,
        is_anonymous,
        is_skipped
    from staged.actors
),

profiles as (
    select
        actor_id,
        snapshot,
        name,
        locale,
        utc_offset_min,
        company_name,
        segments,
        notepad,
        cast(avatar_url is not null as bigint)
        + cast(gender is not null as bigint)
        + cast(description is not null as bigint)
        + cast(address is not null as bigint)
        + cast(website is not null as bigint)
        + cast(profiles is not null as bigint)
        + cast(coalesce(country, region, city) is not null as bigint)
        + cast(coalesce(employer_name, job_title, job_role, job_seniority) is not null as bigint)
            as other_fields,
        created_at,
        updated_at
    from source.customers
    where quarantine_rule is null
),

profile_data as (
    select
        concat('person:', person_id) as actor_id,
        data
    from source.customer_data
    where quarantine_rule is null and data is not null
),

unread_phones as (
    select
        actor_id,
        first_value(written order by place desc, noted_at desc nulls last, source_id) as written
    from staged.phones
    where phone is null and rule <> 'not_a_phone_number'
    group by actor_id
),

conversations as (
    select
        actor_id,
        source_key,
        snapshot,
        person_name,
        person_locale,
        created_at,
        coalesce(updated_at, created_at) as touched_at
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
),

conversation_words as (
    select
        actor_id,
        max(snapshot) as snapshot,
        first_value(person_name order by touched_at desc, source_key)
            filter (where person_name is not null) as name,
        first_value(person_locale order by touched_at desc, source_key)
            filter (where person_locale is not null) as locale,
        min(created_at) as created_at,
        max(touched_at) as updated_at
    from conversations
    group by actor_id
),

told as (
    select
        actors.platform,
        actors.customer_id,
        concat(
            case when actors.email is null then '2 ' else '1 ' end, actors.actor_id
        ) as speaking_order,
        actors.actor_id,
        actors.email,
        actors.phone,
        unread_phones.written as phone_as_written,
        actors.is_anonymous,
        actors.is_skipped,
        coalesce(profiles.snapshot, conversation_words.snapshot) as snapshot,
        coalesce(profiles.name, conversation_words.name) as name,
        coalesce(profiles.locale, conversation_words.locale) as locale,
        profiles.utc_offset_min,
        profiles.company_name,
        profiles.segments,
        profiles.notepad,
        profiles.other_fields,
        profile_data.data,
        coalesce(profiles.created_at, conversation_words.created_at) as created_at,
        coalesce(profiles.updated_at, conversation_words.updated_at) as updated_at
    from actors
    left join profiles on actors.actor_id = profiles.actor_id
    left join profile_data on actors.actor_id = profile_data.actor_id
    left join unread_phones on actors.actor_id = unread_phones.actor_id
    left join conversation_words on actors.actor_id = conversation_words.actor_id
),

merged as (
    select
        customer_id,
        min(platform) as platform,
        first_value(actor_id order by speaking_order) as source_id,
        max(snapshot) as snapshot,
        min(email) as email,
        first_value(name order by speaking_order) filter (where name is not null) as name,
        first_value(phone order by speaking_order) filter (where phone is not null) as phone,
        first_value(phone_as_written order by speaking_order)
            filter (where phone_as_written is not null) as phone_as_written,
        first_value(locale order by speaking_order) filter (where locale is not null) as locale,
        first_value(utc_offset_min order by speaking_order)
            filter (where utc_offset_min is not null) as utc_offset_min,
        first_value(company_name order by speaking_order)
            filter (where company_name is not null) as company_name,
        first_value(segments order by speaking_order)
            filter (where segments is not null) as segments,
        first_value(data order by speaking_order) filter (where data is not null) as data,
        coalesce(sum(other_fields), 0) as other_fields,
        string_agg(notepad, chr(10) order by speaking_order) as notepad,
        bool_and(is_anonymous) as is_anonymous,
        bool_and(is_skipped) as is_skipped,
        count(*) as actors,
        min(created_at) as created_at,
        max(updated_at) as updated_at
    from told
    group by customer_id
),

final as (
    select
        platform,
        customer_id,
        source_id,
        snapshot,
        case when customer_id = 'shared:anonymous' then 'Anonymous visitors' else name end as name,
        email,
        case when customer_id <> 'shared:anonymous' then phone end as phone,
        case when customer_id <> 'shared:anonymous' then phone_as_written end as phone_as_written,
        lower(split_part(split_part(locale, '-', 1), '_', 1)) as language,
        utc_offset_min,
        company_name,
        segments,
        data,
        other_fields,
        notepad,
        actors,
        is_anonymous,
        is_skipped,
        created_at,
        updated_at
    from merged
)

select * from final order by customer_id
