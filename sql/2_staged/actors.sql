-- grain: one row per people profile, and per conversation or person that has none
-- key: actor_id
-- Says which customer each of them is. Who shares an e-mail address is one customer; addresses are
-- compared in lower case, and what follows a plus sign counts. A telephone number joins only people
-- without an address: with each other, and with the one person with an address who has it. A number
-- that several addresses have, a family's or a switchboard's, joins nobody. A customer is named
-- after the smallest id among its people, so that the order of landing does not matter.
-- column platform: where it comes from
-- column actor_id: person:<people_id>, or session:<session_id> where a conversation names nobody
--   [people $.people_id, conversations $.people_id, conversations $.session_id]
-- column has_profile: whether a people profile was landed
-- column email: the address of the profile, else that of its newest conversation that has one
--   [people $.email, conversations $.meta.email]
-- column email_rule: profile_email, conversation_email, none
-- column phone: in E.164, that of the profile, else that of its newest conversation with one
-- column customer_id: the customer it is
-- column customer_rule: why: own, same_email, same_phone, phone_of_address (the one person with an
--   address who has this number), shared_anonymous; phone_of_several_addresses says why not
-- column is_anonymous: whether nobody of this customer has an e-mail address
-- column is_skipped: whether it is left out, because anonymous is skip
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

profiles as (
    select
        platform,
        actor_id,
        min(email) as email
    from source.customers
    where quarantine_rule is null
    group by platform, actor_id
),

conversations as (
    select
        platform,
        actor_id,
        source_key,
        person_email,
        coalesce(updated_at, created_at) as noted_at
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
),

conversation_emails as (
    select
        actor_id,
        first_value(person_email order by noted_at desc, source_key) as email
    from conversations
    where person_email is not null
    group by actor_id
),

phones as (
    select
        actor_id,
        source_id,
        place,
        noted_at,
        phone
    from staged.phones
    where phone is not null
),

own_phones as (
    select
        actor_id,
        first_value(phone order by place desc, noted_at desc nulls last, source_id) as phone
    from phones
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
        end as email_rule,
        own_phones.phone
    from everybody
    left join profiles on everybody.actor_id = profiles.actor_id
    left join conversation_emails on everybody.actor_id = conversation_emails.actor_id
    left join own_phones on everybody.actor_id = own_phones.actor_id
),

-- Every number that somebody with an address has anywhere.
phone_owners as (
    select
        phones.phone,
        count(distinct addressed.email) as emails,
        min(addressed.email) as email
    from phones
    inner join addressed on phones.actor_id = addressed.actor_id
    where addressed.email is not null
    group by phones.phone
),

keyed as (
    select
        addressed.platform,
        addressed.actor_id,
        addressed.has_profile,
        addressed.email,
        addressed.email_rule,
        addressed.phone,
        case
            when addressed.email is not null then 'same_email'
            when addressed.phone is null then 'own'
            when phone_owners.emails > 1 then 'phone_of_several_addresses'
            when phone_owners.emails = 1 then 'phone_of_address'
            else 'same_phone'
        end as rule,
        coalesce(addressed.email, phone_owners.email) as joining_email
    from addressed
    left join phone_owners on addressed.phone = phone_owners.phone
),

grouped as (
    select
        platform,
        actor_id,
        has_profile,
        email,
        email_rule,
        phone,
        rule,
        case
            when rule in ('same_email', 'phone_of_address') then concat('email ', joining_email)
            when rule = 'same_phone' then concat('phone ', phone)
            else concat('actor ', actor_id)
        end as group_key
    from keyed
),

named as (
    select
        platform,
        actor_id,
        has_profile,
        email,
        email_rule,
        phone,
        rule,
        first_value(actor_id) over (partition by group_key order by actor_id) as group_id,
        first_value(email) over (partition by group_key order by email nulls last) is null
            as is_anonymous
    from grouped
),

final as (
    select
        named.platform,
        named.actor_id,
        named.has_profile,
        named.email,
        named.email_rule,
        named.phone,
        case
            when named.is_anonymous and mapping.anonymous = 'shared' then 'shared:anonymous'
            else named.group_id
        end as customer_id,
        case
            when named.is_anonymous and mapping.anonymous = 'shared' then 'shared_anonymous'
            when named.actor_id = named.group_id and named.rule <> 'phone_of_several_addresses'
                then 'own'
            else named.rule
        end as customer_rule,
        named.is_anonymous,
        named.is_anonymous and mapping.anonymous = 'skip' as is_skipped
    from named
    cross join config.mapping as mapping
)

select * from final order by actor_id
