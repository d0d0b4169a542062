-- grain: one row per customer
-- key: source_key
-- The first address and the first number count; the others are kept beside them. What other
-- customers share is in source.field_values.
with

tag_lists as (
    select source_key, tags
    from source.tag_lists
    where stream = 'customers'
),

companies as (
    select company_id, name
    from source.organisations
    where quarantine_rule is null
),

listed_emails as (
    select
        source_key,
        email_address(email_as_written) as first_email,
        unnest(json_items(emails)) as item
    from source.profiles
    where emails is not null
),

read_emails as (
    select
        source_key,
        first_email,
        json_row(item, 'email TEXT PATH $.email') as document
    from listed_emails
),

other_emails as (
    select
        source_key,
        concat(
            '[',
            string_agg(
                distinct json_text(email_address(document['email'])),
                ',' order by json_text(email_address(document['email']))
            ),
            ']'
        ) as emails
    from read_emails
    where email_address(document['email']) <> coalesce(first_email, '')
    group by source_key
),

listed_phones as (
    select
        source_key,
        phone_as_written,
        unnest(json_items(phones)) as item
    from source.profiles
    where phones is not null
),

read_phones as (
    select
        source_key,
        phone_as_written,
        json_row(item, 'phone TEXT PATH $.phone') as document
    from listed_phones
),

other_phones as (
    select
        source_key,
        concat(
            '[',
            string_agg(
                distinct json_text(trim(document['phone'])),
                ',' order by json_text(trim(document['phone']))
            ),
            ']'
        ) as phones
    from read_phones
    where trim(document['phone']) <> coalesce(phone_as_written, '')
    group by source_key
),

final as (
    select
        profiles.platform,
        profiles.stream,
        profiles.source_key,
        profiles.snapshot,
        profiles.fetched_at,
        profiles.person_id,
        concat('person:', profiles.person_id) as actor_id,
        profiles.name,
        email_address(profiles.email_as_written) as email,
        profiles.email_as_written,
        other_emails.emails as other_emails,
        profiles.phone_as_written,
        other_phones.phones as other_phones,
        profiles.locale,
        profiles.avatar_url,
        profiles.gender,
        cast(null as varchar) as description,
        profiles.address,
        profiles.website,
        profiles.socials as profiles,
        profiles.country,
        profiles.region,
        profiles.city,
        cast(null as bigint) as utc_offset_min,
        tag_lists.tags as segments,
        cast(null as varchar) as notepad,
        cast(null as varchar) as employer_name,
        cast(null as varchar) as job_title,
        cast(null as varchar) as job_role,
        cast(null as varchar) as job_seniority,
        profiles.company_id,
        coalesce(companies.name, profiles.company_name) as company_name,
        profiles.created_at,
        profiles.updated_at,
        profiles.quarantine_rule,
        profiles.offending
    from source.profiles
    left join tag_lists on profiles.source_key = tag_lists.source_key
    left join companies on profiles.company_id = companies.company_id
    left join other_emails on profiles.source_key = other_emails.source_key
    left join other_phones on profiles.source_key = other_phones.source_key
)

select * from final order by source_key
