-- grain: one row per mail in quarantine, as the list shows it
-- key: source_key
with

spams as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'spam_id TEXT PATH $.spam_id, type TEXT PATH $.type, reason TEXT PATH $.reason,
             sender TEXT PATH $.metadata.from | $.headers.From | $.headers.from,
             subject TEXT PATH $.metadata.subject | $.headers.Subject | $.headers.subject,
             received_ms BIGINT PATH $.timestamp,
             shape SHAPE PATH $ MAPS $.metadata | $.headers'
        ) as document
    from landing.spams
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['spam_id'], '') as spam_id,
        document['type'] as type,
        document['reason'] as reason,
        nullif(trim(document['sender']), '') as sender,
        nullif(trim(document['subject']), '') as subject,
        utc_of_ms(document['received_ms']) as received_at,
        raw as definition,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['spam_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['spam_id'], '') = '' then cut_text(raw, 2000) end as offending
    from spams
)

select * from final order by source_key
