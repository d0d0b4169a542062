-- grain: one row per phase of the replay, in the order of their first calls
-- key: place
-- column place: place of the phase in the replay, from 1; 0 comes before it
-- column phase: name of the phase, as the ledger counts its calls
-- column calls: calls that it will take, in number
with

tickets as (
    select
        ticket_id,
        status
    from plan.tickets
),

appended as (
    select
        ticket_id,
        count(*) as messages
    from plan.messages
    where not in_create
    group by ticket_id
),

-- An appended message may open a closed ticket again, so those are closed once more.
reopened as (
    select count(*) as calls
    from tickets
    inner join appended on tickets.ticket_id = appended.ticket_id
    where tickets.status = 'closed'
),

phases as (
    -- Whose credentials, which account, its rules, integrations and settings: a page of each, once
    -- in each session.
    select 0 as place, 'preflight' as phase, 5 as calls
    union all
    select 1 as place, 'agents_read' as phase, 1 as calls
    union all
    select
        2 as place,
        'agents_create' as phase,
        case when mapping.missing_agent = 'create' then agents.agents else 0 end as calls
    from (select count(*) as agents from plan.agents) as agents
    cross join config.mapping as mapping
    union all
    select 3 as place, 'tags_read' as phase, 1 as calls
    union all
    select 4 as place, 'tags_create' as phase, count(*) as calls from plan.tags
    union all
    select 5 as place, 'customers_create' as phase, count(*) as calls from plan.customers
    union all
    select 6 as place, 'files_upload' as phase, count(*) as calls from plan.uploads
    union all
    -- Asked once, before the first create: which of these tickets are there already.
    select 7 as place, 'tickets_read' as phase, 1 as calls
    union all
    select 8 as place, 'tickets_create' as phase, count(*) as calls from plan.tickets
    union all
    select 9 as place, 'messages_append' as phase, coalesce(sum(messages), 0) as calls
    from appended
    union all
    select 10 as place, 'tickets_update' as phase, calls from reopened
),

final as (
    select
        place,
        phase,
        calls
    from phases
)

select * from final order by place
