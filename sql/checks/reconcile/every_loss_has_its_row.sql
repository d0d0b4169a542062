-- claim: as many records are missing from the plan as losses name
with

counts as (
    select
        "table" as kind,
        lost_by_rule
    from reconcile.counts
),

named as (
    select 'customers' as kind, count(distinct source_id) as losses
    from plan.losses
    where rule = 'anonymous_skipped'
    union all
    select 'messages' as kind, count(distinct source_id) as losses
    from plan.losses
    where rule = 'ticket_not_planned'
    union all
    select 'tickets' as kind, count(distinct ticket_id) as losses
    from reconcile.losses
    where rule in ('no_messages', 'anonymous_skipped') and ticket_id is not null
)

select
    counts.kind,
    counts.lost_by_rule,
    named.losses
from counts
inner join named on counts.kind = named.kind
where counts.lost_by_rule <> named.losses
order by counts.kind
