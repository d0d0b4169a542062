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
    where rule in ('anonymous_skipped', 'person_without_address')
    union all
    select 'messages' as kind, count(distinct source_id) as losses
    from plan.losses
    where rule = 'ticket_not_planned'
    union all
    select 'sections' as kind, count(distinct source_id) as losses
    from plan.losses
    where rule in ('help_center_not_carried', 'section_not_public', 'folder_flattened')
        and stream = 'kb_categories'
    union all
    select 'articles' as kind, count(distinct source_id) as losses
    from plan.losses
    where rule in ('help_center_not_carried', 'article_internal', 'article_without_text')
        and stream = 'kb_articles'
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
