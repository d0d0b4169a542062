-- grain: one row per person who answers, or was invited to, or once did
-- key: agent_id
-- Who left the company is missing from the list of operators and is still the author of messages.
-- column platform: where it comes from
-- column agent_id: its id; `invite:` and the address for one who was invited and has none yet
--   [operators $.details.user_id, messages $.user.user_id, messages $.mentions, conversations
--   $.assigned]
-- column source_id: key of the landed operator, or the id where nobody lists it
-- column snapshot: the snapshot that holds it
-- column email: its address, lower case; null for one whom only messages name [operators
--   $.details.email]
-- column name: its name, else the beginning of its address, else `Former agent` [operators
--   $.details.first_name, operators $.details.last_name, messages $.user.nickname]
-- column kind: `operator`, `invite` or `sandbox` (a plugin's), null where nobody lists it
--   [operators $.type]
-- column role: as in the source, null where nobody lists it [operators $.details.role]
-- column title: what it is in the company, null where nobody says [operators $.details.title]
-- column is_known: it is in the list of operators
-- column is_removed: only messages and assignments name it
-- column is_invite: it was invited and has not come yet
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

listed as (
    select
        platform,
        source_key,
        snapshot,
        agent_id,
        email,
        name,
        kind,
        role,
        title,
        is_invite
    from source.agents
    where quarantine_rule is null
),

authors as (
    select
        platform,
        agent_id,
        snapshot,
        author_name,
        sent_at,
        message_id
    from source.messages
    where quarantine_rule is null and agent_id is not null
),

mentions as (
    select
        platform,
        snapshot,
        unnest(json_texts(mentions)) as agent_id
    from source.messages
    where quarantine_rule is null and mentions is not null
),

assignees as (
    select
        platform,
        snapshot,
        assignee_id as agent_id
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
    where assignee_id is not null
),

named as (
    select
        agent_id,
        first_value(author_name order by sent_at desc, message_id)
            filter (where author_name is not null) as name
    from authors
    group by agent_id
),

seen as (
    select platform, agent_id, snapshot from authors
    union all
    select platform, agent_id, snapshot from mentions
    union all
    select platform, agent_id, snapshot from assignees
),

removed as (
    select
        min(seen.platform) as platform,
        seen.agent_id,
        max(seen.snapshot) as snapshot
    from seen
    left anti join listed on seen.agent_id = listed.agent_id
    group by seen.agent_id
),

final as (
    select
        listed.platform,
        listed.agent_id,
        listed.source_key as source_id,
        listed.snapshot,
        listed.email,
        coalesce(listed.name, named.name, split_part(listed.email, '@', 1)) as name,
        listed.kind,
        listed.role,
        listed.title,
        true as is_known,
        false as is_removed,
        listed.is_invite
    from listed
    left join named on listed.agent_id = named.agent_id
    union all
    select
        removed.platform,
        removed.agent_id,
        removed.agent_id as source_id,
        removed.snapshot,
        cast(null as varchar) as email,
        coalesce(named.name, 'Former agent') as name,
        cast(null as varchar) as kind,
        cast(null as varchar) as role,
        cast(null as varchar) as title,
        false as is_known,
        true as is_removed,
        false as is_invite
    from removed
    left join named on removed.agent_id = named.agent_id
)

select * from final order by agent_id
