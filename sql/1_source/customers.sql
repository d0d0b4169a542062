-- grain: one row per profile of a person, as it was landed last
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column fetched_at: when it was received, UTC
-- column person_id: its id
-- column actor_id: `person:` and that id
-- column name: what the person is called
-- column email: the first e-mail address, lower case; null where it is none
-- column email_as_written: the same as it is written
-- column other_emails: JSON list of further addresses, lower case
-- column phone_as_written: the first telephone number
-- column other_phones: JSON list of further numbers
-- column locale: a language, such as en or en-GB
-- column avatar_url: address of a picture
-- column gender: as in the source
-- column description: words about the person
-- column address: postal address on one line
-- column website: a web site
-- column profiles: JSON list of accounts elsewhere
-- column country: two letters
-- column region: as in the source
-- column city: as in the source
-- column utc_offset_min: minutes east of UTC
-- column segments: JSON list of words that sort the person
-- column notepad: a note about the person
-- column employer_name: where the person works, in words of the profile
-- column job_title: what the person is there
-- column job_role: the same as a role
-- column job_seniority: the same as a rank
-- column company_id: the company, as in source.companies
-- column company_name: what that is called
-- column created_at: when it was made, UTC
-- column updated_at: when it changed last, UTC
-- column quarantine_rule: why it cannot be understood; null for one that can
-- column offending: the beginning of its raw text, at most 2000 characters; null where it is
--   understood
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as timestamp) as fetched_at,
        cast(null as varchar) as person_id,
        cast(null as varchar) as actor_id,
        cast(null as varchar) as name,
        cast(null as varchar) as email,
        cast(null as varchar) as email_as_written,
        cast(null as varchar) as other_emails,
        cast(null as varchar) as phone_as_written,
        cast(null as varchar) as other_phones,
        cast(null as varchar) as locale,
        cast(null as varchar) as avatar_url,
        cast(null as varchar) as gender,
        cast(null as varchar) as description,
        cast(null as varchar) as address,
        cast(null as varchar) as website,
        cast(null as varchar) as profiles,
        cast(null as varchar) as country,
        cast(null as varchar) as region,
        cast(null as varchar) as city,
        cast(null as bigint) as utc_offset_min,
        cast(null as varchar) as segments,
        cast(null as varchar) as notepad,
        cast(null as varchar) as employer_name,
        cast(null as varchar) as job_title,
        cast(null as varchar) as job_role,
        cast(null as varchar) as job_seniority,
        cast(null as varchar) as company_id,
        cast(null as varchar) as company_name,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as varchar) as quarantine_rule,
        cast(null as varchar) as offending
    where false
)

select * from final order by source_key
