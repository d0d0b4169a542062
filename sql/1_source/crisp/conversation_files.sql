-- grain: one row per file that a conversation lists
-- key: source_key
-- A second witness of what messages say: its key is the key of the message that holds the file.
with

conversation_files as (
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
            'name TEXT PATH $.name, content_type TEXT PATH $.type, url TEXT PATH $.url,
             fingerprint TEXT PATH $.fingerprint, sent_ms BIGINT PATH $.timestamp,
             shape SHAPE PATH $'
        ) as document
    from landing.conversation_files
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['content_type']), '') as content_type,
        nullif(trim(document['url']), '') as url,
        nullif(document['fingerprint'], '') as fingerprint,
        utc_of_ms(document['sent_ms']) as sent_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['fingerprint'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['fingerprint'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from conversation_files
)

select * from final order by source_key
