-- grain: one row per people profile, and per conversation or person that has none
-- key: actor_id
-- Says which customer each of them is. Who shares an e-mail address is one customer, named after
-- the smallest id of the group, so that the order of landing does not matter. A telephone number
-- joins nobody, because two people may share one.
with

profiles as (
    select
        platform,
        concat('person:', person_id) as actor_id,
        min(email) as email
    from source.customers
    where quarantine_rule is null
    group by platform, person_id
),

conversations as (
    select
        platform,
        case
            when person_id is null then concat('session:', ticket_id)
            else concat('person:', person_id)
        end as actor_id,
        ticket_id,
        person_email,
        coalesce(updated_at, created_at) as touched_at
    from source.tickets
    where quarantine_rule is null
),

conversation_emails as (
    select
        actor_id,
        first_value(person_email order by touched_at desc, ticket_id) as email
    from conversations
    where person_email is not null
    group by actor_id
),

everybody as (
    select platform, actor_id from profiles
    union
    select platform, actor_id from conversations
),

addressed as (
    select
        everybody.platform,
        everybody.actor_id,
        profiles.actor_id is not null as has_profile,
        coalesce(profiles.email, conversation_emails.email) as email,
        case
            when profiles.email is not null then 'profile_email'
            when conversation_emails.email is not null then 'conversation_email'
            else 'none'
        end as email_rule
    from everybody
    left join profiles on everybody.actor_id = profiles.actor_id
    left join conversation_emails on everybody.actor_id = conversation_emails.actor_id
),

grouped as (
    select
        platform,
        actor_id,
        has_profile,
        email,
        email_rule,
        min(actor_id) over (partition by coalesce(email, actor_id)) as group_id
    from addressed
),

final as (
    select
        grouped.platform,
        grouped.actor_id,
        grouped.has_profile,
        grouped.email,
        grouped.email_rule,
        case
            when grouped.email is null and mapping.anonymous = 'shared' then 'shared:anonymous'
            else grouped.group_id
        end as customer_id,
        grouped.email is null as is_anonymous,
        grouped.email is null and mapping.anonymous = 'skip' as is_skipped
    from grouped
    cross join config.mapping as mapping
)

select * from final order by actor_id
