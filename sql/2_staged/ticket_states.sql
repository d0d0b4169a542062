-- grain: one row per ticket and known change of its state, and its state at the end
-- key: ticket_id, position
-- Which words the source uses for system lines is not documented. A line counts as a change of
-- state when its namespace holds pending, unresolved or resolved as a word of its own, as in
-- state:resolved. It is known even where system lines are left out of the messages. It belongs to
-- the last part that had begun when it was written.
-- column platform: where it comes from
-- column ticket_id: the ticket
-- column position: its place among the states of the ticket, from 1; the last one is the present
-- column state: pending, unresolved, resolved, or as in the source
--   [messages $.content.namespace, conversations $.state]
-- column changed_at: when it was set; null for the last one, of which this is not known
--   [messages $.timestamp]
-- column agent_id: the operator who set it; null where nobody or a bot did
-- column namespace: the system line that says so; null for the last one
--   [messages $.content.namespace]
-- column message_id: that system line; null for the last one
-- column rule: system_line, current_state, or earlier_part_is_closed
with

tickets as (
    select
        platform,
        ticket_id,
        conversation_id,
        part,
        state,
        status_rule,
        first_message_at
    from staged.tickets
),

system_lines as (
    select
        message_id,
        conversation_id,
        agent_id,
        namespace,
        regexp_match(lower(namespace), '(?:^|[^a-z])(pending|unresolved|resolved)(?:[^a-z]|$)')[1]
            as state,
        least(sent_at, fetched_at) as changed_at
    from source.messages
    where kind = 'event' and quarantine_rule is null
),

placed_lines as (
    select
        system_lines.message_id,
        max(tickets.part) as part
    from system_lines
    inner join tickets
        on system_lines.conversation_id = tickets.conversation_id
        and (tickets.part = 1 or tickets.first_message_at <= system_lines.changed_at)
    where system_lines.state is not null
    group by system_lines.message_id
),

changes as (
    select
        tickets.platform,
        tickets.ticket_id,
        system_lines.state,
        system_lines.changed_at,
        system_lines.agent_id,
        system_lines.namespace,
        system_lines.message_id,
        'system_line' as rule
    from system_lines
    inner join placed_lines on system_lines.message_id = placed_lines.message_id
    inner join tickets
        on system_lines.conversation_id = tickets.conversation_id
        and placed_lines.part = tickets.part
),

everything as (
    select platform, ticket_id, state, changed_at, agent_id, namespace, message_id, rule
    from changes
    union all
    select
        platform,
        ticket_id,
        coalesce(state, '') as state,
        utc_of_ms(cast(null as bigint)) as changed_at,
        cast(null as varchar) as agent_id,
        cast(null as varchar) as namespace,
        cast(null as varchar) as message_id,
        case
            when status_rule = 'earlier_part_is_closed' then status_rule
            else 'current_state'
        end as rule
    from tickets
),

final as (
    select
        platform,
        ticket_id,
        row_number() over (
            partition by ticket_id
            order by changed_at nulls last, message_id nulls last
        ) as position,
        state,
        changed_at,
        agent_id,
        namespace,
        message_id,
        rule
    from everything
)

select * from final order by ticket_id, position
