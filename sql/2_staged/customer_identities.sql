-- grain: one row per customer and thing that identifies it, and where that was found
-- key: customer_id, kind, value, source_id
with

actors as (
    select
        platform,
        actor_id,
        customer_id,
        has_profile,
        email,
        email_rule
    from staged.actors
),

profiles as (
    select
        concat('person:', person_id) as actor_id,
        source_key,
        person_id,
        phone
    from source.customers
    where quarantine_rule is null
),

conversations as (
    select
        case
            when person_id is null then concat('session:', ticket_id)
            else concat('person:', person_id)
        end as actor_id,
        source_key,
        ticket_id,
        person_id,
        person_phone
    from source.tickets
    where quarantine_rule is null
),

person_ids as (
    select
        actors.platform,
        actors.customer_id,
        'person_id' as kind,
        profiles.person_id as value,
        case
            when actors.actor_id = actors.customer_id then 'own_profile'
            when actors.email is not null then 'same_email'
            else 'shared_anonymous'
        end as rule,
        concat('people/', profiles.source_key) as source_id
    from actors
    inner join profiles on actors.actor_id = profiles.actor_id
),

emails as (
    select
        platform,
        customer_id,
        'email' as kind,
        email as value,
        email_rule as rule,
        actor_id as source_id
    from actors
    where email is not null
),

phones as (
    select
        actors.platform,
        actors.customer_id,
        'phone' as kind,
        profiles.phone as value,
        'profile_phone' as rule,
        concat('people/', profiles.source_key) as source_id
    from actors
    inner join profiles on actors.actor_id = profiles.actor_id
    where profiles.phone is not null
    union all
    select
        actors.platform,
        actors.customer_id,
        'phone' as kind,
        conversations.person_phone as value,
        'conversation_phone' as rule,
        concat('conversations/', conversations.source_key) as source_id
    from actors
    inner join conversations on actors.actor_id = conversations.actor_id
    where conversations.person_phone is not null
),

sessions as (
    select
        actors.platform,
        actors.customer_id,
        'conversation' as kind,
        conversations.ticket_id as value,
        case
            when conversations.person_id is null then 'anonymous_conversation'
            when actors.has_profile then 'conversation_of_profile'
            else 'conversation_of_person_without_profile'
        end as rule,
        concat('conversations/', conversations.source_key) as source_id
    from actors
    inner join conversations on actors.actor_id = conversations.actor_id
),

final as (
    select platform, customer_id, kind, value, rule, source_id from person_ids
    union all
    select platform, customer_id, kind, value, rule, source_id from emails
    union all
    select platform, customer_id, kind, value, rule, source_id from phones
    union all
    select platform, customer_id, kind, value, rule, source_id from sessions
)

select * from final order by customer_id, kind, value, source_id
