-- claim: a planned record that the target lacks is among the unexplained differences
with

counts as (
    select
        "table" as kind,
        planned,
        in_target,
        unexplained
    from reconcile.counts
)

select kind, planned, in_target, unexplained
from counts
where planned - in_target > unexplained
order by kind
