-- grain: one row per staged record and field that a rule changed on its way into the plan
-- key: "table", source_id, field
-- Where several rules changed a field, the one that took most of it is named.
-- column table: kind of record: customers, tickets, messages, attachments, agents, sections or
--   articles
-- column
-- column source_id: the staged record
-- column field: the field
-- column verdict: transformed, lossy or dropped
-- column rule: the rule
with

losses as (
    select
        stage,
        stream,
        source_id,
        ticket_id,
        rule
    from reconcile.losses
),

rules as (
    select
        rule,
        "table",
        field,
        verdict
    from reconcile.rules
),

tickets as (
    select
        ticket_id,
        stream,
        source_id,
        subject_rule,
        status_rule,
        is_blocked,
        assignee_agent_id
    from staged.tickets
),

ticket_streams as (
    select distinct stream
    from tickets
),

messages as (
    select
        message_id,
        stream,
        source_id,
        agent_id
    from staged.messages
),

-- A loss names the landed record, the staged one, or who stands behind it.
named as (
    select 'customers' as "table", source_id, rule
    from losses
    where stage = 'planned' and stream = 'customers'
    union all
    select 'customers' as "table", identities.customer_id as source_id, losses.rule
    from losses
    inner join staged.customer_identities as identities
        on concat(losses.stream, '/', losses.source_id) = identities.source_id
    where
        losses.stage = 'staged'
        and losses.rule in ('not_an_email_address', 'not_a_phone_number')
    union all
    select 'tickets' as "table", tickets.ticket_id as source_id, losses.rule
    from losses
    inner join tickets
        on losses.stream = tickets.stream and losses.source_id = tickets.source_id
    where losses.stage = 'staged'
    union all
    select 'tickets' as "table", losses.ticket_id as source_id, losses.rule
    from losses
    left semi join ticket_streams on losses.stream = ticket_streams.stream
    where losses.stage = 'planned'
    union all
    select 'tickets' as "table", source_id, rule
    from losses
    where stage = 'planned' and stream = 'tickets'
    union all
    select 'messages' as "table", messages.message_id as source_id, losses.rule
    from losses
    inner join messages
        on losses.stream = messages.stream and losses.source_id = messages.source_id
    where losses.stage = 'staged'
    union all
    select 'messages' as "table", losses.source_id, losses.rule
    from losses
    left anti join ticket_streams on losses.stream = ticket_streams.stream
    where
        losses.stage = 'planned'
        and losses.stream not in ('customers', 'tickets', 'kb_categories', 'kb_articles')
    -- What changed after it was loaded is told by its difference alone.
    union all
    select
        case losses.stream when 'kb_articles' then 'articles' else 'sections' end as "table",
        losses.source_id,
        losses.rule
    from losses
    where
        losses.stage = 'planned'
        and losses.stream in ('kb_categories', 'kb_articles')
        and position('_changed_after_load' in losses.rule) = 0
    union all
    select 'articles' as "table", kb_articles.article_id as source_id, losses.rule
    from losses
    inner join staged.kb_articles
        on losses.stream = kb_articles.stream and losses.source_id = kb_articles.source_id
    where losses.stage = 'staged'
    union all
    select 'messages' as "table", messages.message_id as source_id, losses.rule
    from losses
    inner join messages on losses.source_id = messages.agent_id
    where losses.rule = 'agent_replaced'
    union all
    select 'tickets' as "table", tickets.ticket_id as source_id, losses.rule
    from losses
    inner join tickets on losses.source_id = tickets.assignee_agent_id
    where losses.rule = 'agent_replaced'
    union all
    select 'agents' as "table", source_id, rule
    from losses
    where rule = 'agent_replaced'
    union all
    select 'tickets' as "table", ticket_id as source_id, subject_rule as rule
    from tickets
    union all
    select 'tickets' as "table", ticket_id as source_id, status_rule as rule
    from tickets
    union all
    select 'tickets' as "table", ticket_id as source_id, 'blocked_is_spam' as rule
    from tickets
    where is_blocked
    union all
    select
        'attachments' as "table",
        concat(attachments.message_id, '#', attachments.ordinal) as source_id,
        'ticket_not_planned' as rule
    from staged.attachments
    left anti join plan.messages as planned on attachments.message_id = planned.message_id
    union all
    select 'tickets' as "table", ticket_id as source_id, rule
    from staged.ticket_tags
    where rule in ('import_tag', 'pending_tag')
),

explained as (
    select
        named."table",
        named.source_id,
        rules.field,
        rules.verdict,
        rules.rule,
        row_number() over (
            partition by named."table", named.source_id, rules.field
            order by
                case rules.verdict when 'dropped' then 1 when 'lossy' then 2 else 3 end,
                rules.rule
        ) as place
    from named
    inner join rules on named."table" = rules."table" and named.rule = rules.rule
),

final as (
    select
        "table",
        source_id,
        field,
        verdict,
        rule
    from explained
    where place = 1
)

select * from final order by "table", source_id, field
