-- grain: one row per event that a person left
-- key: source_key
with

people_events as (
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
            'name TEXT PATH $.text, data JSON PATH $.data, color TEXT PATH $.color,
             occurred_ms BIGINT PATH $.timestamp, shape SHAPE PATH $ MAPS $.data'
        ) as document
    from landing.people_events
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key as person_id,
        snapshot,
        fetched_at,
        nullif(trim(document['name']), '') as name,
        nullif(document['data'], '{}') as data,
        document['color'] as color,
        utc_of_ms(document['occurred_ms']) as occurred_at,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from people_events
)

select * from final order by source_key
