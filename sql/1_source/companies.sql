-- grain: one row per record that tells of a company
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column company_id: the company; records with one id tell of one company
-- column name: what it is called
-- column legal_name: its name in law
-- column domain: its domain, lower case
-- column url: its web site
-- column description: what it does
-- column phones: JSON list of telephone numbers as written
-- column emails: JSON list of e-mail addresses as written
-- column tags: JSON list of tags
-- column country: two letters
-- column region: as in the source
-- column city: as in the source
-- column latitude: degrees north
-- column longitude: degrees east
-- column utc_offset_min: minutes east of UTC
-- column employees: how many work there
-- column market_cap: market capitalization
-- column raised: capital raised
-- column arr: yearly recurring revenue
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as varchar) as company_id,
        cast(null as varchar) as name,
        cast(null as varchar) as legal_name,
        cast(null as varchar) as domain,
        cast(null as varchar) as url,
        cast(null as varchar) as description,
        cast(null as varchar) as phones,
        cast(null as varchar) as emails,
        cast(null as varchar) as tags,
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
    where false
)

select * from final order by source_key
