-- grain: one row per company that profiles name
-- key: company_id
-- The source has no companies of their own: each profile repeats what is known of one. Profiles of
-- one domain name one company, and without a domain those of one name do. Where they differ, the
-- profile with the smallest key speaks first.
-- column platform: where it comes from
-- column company_id: `domain:` with the domain, or `name:` with the name in lower case
-- column source_id: key of the landed profile that speaks first
-- column snapshot: the newest snapshot that holds one of its profiles
-- column name: what it is called; its domain when no profile says [people $.company.name]
-- column legal_name: its name in law, null where nobody says [people $.company.legal_name]
-- column domain: its domain, lower case, null where nobody says [people $.company.domain]
-- column url: its web site, null where nobody says [people $.company.url]
-- column description: what it does, null where nobody says [people $.company.description]
-- column phones: JSON, its telephone numbers as written [people $.company.phones]
-- column emails: JSON, its e-mail addresses as written [people $.company.emails]
-- column tags: JSON, its tags [people $.company.tags]
-- column country: two letters [people $.company.geolocation.country]
-- column region: as in the source [people $.company.geolocation.region]
-- column city: as in the source [people $.company.geolocation.city]
-- column latitude: degrees north [people $.company.geolocation.coordinates.latitude]
-- column longitude: degrees east [people $.company.geolocation.coordinates.longitude]
-- column utc_offset_min: minutes east of UTC [people $.company.timezone]
-- column employees: how many work there [people $.company.metrics.employees]
-- column market_cap: market capitalization, currency unknown [people $.company.metrics.market_cap]
-- column raised: capital raised, currency unknown [people $.company.metrics.raised]
-- column arr: yearly recurring revenue, currency unknown [people $.company.metrics.arr]
-- column profiles: how many profiles name it
with

profiles as (
    select
        platform,
        source_key,
        snapshot,
        case
            when company_domain is not null then concat('domain:', company_domain)
            else concat('name:', lower(one_line(company_name)))
        end as company_id,
        company_name,
        company_legal_name,
        company_domain,
        company_url,
        company_description,
        company_phones,
        company_emails,
        company_tags,
        company_country,
        company_region,
        company_city,
        company_latitude,
        company_longitude,
        company_utc_offset_min,
        company_employees,
        company_market_cap,
        company_raised,
        company_arr
    from source.customers
    where quarantine_rule is null
        and (company_domain is not null or company_name is not null)
),

final as (
    select
        min(platform) as platform,
        company_id,
        min(source_key) as source_id,
        max(snapshot) as snapshot,
        coalesce(
            first_value(company_name order by source_key) filter (where company_name is not null),
            min(company_domain)
        ) as name,
        first_value(company_legal_name order by source_key)
            filter (where company_legal_name is not null) as legal_name,
        min(company_domain) as domain,
        first_value(company_url order by source_key)
            filter (where company_url is not null) as url,
        first_value(company_description order by source_key)
            filter (where company_description is not null) as description,
        first_value(company_phones order by source_key)
            filter (where company_phones is not null) as phones,
        first_value(company_emails order by source_key)
            filter (where company_emails is not null) as emails,
        first_value(company_tags order by source_key)
            filter (where company_tags is not null) as tags,
        first_value(company_country order by source_key)
            filter (where company_country is not null) as country,
        first_value(company_region order by source_key)
            filter (where company_region is not null) as region,
        first_value(company_city order by source_key)
            filter (where company_city is not null) as city,
        first_value(company_latitude order by source_key)
            filter (where company_latitude is not null) as latitude,
        first_value(company_longitude order by source_key)
            filter (where company_longitude is not null) as longitude,
        first_value(company_utc_offset_min order by source_key)
            filter (where company_utc_offset_min is not null) as utc_offset_min,
        first_value(company_employees order by source_key)
            filter (where company_employees is not null) as employees,
        first_value(company_market_cap order by source_key)
            filter (where company_market_cap is not null) as market_cap,
        first_value(company_raised order by source_key)
            filter (where company_raised is not null) as raised,
        first_value(company_arr order by source_key)
            filter (where company_arr is not null) as arr,
        count(*) as profiles
    from profiles
    group by company_id
)

select * from final order by company_id
