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
-- column avatar_url: address of a picture
--   [people $.person.avatar, conversations $.meta.avatar]
-- column gender: as in the source [people $.person.gender]
-- column description: free text [people $.person.description]
-- column address: postal address [people $.person.address, conversations $.meta.address]
-- column website: address of a page [people $.person.website]
-- column profiles: JSON; accounts elsewhere [people $.person.profiles]
-- column country: two letters
--   [people $.person.geolocation.country, conversations $.meta.device.geolocation.country]
-- column region: as in the source [people $.person.geolocation.region]
-- column city: as in the source [people $.person.geolocation.city]
-- column employer_name: who they work for [people $.person.employment.name]
-- column job_title: as in the source [people $.person.employment.title]
-- column job_role: as in the source [people $.person.employment.role]
-- column job_seniority: as in the source [people $.person.employment.seniority]
-- column company_name: the company of the profile [people $.company.name]
-- column company_domain: lower case [people $.company.domain]
-- column segments: JSON list of texts [people $.segments]
-- column data: JSON; custom data [people_data $.data]
-- column score: as in the source, 1 to 5 [people $.score]
-- column other_fields: how many fields of the profiles the columns from avatar_url to job_seniority
--   hold, counted for each profile
-- column notepad: the notes about these people, one to a line [people $.notepad]
-- column actors: profiles and conversations without one that are this customer
-- column is_anonymous: whether there is no e-mail address
-- column is_skipped: whether it is left out, because anonymous is skip
-- column active_at: when it was seen last [people $.active.last]
-- column created_at: when it was first known
--   [people $.created_at, conversations $.created_at]
-- column updated_at: when it changed last [people $.updated_at, conversations $.updated_at]
with

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
        avatar_url,
        gender,
        description,
        address,
        website,
        profiles,
        country,
        region,
        city,
        employer_name,
        job_title,
        job_role,
        job_seniority,
        company_name,
        company_domain,
        segments,
        notepad,
        score,
        active_at,
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
        person_avatar_url,
        person_address,
        device_country,
        created_at,
        coalesce(updated_at, created_at) as touched_at
    from source.tickets
    where quarantine_rule is null
),

conversation_words as (
    select
        actor_id,
        max(snapshot) as snapshot,
        first_value(person_name order by touched_at desc, source_key)
            filter (where person_name is not null) as name,
        first_value(person_locale order by touched_at desc, source_key)
            filter (where person_locale is not null) as locale,
        first_value(person_avatar_url order by touched_at desc, source_key)
            filter (where person_avatar_url is not null) as avatar_url,
        first_value(person_address order by touched_at desc, source_key)
            filter (where person_address is not null) as address,
        first_value(device_country order by touched_at desc, source_key)
            filter (where device_country is not null) as country,
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
        coalesce(profiles.avatar_url, conversation_words.avatar_url) as avatar_url,
        profiles.gender,
        profiles.description,
        coalesce(profiles.address, conversation_words.address) as address,
        profiles.website,
        profiles.profiles,
        coalesce(profiles.country, conversation_words.country) as country,
        profiles.region,
        profiles.city,
        profiles.employer_name,
        profiles.job_title,
        profiles.job_role,
        profiles.job_seniority,
        profiles.company_name,
        profiles.company_domain,
        profiles.segments,
        profiles.notepad,
        profiles.score,
        profile_data.data,
        profiles.active_at,
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
        first_value(avatar_url order by speaking_order)
            filter (where avatar_url is not null) as avatar_url,
        first_value(gender order by speaking_order) filter (where gender is not null) as gender,
        first_value(description order by speaking_order)
            filter (where description is not null) as description,
        first_value(address order by speaking_order) filter (where address is not null) as address,
        first_value(website order by speaking_order) filter (where website is not null) as website,
        first_value(profiles order by speaking_order)
            filter (where profiles is not null) as profiles,
        first_value(country order by speaking_order) filter (where country is not null) as country,
        first_value(region order by speaking_order) filter (where region is not null) as region,
        first_value(city order by speaking_order) filter (where city is not null) as city,
        first_value(employer_name order by speaking_order)
            filter (where employer_name is not null) as employer_name,
        first_value(job_title order by speaking_order)
            filter (where job_title is not null) as job_title,
        first_value(job_role order by speaking_order)
            filter (where job_role is not null) as job_role,
        first_value(job_seniority order by speaking_order)
            filter (where job_seniority is not null) as job_seniority,
        first_value(company_name order by speaking_order)
            filter (where company_name is not null) as company_name,
        first_value(company_domain order by speaking_order)
            filter (where company_domain is not null) as company_domain,
        first_value(segments order by speaking_order)
            filter (where segments is not null) as segments,
        first_value(data order by speaking_order) filter (where data is not null) as data,
        first_value(score order by speaking_order) filter (where score is not null) as score,
        count(avatar_url)
        + count(gender)
        + count(description)
        + count(address)
        + count(website)
        + count(profiles)
        + count(coalesce(country, region, city))
        + count(coalesce(employer_name, job_title, job_role, job_seniority)) as other_fields,
        string_agg(notepad, chr(10) order by speaking_order) as notepad,
        bool_and(is_anonymous) as is_anonymous,
        bool_and(is_skipped) as is_skipped,
        count(*) as actors,
        max(active_at) as active_at,
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
        avatar_url,
        gender,
        description,
        address,
        website,
        profiles,
        country,
        region,
        city,
        employer_name,
        job_title,
        job_role,
        job_seniority,
        company_name,
        company_domain,
        segments,
        data,
        score,
        other_fields,
        notepad,
        actors,
        is_anonymous,
        is_skipped,
        active_at,
        created_at,
        updated_at
    from merged
)

select * from final order by customer_id
