-- grain: one row per company
-- key: source_key
with

tag_lists as (
    select source_key, tags
    from source.tag_lists
    where stream = 'companies'
),

final as (
    select
        organisations.platform,
        organisations.stream,
        organisations.source_key,
        organisations.snapshot,
        organisations.company_id,
        organisations.name,
        cast(null as varchar) as legal_name,
        organisations.domain,
        organisations.url,
        cast(null as varchar) as description,
        organisations.phones,
        organisations.emails,
        tag_lists.tags,
        cast(null as varchar) as country,
        cast(null as varchar) as region,
        cast(null as varchar) as city,
        cast(null as double) as latitude,
        cast(null as double) as longitude,
        cast(null as bigint) as utc_offset_min,
        cast(null as bigint) as employees,
        cast(null as double) as market_cap,
        cast(null as double) as raised,
        cast(null as double) as arr
    from source.organisations
    left join tag_lists on organisations.source_key = tag_lists.source_key
    where organisations.quarantine_rule is null
)

select * from final order by source_key
