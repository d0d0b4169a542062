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

-- Records that stand for themselves: nothing else decides about them.
alone as (
    select stream, source_key, quarantine_rule from source.agents
    union all
    select stream, source_key, quarantine_rule from source.blocked_visitors
    union all
    select stream, source_key, quarantine_rule from source.campaigns
    union all
    select stream, source_key, quarantine_rule from source.census
    union all
    select stream, source_key, quarantine_rule from source.helpdesk
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_articles
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_categories
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_locales
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_pages
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_redirections
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_sections
    union all
    select stream, source_key, quarantine_rule from source.helpdesk_tree
    union all
    select stream, source_key, quarantine_rule from source.inboxes
    union all
    select stream, source_key, quarantine_rule from source.spams
    union all
    select stream, source_key, quarantine_rule from source.teams
),

alone_fates as (
    select
        stream,
        source_key,
        cast(null as varchar) as ticket_id,
        case when quarantine_rule is null then 'staged' else 'quarantined' end as fate,
        quarantine_rule as rule
    from alone
),

event_fates as (
    select
        people_events.stream,
        people_events.source_key,
        cast(null as varchar) as ticket_id,
        case
            when people_events.quarantine_rule is not null then 'quarantined'
            when known_people.person_id is null then 'dropped'
            else 'staged'
        end as fate,
        case
            when people_events.quarantine_rule is not null then people_events.quarantine_rule
            when known_people.person_id is null then 'event_without_profile'
        end as rule
    from source.people_events
    left join known_people on people_events.parent_key = known_people.person_id
),

-- The rest of a record whose first half came with a list.
halves as (
    select stream, source_key, source_key as whole_key, 'spams' as whole, quarantine_rule
    from source.spam_contents
    union all
    select
        stream,
        source_key,
        source_key as whole_key,
        'helpdesk_articles' as whole,
        quarantine_rule
    from source.helpdesk_article_bodies
    union all
    select
        stream,
        source_key,
        source_key as whole_key,
        'helpdesk_articles' as whole,
        quarantine_rule
    from source.helpdesk_article_categories
    union all
    select stream, source_key, parent_key as whole_key, 'helpdesk_pages' as whole, quarantine_rule
    from source.helpdesk_page_contents
    union all
    select stream, source_key, parent_key as whole_key, 'helpdesk_pages' as whole, quarantine_rule
    from source.helpdesk_page_metadata
),

wholes as (
    select
        stream,
        source_key
    from alone_fates
    where fate = 'staged'
),

half_fates as (
    select
        halves.stream,
        halves.source_key,
        cast(null as varchar) as ticket_id,
        case
            when halves.quarantine_rule is not null then 'quarantined'
            when wholes.source_key is null then 'dropped'
            else 'staged'
        end as fate,
        case
            when halves.quarantine_rule is not null then halves.quarantine_rule
            when wholes.source_key is null then 'half_without_whole'
        end as rule
    from halves
    left join wholes on halves.whole = wholes.stream and halves.whole_key = wholes.source_key
),

-- A list of files says nothing that messages do not say; it is there to be compared.
file_fates as (
    select
        conversation_files.stream,
        conversation_files.source_key,
        message_fates.ticket_id,
        case
            when conversation_files.quarantine_rule is not null then 'quarantined'
            when message_fates.fate = 'staged' then 'staged'
            else 'dropped'
        end as fate,
        case
            when conversation_files.quarantine_rule is not null
                then conversation_files.quarantine_rule
            when message_fates.fate is null then 'file_without_message'
            when message_fates.fate <> 'staged' then 'message_not_staged'
        end as rule
    from source.conversation_files
    left join message_fates on conversation_files.source_key = message_fates.source_key
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
    select stream, source_key, ticket_id, fate, rule from alone_fates
    union all
    select stream, source_key, ticket_id, fate, rule from event_fates
    union all
    select stream, source_key, ticket_id, fate, rule from half_fates
    union all
    select stream, source_key, ticket_id, fate, rule from file_fates
    union all
    select stream, source_key, ticket_id, fate, rule from original_fates
)

select * from final order by stream, source_key
