-- grain: one row per ticket
-- key: ticket_id
with

conversations as (
    select
        platform,
        source_key,
        snapshot,
        fetched_at,
        ticket_id,
        assignee_id,
        state,
        subject,
        topic,
        origin,
        data,
        participants,
        is_blocked,
        is_verified,
        created_at,
        updated_at,
        waiting_since_at
    from source.tickets
    where quarantine_rule is null
),

customers_of_tickets as (
    select
        value as ticket_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'conversation'
    group by value
),

customers as (
    select
        customer_id,
        is_skipped
    from staged.customers
),

message_counts as (
    select
        ticket_id,
        count(*) as messages,
        min(sent_at) as first_message_at,
        max(sent_at) as last_message_at,
        max(sent_at) filter (where direction = 'in') as last_received_message_at,
        first_value(direction order by position) as first_direction,
        first_value(direction order by position)
            filter (where direction <> 'internal') as first_public_direction,
        first_value(agent_id order by position)
            filter (where direction = 'out' and agent_id is not null) as first_agent_id,
        first_value(cut_text(one_line(body_text), 100) order by position)
            filter (where direction = 'in' and content_type = 'text' and not is_empty)
            as first_words
    from staged.messages
    group by ticket_id
),

described as (
    select
        conversations.platform,
        conversations.ticket_id,
        conversations.source_key as source_id,
        conversations.snapshot,
        customers_of_tickets.customer_id,
        coalesce(customers.is_skipped, false) as is_skipped,
        conversations.assignee_id as assignee_agent_id,
        message_counts.first_agent_id,
        one_line(coalesce(conversations.subject, '')) as own_subject,
        coalesce(message_counts.first_words, '') as first_words,
        conversations.state,
        conversations.topic,
        coalesce(conversations.origin, '') as origin,
        conversations.data,
        conversations.participants,
        conversations.is_blocked,
        conversations.is_verified,
        coalesce(message_counts.messages, 0) as messages,
        coalesce(message_counts.first_public_direction, message_counts.first_direction) = 'in'
            as is_opened_by_customer,
        least(
            coalesce(
                conversations.created_at,
                message_counts.first_message_at,
                conversations.updated_at
            ),
            conversations.fetched_at
        ) as created_at,
        least(
            coalesce(conversations.updated_at, conversations.created_at),
            conversations.fetched_at
        ) as updated_at,
        conversations.waiting_since_at,
        message_counts.first_message_at,
        message_counts.last_message_at,
        message_counts.last_received_message_at
    from conversations
    left join customers_of_tickets
        on conversations.ticket_id = customers_of_tickets.ticket_id
    left join customers on customers_of_tickets.customer_id = customers.customer_id
    left join message_counts on conversations.ticket_id = message_counts.ticket_id
),

final as (
    select
        platform,
        ticket_id,
        source_id,
        snapshot,
        customer_id,
        assignee_agent_id,
        first_agent_id,

        case
            when own_subject <> '' then cut_text(own_subject, 998)
            when first_words <> '' then first_words
            else concat('Conversation ', cast(cast(created_at as date) as varchar))
        end as subject,
        case
            when char_length(own_subject) > 998 then 'own_cut'
            when own_subject <> '' then 'own'
            when first_words <> '' then 'first_words'
            else 'date'
        end as subject_rule,
        state,
        case when state = 'resolved' then 'closed' else 'open' end as status,
        case
            when state = 'resolved' then 'resolved_is_closed'
            when state = 'pending' then 'pending_is_open_with_tag'
            when state = 'unresolved' then 'unresolved_is_open'
            else 'unknown_is_open'
        end as status_rule,
        origin,
        topic,
        data,
        participants,

        messages,
        is_opened_by_customer,
        is_blocked,
        is_verified,
        is_skipped,

        created_at,
        updated_at,
        waiting_since_at,
        first_message_at,
        last_message_at,
        last_received_message_at
    from described
)

select * from final order by ticket_id
