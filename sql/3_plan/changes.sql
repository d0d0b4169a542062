-- grain: one row per record and field that changed at the source since the followed run
-- key: kind, source_id, change
-- Empty unless the plan follows a run.
-- column kind: customer, ticket, message, section or article
-- column source_id: its id
-- column ticket_id: its ticket; null for what belongs to none
-- column change: created, appended, edited, removed, or the field that changed
-- column old: what was loaded, as text; null where it is long or was nothing
-- column new: what the source says now, as text; null likewise
-- column becomes: what is done about it: create, append, update, note (one is written, or was), or
--   report (it is only told, in the losses and by reconcile)
with

replay as (
    select follows
    from config.replay
    where follows is not null
),

tickets as (
    select
        ticket_id,
        status,
        cut_text(subject, 200) as subject,
        cast(spam as varchar) as spam,
        assignee_agent_id,
        tags,
        updates
    from plan.tickets
),

loaded as (
    select
        ticket_id,
        customer_id,
        status,
        cut_text(subject, 200) as subject,
        cast(spam as varchar) as spam,
        assignee_agent_id,
        tags
    from before.tickets
),

created as (
    select
        'ticket' as kind,
        tickets.ticket_id as source_id,
        tickets.ticket_id,
        'created' as change,
        cast(null as varchar) as old,
        cast(null as varchar) as new,
        'create' as becomes
    from tickets
    cross join replay
    where tickets.updates is null
),

updated_fields as (
    select
        ticket_id,
        unnest(json_texts(updates)) as field
    from tickets
    where updates is not null
),

updated as (
    select
        'ticket' as kind,
        fields.ticket_id as source_id,
        fields.ticket_id,
        fields.field as change,
        case fields.field
            when 'status' then loaded.status
            when 'subject' then loaded.subject
            when 'spam' then loaded.spam
            when 'assignee' then loaded.assignee_agent_id
            when 'tags' then loaded.tags
        end as old,
        case fields.field
            when 'status' then tickets.status
            when 'subject' then tickets.subject
            when 'spam' then tickets.spam
            when 'assignee' then tickets.assignee_agent_id
            when 'tags' then tickets.tags
        end as new,
        'update' as becomes
    from updated_fields as fields
    inner join loaded on fields.ticket_id = loaded.ticket_id
    inner join tickets on fields.ticket_id = tickets.ticket_id
),

gone as (
    select
        'ticket' as kind,
        loaded.ticket_id as source_id,
        loaded.ticket_id,
        'removed' as change,
        cast(null as varchar) as old,
        cast(null as varchar) as new,
        'report' as becomes
    from loaded
    left anti join staged.tickets on loaded.ticket_id = tickets.ticket_id
),

moved as (
    select
        'ticket' as kind,
        loaded.ticket_id as source_id,
        loaded.ticket_id,
        'customer' as change,
        loaded.customer_id as old,
        tickets.customer_id as new,
        'report' as becomes
    from loaded
    inner join staged.tickets on loaded.ticket_id = tickets.ticket_id
    where loaded.customer_id <> tickets.customer_id
),

messages as (
    select
        'message' as kind,
        message_id as source_id,
        ticket_id,
        change,
        cast(null as varchar) as old,
        cast(null as varchar) as new,
        case
            when change = 'appended' then 'append'
            when note_id is not null then 'note'
            else 'report'
        end as becomes
    from plan.message_changes
),

customers as (
    select
        'customer' as kind,
        planned.customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'profile' as change,
        cast(null as varchar) as old,
        cast(null as varchar) as new,
        'report' as becomes
    from plan.customers as planned
    inner join staged.customers as staged_customers
        on planned.customer_id = staged_customers.customer_id
    where
        planned.is_loaded
        and (
            (planned.email is distinct from staged_customers.email)
            or (planned.name is distinct from cut_text(one_line(staged_customers.name), 255))
        )
),

pages as (
    select 'section' as kind, section_id as source_id, is_loaded, is_changed
    from plan.sections
    union all
    select 'article' as kind, article_id as source_id, is_loaded, is_changed
    from plan.articles
),

staged_pages as (
    select 'section' as kind, category_id as source_id
    from staged.kb_categories
    union all
    select 'article' as kind, article_id as source_id
    from staged.kb_articles
),

help_center as (
    select
        pages.kind,
        pages.source_id,
        cast(null as varchar) as ticket_id,
        case
            when not pages.is_loaded then 'created'
            when staged_pages.source_id is null then 'removed'
            else 'edited'
        end as change,
        cast(null as varchar) as old,
        cast(null as varchar) as new,
        case when pages.is_loaded then 'report' else 'create' end as becomes
    from pages
    cross join replay
    left join staged_pages
        on pages.kind = staged_pages.kind and pages.source_id = staged_pages.source_id
    where not pages.is_loaded or pages.is_changed or staged_pages.source_id is null
),

final as (
    select kind, source_id, ticket_id, change, old, new, becomes from created
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from updated
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from gone
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from moved
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from messages
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from customers
    union all
    select kind, source_id, ticket_id, change, old, new, becomes from help_center
)

select * from final order by kind, source_id, change
