-- grain: one row per landed record, its newest version only, files apart
-- key: stream, source_key
-- The one place that decides what becomes of a record: staged, quarantined or dropped, by which
-- rule. A record is quarantined when it cannot be understood, dropped when a decision says so. A
-- ticket that a filter leaves out is dropped with all that belongs to it.
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
        assignee_id,
        tags,
        coalesce(origin, '') as origin,
        coalesce(state, '') as state,
        coalesce(created_at, updated_at) as began_at,
        coalesce(updated_at, created_at) as changed_at,
        quarantine_rule
    from source.tickets
),

-- A filter that is not set is an empty list or an empty text, and lets everything through.
filters as (
    select
        nullif(filter_agents, '[]') as agents,
        nullif(filter_tags, '[]') as tags,
        nullif(filter_channels, '[]') as channels,
        nullif(filter_states, '[]') as states,
        utc_of_text(nullif(filter_since, '')) as since_at,
        utc_of_text(nullif(filter_until, '')) as until_at
    from config.mapping
),

wanted_agents as (
    select unnest(json_texts(agents)) as agent
    from filters
    where agents is not null
),

wanted_agent_ids as (
    select agents.agent_id
    from source.agents
    inner join wanted_agents on agents.email = lower(trim(wanted_agents.agent))
    union
    select agent as agent_id
    from wanted_agents
),

answers as (
    select
        conversation_id as ticket_id,
        agent_id
    from source.messages
    cross join filters
    where filters.agents is not null and messages.agent_id is not null
    union
    select
        ticket_id,
        assignee_id as agent_id
    from tickets
    where assignee_id is not null
),

of_agents as (
    select distinct answers.ticket_id
    from answers
    left semi join wanted_agent_ids on answers.agent_id = wanted_agent_ids.agent_id
),

ticket_tags as (
    select
        ticket_id,
        lower(trim(unnest(json_texts(tags)))) as tag
    from tickets
    where tags is not null
),

wanted_tags as (
    select lower(trim(unnest(json_texts(tags)))) as tag
    from filters
    where tags is not null
),

tagged as (
    select distinct ticket_tags.ticket_id
    from ticket_tags
    left semi join wanted_tags on ticket_tags.tag = wanted_tags.tag
),

-- Which words a channel goes by: its own, and what kind of channel it is.
channel_words as (
    select distinct
        origin,
        unnest(make_array(
            origin,
            case
                when origin = 'email' then 'email'
                when origin in ('', 'chat') then 'chat'
                else 'other'
            end,
            case
                when
                    regexp_like(
                        lower(origin),
                        'facebook|messenger|instagram|twitter|whatsapp|telegram|viber|line|tiktok'
                    )
                    then 'social'
            end
        )) as word
    from tickets
),

wanted_channels as (
    select lower(trim(unnest(json_texts(channels)))) as word
    from filters
    where channels is not null
),

of_channels as (
    select distinct channel_words.origin
    from channel_words
    inner join wanted_channels on lower(channel_words.word) = wanted_channels.word
),

wanted_states as (
    select distinct lower(trim(unnest(json_texts(states)))) as state
    from filters
    where states is not null
),

judged_tickets as (
    select
        tickets.stream,
        tickets.source_key,
        tickets.ticket_id,
        case
            when tickets.quarantine_rule is not null then tickets.quarantine_rule
            when tickets.changed_at < filters.since_at or tickets.began_at >= filters.until_at
                then 'filtered_by_time'
            when filters.channels is not null and of_channels.origin is null
                then 'filtered_by_channel'
            when filters.states is not null and wanted_states.state is null
                then 'filtered_by_state'
            when filters.tags is not null and tagged.ticket_id is null then 'filtered_by_tag'
            when filters.agents is not null and of_agents.ticket_id is null
                then 'filtered_by_agent'
        end as rule,
        tickets.quarantine_rule is not null as is_quarantined
    from tickets
    cross join filters
    left join of_channels on tickets.origin = of_channels.origin
    left join wanted_states on lower(tickets.state) = wanted_states.state
    left join tagged on tickets.ticket_id = tagged.ticket_id
    left join of_agents on tickets.ticket_id = of_agents.ticket_id
),

known_tickets as (
    select
        ticket_id,
        bool_and(rule is not null) as is_filtered
    from judged_tickets
    where not is_quarantined
    group by ticket_id
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
            when known_tickets.is_filtered then 'ticket_not_staged'
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
            when rule in ('ticket_not_staged', 'events_skipped', 'bots_skipped') then 'dropped'
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
        case
            when is_quarantined then 'quarantined'
            when rule is not null then 'dropped'
            else 'staged'
        end as fate,
        rule
    from judged_tickets
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
