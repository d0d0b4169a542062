-- grain: one row per conversation
-- key: source_key
-- A conversation that is snoozed waits; one that is done is over.
with

tag_lists as (
    select source_key, tags
    from source.tag_lists
    where stream = 'conversations'
),

correspondents as (
    select
        conversation_id,
        email,
        participants
    from source.correspondents
),

final as (
    select
        conversations.platform,
        conversations.stream,
        conversations.source_key,
        conversations.snapshot,
        conversations.fetched_at,
        conversations.conversation_id as ticket_id,
        conversations.person_id,
        case
            when conversations.person_id is not null
                then concat('person:', conversations.person_id)
            else concat('session:', conversations.conversation_id)
        end as actor_id,
        conversations.assignee_id,
        conversations.queue_id as inbox_id,
        case conversations.status
            when 'open' then 'unresolved'
            when 'snoozed' then 'pending'
            when 'done' then 'resolved'
            else conversations.status
        end as state,
        conversations.subject,
        cast(null as varchar) as topic,
        conversations.channel as origin,
        tag_lists.tags,
        conversations.custom as data,
        correspondents.participants,
        cast(null as varchar) as person_name,
        correspondents.email as person_email,
        correspondents.email as person_email_as_written,
        cast(null as varchar) as person_phone_as_written,
        conversations.locale as person_locale,
        cast(null as varchar) as device_country,
        conversations.is_spam as is_blocked,
        false as is_verified,
        conversations.created_at,
        conversations.updated_at,
        case
            when
                conversations.status = 'open'
                and conversations.last_in_at
                > coalesce(conversations.last_out_at, timestamp '1970-01-01T00:00:00Z')
                then conversations.last_in_at
        end as waiting_since_at,
        conversations.quarantine_rule,
        conversations.offending
    from source.conversations
    left join tag_lists on conversations.source_key = tag_lists.source_key
    left join correspondents on conversations.conversation_id = correspondents.conversation_id
)

select * from final order by source_key
