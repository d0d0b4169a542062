-- grain: one row per landed record, its newest version only, files apart
-- key: stream, source_key
-- The one place that decides what becomes of a record: staged, quarantined or dropped, by which
-- rule. A record is quarantined when it cannot be understood, dropped when a decision says so.
-- column stream: the stream of the landed record
-- column source_key: its key
-- column ticket_id: the ticket it belongs to, null where it belongs to none
-- column fate: `staged`, `quarantined` or `dropped`
-- column rule: by which rule it is not staged, null for what is
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
        messages.message_id,
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
        message_id,
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

judged as (
    select
        stream,
        source_key,
        belongs_to,
        owner_id,
        orphan_rule,
        drop_rule,
        quarantine_rule
    from source.judged
),

judged_alone as (
    select
        stream,
        source_key,
        cast(null as varchar) as ticket_id,
        coalesce(quarantine_rule, drop_rule) as rule,
        quarantine_rule is not null as is_quarantined
    from judged
    where belongs_to is null
),

-- Whose message or ticket is not staged, is not either.
judged_parts as (
    select
        judged.stream,
        judged.source_key,
        message_fates.ticket_id,
        case
            when judged.quarantine_rule is not null then judged.quarantine_rule
            when judged.drop_rule is not null then judged.drop_rule
            when message_fates.fate is null then judged.orphan_rule
            when message_fates.fate <> 'staged' then 'message_not_staged'
        end as rule,
        judged.quarantine_rule is not null as is_quarantined
    from judged
    left join message_fates on judged.owner_id = message_fates.message_id
    where judged.belongs_to = 'message'
    union all
    select
        judged.stream,
        judged.source_key,
        ticket_fates.ticket_id,
        case
            when judged.quarantine_rule is not null then judged.quarantine_rule
            when judged.drop_rule is not null then judged.drop_rule
            when ticket_fates.fate is null then judged.orphan_rule
            when ticket_fates.fate <> 'staged' then 'ticket_not_staged'
        end as rule,
        judged.quarantine_rule is not null as is_quarantined
    from judged
    left join ticket_fates on judged.owner_id = ticket_fates.ticket_id
    where judged.belongs_to = 'ticket'
),

judged_rows as (
    select stream, source_key, ticket_id, rule, is_quarantined from judged_alone
    union all
    select stream, source_key, ticket_id, rule, is_quarantined from judged_parts
),

judged_fates as (
    select
        stream,
        source_key,
        ticket_id,
        case
            when is_quarantined then 'quarantined'
            when rule is not null then 'dropped'
            else 'staged'
        end as fate,
        rule
    from judged_rows
),

final as (
    select stream, source_key, ticket_id, fate, rule from ticket_fates
    union all
    select stream, source_key, ticket_id, fate, rule from message_fates
    union all
    select stream, source_key, ticket_id, fate, rule from people_fates
    union all
    select stream, source_key, ticket_id, fate, rule from judged_fates
)

select * from final order by stream, source_key
