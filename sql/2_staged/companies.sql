-- grain: one row per company
-- key: company_id
-- A source may have companies of their own, or repeat in each profile what is known of one. Where
-- records of one company differ, the one with the smallest key speaks first.
-- column platform: where it comes from
-- column company_id: its id, or `domain:` with the domain, or `name:` with the name in lower case
-- column source_id: key of the landed record that speaks first
-- column snapshot: the newest snapshot that holds one of its records
-- column name: what it is called; its domain when nobody says [people $.company.name]
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

records as (
    select
        platform,
        source_key,
        snapshot,
        company_id,
        name,
        legal_name,
        domain,
        url,
        description,
        phones,
        emails,
        tags,
        country,
        region,
        city,
        latitude,
        longitude,
        utc_offset_min,
        employees,
        market_cap,
        raised,
        arr
    from source.companies
),

profiles as (
    select company_id, count(*) as profiles
    from source.customers
    where quarantine_rule is null and company_id is not null
    group by company_id
),

described as (
    select
        min(platform) as platform,
        company_id,
        min(source_key) as source_id,
        max(snapshot) as snapshot,
        coalesce(
            first_value(name order by source_key) filter (where name is not null),
            min(domain)
        ) as name,
        first_value(legal_name order by source_key)
            filter (where legal_name is not null) as legal_name,
        min(domain) as domain,
        first_value(url order by source_key)
            filter (where url is not null) as url,
        first_value(description order by source_key)
            filter (where description is not null) as description,
        first_value(phones order by source_key)
            filter (where phones is not null) as phones,
        first_value(emails order by source_key)
            filter (where emails is not null) as emails,
        first_value(tags order by source_key)
            filter (where tags is not null) as tags,
        first_value(country order by source_key)
            filter (where country is not null) as country,
        first_value(region order by source_key)
            filter (where region is not null) as region,
        first_value(city order by source_key)
            filter (where city is not null) as city,
        first_value(latitude order by source_key)
            filter (where latitude is not null) as latitude,
        first_value(longitude order by source_key)
            filter (where longitude is not null) as longitude,
        first_value(utc_offset_min order by source_key)
            filter (where utc_offset_min is not null) as utc_offset_min,
        first_value(employees order by source_key)
            filter (where employees is not null) as employees,
        first_value(market_cap order by source_key)
            filter (where market_cap is not null) as market_cap,
        first_value(raised order by source_key)
            filter (where raised is not null) as raised,
        first_value(arr order by source_key)
            filter (where arr is not null) as arr
    from records
    group by company_id
),

final as (
    select
        described.platform,
        described.company_id,
        described.source_id,
        described.snapshot,
        described.name,
        described.legal_name,
        described.domain,
        described.url,
        described.description,
        described.phones,
        described.emails,
        described.tags,
        described.country,
        described.region,
        described.city,
        described.latitude,
        described.longitude,
        described.utc_offset_min,
        described.employees,
        described.market_cap,
        described.raised,
        described.arr,
        coalesce(profiles.profiles, 0) as profiles
    from described
    left join profiles on described.company_id = profiles.company_id
)

select * from final order by company_id
