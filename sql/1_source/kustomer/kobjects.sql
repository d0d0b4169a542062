-- grain: one row per object of a custom class, as it was landed last
-- key: source_key
-- parent_key is the key of its class.
with

kobjects as (
    select
        platform,
        stream,
        key,
        parent_key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, external_id TEXT PATH $.attributes.externalId,
             title TEXT PATH $.attributes.title, description TEXT PATH $.attributes.description,
             customer_id TEXT PATH $.relationships.customer.data.id,
             custom JSON PATH $.attributes.custom, created TEXT PATH $.attributes.createdAt,
             updated TEXT PATH $.attributes.updatedAt, shape SHAPE PATH $ MAPS $.attributes.custom'
        ) as document
    from landing.kobjects
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['id'], '') as kobject_id,
        parent_key as klass_key,
        nullif(trim(document['external_id']), '') as external_id,
        nullif(trim(document['title']), '') as title,
        nullif(trim(document['description']), '') as description,
        document['customer_id'] as customer_id,
        nullif(document['custom'], '{}') as custom,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        raw as definition,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['id'], '') = '' then cut_text(raw, 2000) end as offending
    from kobjects
)

select * from final order by source_key
