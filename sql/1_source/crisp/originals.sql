-- grain: one row per original e-mail of a message
-- key: source_key
with

originals as (
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
            'original_id TEXT PATH $.original_id, type TEXT PATH $.type,
             content TEXT PATH $.content,
             subject TEXT PATH $.headers.Subject | $.headers.subject,
             message_ref TEXT
                PATH $.headers.Message-ID | $.headers.Message-Id | $.headers.message-id,
             shape SHAPE PATH $ MAPS $.headers'
        ) as document
    from landing.originals
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key as message_id,
        snapshot,
        fetched_at,
        document['shape'] as shape,
        document['original_id'] as original_id,
        document['type'] as content_type,
        nullif(trim(document['subject']), '') as subject,
        nullif(trim(document['message_ref']), '') as message_ref,
        nullif(document['content'], '') as content,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from originals
)

select * from final order by source_key
