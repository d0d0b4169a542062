-- grain: one row per person whose own data was landed
-- key: source_key
with

people_data as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'people_id TEXT PATH $.people_id, data JSON PATH $.data,
             shape SHAPE PATH $ MAPS $.data'
        ) as document
    from landing.people_data
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        document['shape'] as shape,
        coalesce(nullif(document['people_id'], ''), key) as person_id,
        nullif(document['data'], '{}') as data,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from people_data
)

select * from final order by source_key
