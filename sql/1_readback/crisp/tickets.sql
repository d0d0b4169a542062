-- grain: one row per conversation of the target
-- key: target_id
-- When it began at the source is read from its data; the target has times of its own. A note about
-- an edit is newer than what it shows, and no news of the conversation.
with

conversations as (
    select
        target_id,
        external_id,
        customer_target_id,
        state,
        assignee_target_id,
        subject,
        origin,
        is_blocked,
        tags,
        meta,
        updated_at,
        created_at
    from readback.conversations
),

messages as (
    select
        ticket_target_id,
        count(*) as messages,
        max(sent_at) filter (where position('/edited/' in coalesce(external_id, '')) = 0)
            as last_message_at,
        max(sent_at) filter (where not from_agent) as last_received_message_at
    from readback.messages
    group by ticket_target_id
),

final as (
    select
        conversations.target_id,
        conversations.external_id,
        conversations.subject,
        conversations.state as status,
        conversations.origin as channel,
        cast(null as varchar) as via,
        cast(null as boolean) as from_agent,
        conversations.customer_target_id,
        conversations.assignee_target_id,
        conversations.tags,
        conversations.is_blocked as is_spam,
        false as is_trashed,
        cast(null as varchar) as language,
        coalesce(messages.messages, 0) as messages,
        nullif(json_sorted(conversations.meta), '{}') as meta,
        conversations.created_at,
        conversations.updated_at,
        cast(null as timestamp) as opened_at,
        cast(null as timestamp) as closed_at,
        messages.last_message_at,
        messages.last_received_message_at
    from conversations
    left join messages on conversations.target_id = messages.ticket_target_id
)

select * from final order by target_id
