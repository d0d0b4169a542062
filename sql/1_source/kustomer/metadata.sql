-- grain: one row per kind of record that has custom attributes
-- key: source_key
-- The key is the kind. Its attributes are a map by their names.
with

metadata as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'properties JSON PATH $.attributes.properties,
             shape SHAPE PATH $ MAPS $.attributes.properties'
        ) as document
    from landing.metadata
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['properties'], '{}') as properties,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from metadata
)

select * from final order by source_key
