-- claim: every staged customer, ticket and message is planned, or lost by a rule that is written
-- down, and nothing is planned that was not staged
with

staged_rows as (
    select 'customer' as kind, customer_id as source_id from staged.customers
    union all
    select 'ticket' as kind, ticket_id as source_id from staged.tickets
    union all
    select 'message' as kind, message_id as source_id from staged.messages
),

planned_rows as (
    select 'customer' as kind, customer_id as source_id from plan.customers
    union all
    select 'ticket' as kind, ticket_id as source_id from plan.tickets
    union all
    select 'message' as kind, message_id as source_id from plan.messages
),

lost_rows as (
    select 'customer' as kind, source_id
    from plan.losses
    where rule = 'anonymous_skipped'
    union all
    select 'ticket' as kind, ticket_id as source_id
    from staged.losses
    where rule = 'anonymous_skipped'
    union all
    select 'ticket' as kind, ticket_id as source_id
    from plan.losses
    where rule = 'no_messages'
    union all
    select 'message' as kind, source_id
    from plan.losses
    where rule = 'ticket_not_planned'
),

explained as (
    select kind, source_id from planned_rows
    union
    select kind, source_id from lost_rows
),

offenders as (
    select staged_rows.kind, staged_rows.source_id
    from staged_rows
    left anti join explained
        on staged_rows.kind = explained.kind and staged_rows.source_id = explained.source_id
    union all
    select planned_rows.kind, planned_rows.source_id
    from planned_rows
    left anti join staged_rows
        on planned_rows.kind = staged_rows.kind and planned_rows.source_id = staged_rows.source_id
)

select kind, source_id from offenders order by kind, source_id
