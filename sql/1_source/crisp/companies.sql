-- grain: one row per profile that names a company
-- key: source_key
-- Crisp has no companies of their own: each profile repeats what is known of one. Profiles of one
-- domain name one company, and without a domain those of one name do.
with

final as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        company_id,
        company_name as name,
        company_legal_name as legal_name,
        company_domain as domain,
        company_url as url,
        company_description as description,
        company_phones as phones,
        company_emails as emails,
        company_tags as tags,
        company_country as country,
        company_region as region,
        company_city as city,
        company_latitude as latitude,
        company_longitude as longitude,
        company_utc_offset_min as utc_offset_min,
        company_employees as employees,
        company_market_cap as market_cap,
        company_raised as raised,
        company_arr as arr
    from source.customers
    where quarantine_rule is null and company_id is not null
)

select * from final order by source_key
