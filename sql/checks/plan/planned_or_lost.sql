-- claim: every staged customer, ticket, message, section and article is planned, or lost by a rule
-- that is written down, and nothing is planned that was not staged, unless the followed run loaded
-- it or a note shows an edit
with

records as (
    select 'customer' as kind, customer_id as source_id, 'staged' as place
    from staged.customers
    union all
    select 'ticket' as kind, ticket_id as source_id, 'staged' as place
    from staged.tickets
    union all
    select 'message' as kind, message_id as source_id, 'staged' as place
    from staged.messages
    union all
    select 'customer' as kind, customer_id as source_id, 'planned' as place
    from plan.customers
    union all
    select 'ticket' as kind, ticket_id as source_id, 'planned' as place
    from plan.tickets
    union all
    select 'message' as kind, message_id as source_id, 'planned' as place
    from plan.messages
    where message_id = part_of
    union all
    select 'section' as kind, category_id as source_id, 'staged' as place
    from staged.kb_categories
    union all
    select 'article' as kind, article_id as source_id, 'staged' as place
    from staged.kb_articles
    union all
    select 'section' as kind, section_id as source_id, 'planned' as place
    from plan.sections
    union all
    select 'article' as kind, article_id as source_id, 'planned' as place
    from plan.articles
    union all
    select 'section' as kind, source_id, 'lost' as place
    from plan.losses
    where
        stream = 'kb_categories'
        and rule in ('help_center_not_carried', 'section_not_public', 'folder_flattened')
    union all
    select 'article' as kind, source_id, 'lost' as place
    from plan.losses
    where
        stream = 'kb_articles'
        and rule in ('help_center_not_carried', 'article_internal', 'article_without_text')
    union all
    select 'customer' as kind, source_id, 'lost' as place
    from plan.losses
    where rule in ('anonymous_skipped', 'person_without_address')
    union all
    select 'ticket' as kind, tickets.ticket_id as source_id, 'lost' as place
    from staged.losses
    inner join staged.tickets
        on losses.stream = tickets.stream and losses.source_id = tickets.source_id
    where losses.rule = 'anonymous_skipped'
    union all
    select 'ticket' as kind, ticket_id as source_id, 'lost' as place
    from plan.losses
    where rule = 'no_messages'
    union all
    select 'message' as kind, source_id, 'lost' as place
    from plan.losses
    where rule = 'ticket_not_planned'
),

-- What the target holds stays planned when the source removes it.
loaded as (
    select 'customer' as kind, customer_id as source_id from before.customers
    union
    select 'ticket' as kind, ticket_id as source_id from before.tickets
    union
    select 'message' as kind, message_id as source_id
    from before.messages
    where message_id = part_of
    union
    select 'section' as kind, section_id as source_id from before.sections
    union
    select 'article' as kind, article_id as source_id from before.articles
    union
    select 'message' as kind, note_id as source_id
    from plan.message_changes
    where note_id is not null
),

everything as (
    select kind, source_id, place from records
    union all
    select kind, source_id, 'loaded' as place from loaded
),

counted as (
    select
        kind,
        source_id,
        count(*) filter (where place = 'staged') as staged,
        count(*) filter (where place = 'planned') as planned,
        count(*) filter (where place = 'lost') as lost,
        count(*) filter (where place = 'loaded') as loaded
    from everything
    group by kind, source_id
),

-- Where a target takes a message in several, each belongs to one that is planned.
parts as (
    select
        parts.message_id,
        parts.part_of
    from plan.messages as parts
    where parts.message_id <> parts.part_of
),

strays as (
    select parts.message_id
    from parts
    left anti join plan.messages as planned on parts.part_of = planned.message_id
),

offenders as (
    select kind, source_id, staged, planned, lost
    from counted
    where
        planned > 1
        or (loaded = 0 and staged <> 1)
        or (loaded = 0 and (planned = 1) = (lost > 0))
        or (loaded > 0 and planned <> 1)
    union all
    select 'message' as kind, message_id as source_id, 0 as staged, 1 as planned, 0 as lost
    from strays
)

select kind, source_id, staged, planned, lost
from offenders
order by kind, source_id
