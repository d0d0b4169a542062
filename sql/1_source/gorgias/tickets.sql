-- grain: one row per ticket of the target
-- key: target_id
with

tickets as (
    select
        key,
        json_row(
            raw,
            'id TEXT PATH $.id, external_id TEXT PATH $.external_id, subject TEXT PATH $.subject,
             status TEXT PATH $.status, channel TEXT PATH $.channel,
             customer_id TEXT PATH $.customer.id | $.requester.id,
             assignee_id TEXT PATH $.assignee_user_id | $.assignee_user.id,
             tags JSON PATH $.tags, spam BOOL PATH $.spam, created TEXT PATH $.created_datetime,
             trashed TEXT PATH $.trashed_datetime'
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
        document['customer_id'] as customer_target_id,
        document['assignee_id'] as assignee_target_id,
        document['tags'] as tags,
        coalesce(document['spam'], false) as is_spam,
        document['trashed'] is not null as is_trashed,
        utc_of_text(document['created']) as created_at
    from tickets
)

select * from final order by target_id
