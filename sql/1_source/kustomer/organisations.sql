-- grain: one row per company, as it was landed last
-- key: source_key
with

companies as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name,
             domain TEXT PATH $.attributes.domains[0], domains JSON PATH $.attributes.domains,
             url TEXT PATH $.attributes.urls[0].url | $.attributes.urls[0],
             emails JSON PATH $.attributes.emails, phones JSON PATH $.attributes.phones,
             tags JSON PATH $.attributes.tags, external_id TEXT PATH $.attributes.externalId,
             custom JSON PATH $.attributes.custom,
             shape SHAPE PATH $ MAPS $.attributes.custom | $.relationships'
        ) as document
    from landing.companies
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['id'], '') as company_id,
        nullif(one_line(document['name']), '') as name,
        nullif(lower(trim(document['domain'])), '') as domain,
        nullif(document['domains'], '[]') as domains,
        nullif(trim(document['url']), '') as url,
        nullif(document['emails'], '[]') as emails,
        nullif(document['phones'], '[]') as phones,
        nullif(document['tags'], '[]') as tag_ids,
        nullif(document['external_id'], '') as external_id,
        nullif(document['custom'], '{}') as custom,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['id'], '') = '' then cut_text(raw, 2000) end as offending
    from companies
)

select * from final order by source_key
