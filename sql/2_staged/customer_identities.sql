-- grain: one row per customer and thing that identifies it, and where that was found
-- key: customer_id, kind, value, source_id
-- The rows of kind actor say why each profile or conversation is part of this customer.
-- column platform: where it comes from
-- column customer_id: the customer
-- column kind: actor, person_id, email, other_email, phone, phone_as_written or conversation
-- column value: the id, address or number
-- column rule: actor and person_id: why it is this customer, as in actors; email: where the address
--   stands; other_email: an address that joins nobody, because the profile has another one (or
--   several) or a newer conversation has; phone: how the number was read, as in phones, or
--   phone_of_several_addresses, because such a number joins nobody; conversation: whose it is
-- column source_id: the actor, or the landed record as <stream>/<key>
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

actors as (
    select
        platform,
        actor_id,
        customer_id,
        customer_rule,
        has_profile,
        email,
        email_rule
    from staged.actors
),

profiles as (
    select
        actor_id,
        stream,
        source_key,
        person_id,
        other_emails
    from source.customers
    where quarantine_rule is null
),

conversations as (
    select
        actor_id,
        stream,
        source_key,
        ticket_id as conversation_id,
        person_id,
        person_email
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
),

own_actors as (
    select
        platform,
        customer_id,
        'actor' as kind,
        actor_id as value,
        customer_rule as rule,
        actor_id as source_id
    from actors
),

person_ids as (
    select
        actors.platform,
        actors.customer_id,
        'person_id' as kind,
        profiles.person_id as value,
        case
            when actors.customer_rule = 'own' then 'own_profile'
            else actors.customer_rule
        end as rule,
        concat(profiles.stream, '/', profiles.source_key) as source_id
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

other_emails as (
    select
        actors.platform,
        actors.customer_id,
        'other_email' as kind,
        conversations.person_email as value,
        case
            when actors.email_rule = 'profile_email' then 'profile_has_another'
            else 'newer_conversation_has_another'
        end as rule,
        concat(conversations.stream, '/', conversations.source_key) as source_id
    from actors
    inner join conversations on actors.actor_id = conversations.actor_id
    where conversations.person_email <> actors.email
),

further_emails as (
    select
        actor_id,
        stream,
        source_key,
        unnest(json_texts(other_emails)) as email
    from profiles
    where other_emails is not null
),

profile_emails as (
    select distinct
        actors.platform,
        actors.customer_id,
        'other_email' as kind,
        further_emails.email as value,
        'profile_has_several' as rule,
        concat(further_emails.stream, '/', further_emails.source_key) as source_id
    from actors
    inner join further_emails on actors.actor_id = further_emails.actor_id
    where further_emails.email <> coalesce(actors.email, '')
),

phones as (
    select
        actors.platform,
        actors.customer_id,
        actors.email,
        phones.phone,
        phones.written,
        phones.rule,
        phones.source_id
    from actors
    inner join staged.phones on actors.actor_id = phones.actor_id
    where phones.rule <> 'not_a_phone_number'
),

phone_owners as (
    select
        phone,
        count(distinct email) as emails
    from phones
    where phone is not null
    group by phone
),

numbers as (
    select
        phones.platform,
        phones.customer_id,
        case when phones.phone is null then 'phone_as_written' else 'phone' end as kind,
        coalesce(phones.phone, phones.written) as value,
        case
            when phone_owners.emails > 1 then 'phone_of_several_addresses'
            else phones.rule
        end as rule,
        phones.source_id
    from phones
    left join phone_owners on phones.phone = phone_owners.phone
),

sessions as (
    select
        actors.platform,
        actors.customer_id,
        'conversation' as kind,
        conversations.conversation_id as value,
        case
            when conversations.person_id is null then 'anonymous_conversation'
            when actors.has_profile then 'conversation_of_profile'
            else 'conversation_of_person_without_profile'
        end as rule,
        concat(conversations.stream, '/', conversations.source_key) as source_id
    from actors
    inner join conversations on actors.actor_id = conversations.actor_id
),

final as (
    select platform, customer_id, kind, value, rule, source_id from own_actors
    union all
    select platform, customer_id, kind, value, rule, source_id from person_ids
    union all
    select platform, customer_id, kind, value, rule, source_id from emails
    union all
    select platform, customer_id, kind, value, rule, source_id from other_emails
    union all
    select platform, customer_id, kind, value, rule, source_id from profile_emails
    union all
    select platform, customer_id, kind, value, rule, source_id from numbers
    union all
    select platform, customer_id, kind, value, rule, source_id from sessions
)

select * from final order by customer_id, kind, value, source_id
