-- grain: one row per landed record, its newest version only, files apart
-- key: stream, source_key
-- The one place that decides what becomes of a record: staged, quarantined or dropped, by which
-- rule. A record is quarantined when it cannot be understood, dropped when a decision says so.
with

tickets as (
    select
        stream,
        source_key,
        ticket_id,
        quarantine_rule
    from source.tickets
),

known_tickets as (
    select distinct ticket_id
    from tickets
    where quarantine_rule is null
),

messages as (
    select
        stream,
        source_key,
        message_id,
        conversation_id as ticket_id,
        kind,
        author_type,
        quarantine_rule
    from source.messages
),

judged_messages as (
    select
        messages.stream,
        messages.source_key,
        messages.ticket_id,
        case
            when messages.quarantine_rule is not null then messages.quarantine_rule
            when known_tickets.ticket_id is null then 'no_conversation'
            when messages.kind = 'event' and mapping.events = 'skip' then 'events_skipped'
            when
                messages.author_type in ('bot', 'plugin', 'trigger') and mapping.bots = 'skip'
                then 'bots_skipped'
        end as rule
    from messages
    left join known_tickets on messages.ticket_id = known_tickets.ticket_id
    cross join config.mapping as mapping
),

message_fates as (
    select
        stream,
        source_key,
        ticket_id,
        case
            when rule is null then 'staged'
            when rule in ('events_skipped', 'bots_skipped') then 'dropped'
            else 'quarantined'
        end as fate,
        rule
    from judged_messages
),

ticket_fates as (
    select
        stream,
        source_key,
        ticket_id,
        case when quarantine_rule is null then 'staged' else 'quarantined' end as fate,
        quarantine_rule as rule
    from tickets
),

people as (
    select
        stream,
        source_key,
        person_id,
        quarantine_rule
    from source.customers
),

people_fates as (
    select
        stream,
        source_key,
        cast(null as varchar) as ticket_id,
        case when quarantine_rule is null then 'staged' else 'quarantined' end as fate,
        quarantine_rule as rule
    from people
),

known_people as (
    select distinct person_id
    from people
    where quarantine_rule is null
),

data_fates as (
    select
        customer_data.stream,
        customer_data.source_key,
        cast(null as varchar) as ticket_id,
        case
            when customer_data.quarantine_rule is not null then 'quarantined'
            when known_people.person_id is null then 'dropped'
            else 'staged'
        end as fate,
        case
            when customer_data.quarantine_rule is not null then customer_data.quarantine_rule
            when known_people.person_id is null then 'data_without_profile'
        end as rule
    from source.customer_data
    left join known_people on customer_data.person_id = known_people.person_id
),

agent_fates as (
    select
        stream,
        source_key,
        cast(null as varchar) as ticket_id,
        case when quarantine_rule is null then 'staged' else 'quarantined' end as fate,
        quarantine_rule as rule
    from source.agents
),

original_fates as (
    select
        originals.stream,
        originals.source_key,
        message_fates.ticket_id,
        case
            when originals.quarantine_rule is not null then 'quarantined'
            when message_fates.fate = 'staged' then 'staged'
            else 'dropped'
        end as fate,
        case
            when originals.quarantine_rule is not null then originals.quarantine_rule
            when message_fates.fate is null then 'original_without_message'
            when message_fates.fate <> 'staged' then 'message_not_staged'
        end as rule
    from source.originals
    left join message_fates on originals.message_id = message_fates.source_key
),

final as (
    select stream, source_key, ticket_id, fate, rule from ticket_fates
    union all
    select stream, source_key, ticket_id, fate, rule from message_fates
    union all
    select stream, source_key, ticket_id, fate, rule from people_fates
    union all
    select stream, source_key, ticket_id, fate, rule from data_fates
    union all
    select stream, source_key, ticket_id, fate, rule from agent_fates
    union all
    select stream, source_key, ticket_id, fate, rule from original_fates
)

select * from final order by stream, source_key
