-- grain: one row per ticket of the target
-- key: target_id
with

tickets as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, external_id TEXT PATH $.external_id, subject TEXT PATH $.subject,
             status TEXT PATH $.status, channel TEXT PATH $.channel, via TEXT PATH $.via,
             from_agent BOOL PATH $.from_agent,
             customer_id TEXT PATH $.customer.id | $.requester.id,
             assignee_id TEXT PATH $.assignee_user_id | $.assignee_user.id,
             tags JSON PATH $.tags, spam BOOL PATH $.spam, language TEXT PATH $.language,
             messages BIGINT PATH $.messages_count, created TEXT PATH $.created_datetime,
             updated TEXT PATH $.updated_datetime, opened TEXT PATH $.opened_datetime,
             closed TEXT PATH $.closed_datetime, last_message TEXT PATH $.last_message_datetime,
             last_received TEXT PATH $.last_received_message_datetime,
             trashed TEXT PATH $.trashed_datetime, meta JSON PATH $.meta,
             custom_fields JSON PATH $.custom_fields'
        ) as document
    from landing.tickets
),

final as (
    select
        coalesce(document['id'], key) as target_id,
        nullif(document['external_id'], '') as external_id,
        document['subject'] as subject,
        document['status'] as status,
        document['channel'] as channel,
        document['via'] as via,
        document['from_agent'] as from_agent,
        document['customer_id'] as customer_target_id,
        document['assignee_id'] as assignee_target_id,
        document['tags'] as tags,
        coalesce(document['spam'], false) as is_spam,
        document['trashed'] is not null as is_trashed,
        nullif(document['language'], '') as language,
        document['messages'] as messages,
        -- Lists leave them out, as far as anybody says.
        nullif(json_sorted(document['meta']), '{}') as meta,
        nullif(document['custom_fields'], '{}') as custom_fields,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        utc_of_text(document['opened']) as opened_at,
        utc_of_text(document['closed']) as closed_at,
        utc_of_text(document['last_message']) as last_message_at,
        utc_of_text(document['last_received']) as last_received_message_at
    from tickets
)

select * from final order by target_id
