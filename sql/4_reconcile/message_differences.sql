-- grain: one row per message and field in which plan and target differ
-- key: source_id, target_id, field
-- column source_id: the staged message; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

pairs as (
    select
        source_id,
        target_id,
        field,
        expected,
        found,
        rule
    from reconcile.message_pairs
),

planned as (
    select message_id
    from plan.messages
),

found_messages as (
    select
        external_id,
        count(*) as times,
        min(target_id) as target_id
    from readback.messages
    where external_id is not null
    group by external_id
),

not_once as (
    select
        planned.message_id as source_id,
        found_messages.target_id,
        'existence' as field,
        'once' as expected,
        case
            when found_messages.times is null then 'missing'
            else concat(found_messages.times, ' times')
        end as found,
        cast(null as varchar) as rule
    from planned
    left join found_messages on planned.message_id = found_messages.external_id
    where found_messages.times is null or found_messages.times > 1
),

planned_tickets as (
    select ticket_id
    from plan.tickets
),

our_tickets as (
    select tickets.target_id
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.ticket_id
),

staged_messages as (
    select message_id
    from staged.messages
),

ours as (
    select
        messages.target_id,
        messages.external_id
    from readback.messages
    left semi join our_tickets on messages.ticket_target_id = our_tickets.target_id
    union
    select
        messages.target_id,
        messages.external_id
    from readback.messages
    left semi join staged_messages on messages.external_id = staged_messages.message_id
),

extra as (
    select
        coalesce(ours.external_id, concat('target/', ours.target_id)) as source_id,
        ours.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        cast(null as varchar) as rule
    from ours
    left anti join planned on ours.external_id = planned.message_id
),

-- Nothing is deleted in the target; that the source removed it since is told.
removed as (
    select
        changes.message_id as source_id,
        found_messages.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        'removed_at_source' as rule
    from plan.message_changes as changes
    inner join found_messages on changes.message_id = found_messages.external_id
    where changes.change = 'removed' and found_messages.times = 1
),

final as (
    select source_id, target_id, field, expected, found, rule from pairs
    union all
    select source_id, target_id, field, expected, found, rule from not_once
    union all
    select source_id, target_id, field, expected, found, rule from removed
    union all
    select source_id, target_id, field, expected, found, rule from extra
)

select * from final order by source_id, target_id, field
