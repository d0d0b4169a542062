-- grain: one row per original e-mail of a message
-- key: source_key
-- Names of headers are compared without regard to capitals, as mail does.
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
             content TEXT PATH $.content, headers JSON PATH $.headers,
             conversation_id TEXT PATH $.session_id, written_ms BIGINT PATH $.timestamp,
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
        cast(null as varchar) as url,
        document['conversation_id'] as conversation_id,
        document['type'] as content_type,
        mail_header(document['headers'], 'subject') as subject,
        mail_header(document['headers'], 'message-id') as message_ref,
        mail_header(document['headers'], 'from') as from_address,
        mail_header(document['headers'], 'to') as to_address,
        mail_header(document['headers'], 'cc') as cc_address,
        mail_header(document['headers'], 'date') as date_as_written,
        mail_header(document['headers'], 'in-reply-to') as in_reply_to_ref,
        mail_header(document['headers'], 'references') as thread_refs,
        nullif(document['headers'], '{}') as headers,
        nullif(document['content'], '') as content,
        utc_of_ms(document['written_ms']) as written_at,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from originals
)

select * from final order by source_key
