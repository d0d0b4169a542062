-- grain: one row per name that the workspace itself counts
-- key: stream, source_key
with

lists as (
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.people_stats
    union all
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.conversation_segments
    union all
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.conversation_data_keys
    union all
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.people_segments
    union all
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.people_data_keys
    union all
    select platform, stream, key, snapshot, fetched_at, raw
    from landing.people_event_names
),

entries as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'name TEXT PATH $.segment | $.key | $.text | $.event,
             counted BIGINT PATH $.count | $.total, shape SHAPE PATH $'
        ) as document
    from lists
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        case stream
            when 'people_stats' then 'people'
            when 'conversation_segments' then 'ticket_tag'
            when 'conversation_data_keys' then 'ticket_field'
            when 'people_segments' then 'customer_segment'
            when 'people_data_keys' then 'customer_field'
            else 'event'
        end as kind,
        document['name'] as name,
        document['counted'] as counted,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from entries
)

select * from final order by stream, source_key
