-- grain: one row per customer
-- key: customer_id
with

actors as (
    select
        platform,
        actor_id,
        customer_id,
        email,
        is_anonymous,
        is_skipped
    from staged.actors
),

profiles as (
    select
        concat('person:', person_id) as actor_id,
        snapshot,
        name,
        phone,
        locale,
        utc_offset_min,
        company_name,
        description,
        address,
        website,
        segments,
        notepad,
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

conversations as (
    select
        case
            when person_id is null then concat('session:', ticket_id)
            else concat('person:', person_id)
        end as actor_id,
        ticket_id,
        snapshot,
        person_name,
        person_phone,
        person_locale,
        created_at,
        coalesce(updated_at, created_at) as touched_at
    from source.tickets
    where quarantine_rule is null
),

-- What a profile says is worth more than what a conversation noted, and a later conversation more
-- than an earlier one.
conversation_words as (
    select
        actor_id,
        first_value(snapshot order by touched_at desc, ticket_id) as snapshot,
        first_value(person_name order by touched_at desc, ticket_id)
            filter (where person_name is not null) as name,
        first_value(person_phone order by touched_at desc, ticket_id)
            filter (where person_phone is not null) as phone,
        first_value(person_locale order by touched_at desc, ticket_id)
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
        actors.actor_id,
        actors.email,
        actors.is_anonymous,
        actors.is_skipped,
        coalesce(profiles.snapshot, conversation_words.snapshot) as snapshot,
        coalesce(profiles.name, conversation_words.name) as name,
        coalesce(profiles.phone, conversation_words.phone) as phone,
        coalesce(profiles.locale, conversation_words.locale) as locale,
        profiles.utc_offset_min,
        profiles.company_name,
        profiles.description,
        profiles.address,
        profiles.website,
        profiles.segments,
        profiles.notepad,
        profile_data.data,
        coalesce(profiles.created_at, conversation_words.created_at) as created_at,
        coalesce(profiles.updated_at, conversation_words.updated_at) as updated_at
    from actors
    left join profiles on actors.actor_id = profiles.actor_id
    left join profile_data on actors.actor_id = profile_data.actor_id
    left join conversation_words on actors.actor_id = conversation_words.actor_id
),

-- Of the people who are one customer, the one with the smallest id speaks first.
merged as (
    select
        customer_id,
        min(platform) as platform,
        min(actor_id) as source_id,
        max(snapshot) as snapshot,
        min(email) as email,
        first_value(name order by actor_id) filter (where name is not null) as name,
        first_value(phone order by actor_id) filter (where phone is not null) as phone,
        first_value(locale order by actor_id) filter (where locale is not null) as locale,
        first_value(utc_offset_min order by actor_id)
            filter (where utc_offset_min is not null) as utc_offset_min,
        first_value(company_name order by actor_id)
            filter (where company_name is not null) as company_name,
        first_value(segments order by actor_id) filter (where segments is not null) as segments,
        first_value(data order by actor_id) filter (where data is not null) as data,
        count(description) + count(address) + count(website) as other_fields,
        string_agg(notepad, chr(10) order by actor_id) as notepad,
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
        case when customer_id = 'shared:anonymous' then null else phone end as phone,
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
