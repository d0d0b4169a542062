-- grain: one row per attachment that a conversation lists, as it was landed last
-- key: source_key
-- One that is kept outside may have no address.
with

attachments as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name,
             content_type TEXT PATH $.attributes.contentType,
             bytes BIGINT PATH $.attributes.contentLength, url TEXT PATH $.links.related,
             message_id TEXT PATH $.relationships.message.data.id,
             created TEXT PATH $.attributes.createdAt, shape SHAPE PATH $'
        ) as document
    from landing.attachments
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(trim(document['message_id']), '') as message_id,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['content_type']), '') as content_type,
        document['bytes'] as bytes,
        nullif(trim(document['url']), '') as url,
        utc_of_text(document['created']) as created_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(trim(document['message_id']), '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(trim(document['message_id']), '') = ''
                then cut_text(raw, 2000)
        end as offending
    from attachments
)

select * from final order by source_key
