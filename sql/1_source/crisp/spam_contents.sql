-- grain: one row per mail in quarantine with its text
-- key: source_key
with

spam_contents as (
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
            'spam_id TEXT PATH $.spam_id, type TEXT PATH $.type, reason TEXT PATH $.reason,
             content TEXT PATH $.content, received_ms BIGINT PATH $.timestamp,
             shape SHAPE PATH $ MAPS $.metadata | $.headers'
        ) as document
    from landing.spam_contents
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['spam_id'], '') as spam_id,
        document['type'] as type,
        document['reason'] as reason,
        nullif(document['content'], '') as content,
        utc_of_ms(document['received_ms']) as received_at,
        raw as definition,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from spam_contents
)

select * from final order by source_key
