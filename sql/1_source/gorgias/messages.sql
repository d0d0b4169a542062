-- grain: one row per message of the target
-- key: target_id
with

messages as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, number BIGINT PATH $.id, ticket_id TEXT PATH $.ticket_id,
             external_id TEXT PATH $.external_id, channel TEXT PATH $.channel,
             public BOOL PATH $.public, from_agent BOOL PATH $.from_agent,
             sender_id TEXT PATH $.sender.id, body_text TEXT PATH $.body_text,
             attachments JSON PATH $.attachments, sent TEXT PATH $.sent_datetime,
             created TEXT PATH $.created_datetime, failed TEXT PATH $.failed_datetime'
        ) as document
    from landing.messages
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        document['number'] as number,
        document['ticket_id'] as ticket_target_id,
        nullif(document['external_id'], '') as external_id,
        document['channel'] as channel,
        document['public'] as public,
        document['from_agent'] as from_agent,
        document['sender_id'] as sender_target_id,
        document['body_text'] as body_text,
        nullif(document['attachments'], '[]') as attachments,
        utc_of_text(document['sent']) as sent_at,
        utc_of_text(document['created']) as created_at,
        document['failed'] is not null as has_failed
    from messages
)

select * from final order by target_id
