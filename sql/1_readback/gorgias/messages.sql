-- grain: one row per message of the target
-- key: target_id
with

messages as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, number BIGINT PATH $.id, ticket_id TEXT PATH $.ticket_id,
             external_id TEXT PATH $.external_id, channel TEXT PATH $.channel, via TEXT PATH $.via,
             public BOOL PATH $.public, from_agent BOOL PATH $.from_agent,
             sender_id TEXT PATH $.sender.id, receiver_id TEXT PATH $.receiver.id,
             source_type TEXT PATH $.source.type, from_name TEXT PATH $.source.from.name,
             from_address TEXT PATH $.source.from.address, source_to JSON PATH $.source.to,
             subject TEXT PATH $.subject, body_text TEXT PATH $.body_text,
             body_html TEXT PATH $.body_html, message_ref TEXT PATH $.message_id,
             attachments JSON PATH $.attachments, meta JSON PATH $.meta,
             intents JSON PATH $.intents, sent TEXT PATH $.sent_datetime,
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
        document['via'] as via,
        document['public'] as public,
        document['from_agent'] as from_agent,
        document['sender_id'] as sender_target_id,
        document['receiver_id'] as receiver_target_id,
        document['source_type'] as source_type,
        nullif(document['from_name'], '') as source_from_name,
        nullif(document['from_address'], '') as source_from_address,
        nullif(json_sorted(document['source_to']), '[]') as source_to,
        nullif(document['subject'], '') as subject,
        document['body_text'] as body_text,
        nullif(document['body_html'], '') as body_html,
        nullif(document['message_ref'], '') as message_ref,
        nullif(document['attachments'], '[]') as attachments,
        nullif(json_sorted(document['meta']), '{}') as meta,
        coalesce(document['intents'], '[]') <> '[]' as has_intents,
        utc_of_text(document['sent']) as sent_at,
        utc_of_text(document['created']) as created_at,
        document['failed'] is not null as has_failed
    from messages
)

select * from final order by target_id
