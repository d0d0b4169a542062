-- grain: one row per section or article of the help center that the target does not have just once
-- key: kind, source_id, target_id, found
-- Nothing there has an id of ours; the ledger knows what each became.
-- column kind: section or article
-- column source_id: the staged category or article
-- column target_id: id of the record in the target; null when it is not there
-- column expected: once, or none where the source removed it since
-- column found: missing, again or present
-- column rule: the rule that explains it; null when none does
with

planned as (
    select 'section' as kind, section_id as source_id
    from plan.sections
    union all
    select 'article' as kind, article_id as source_id
    from plan.articles
),

removals as (
    select
        kind,
        source_id
    from plan.changes
    where kind in ('section', 'article') and change = 'removed'
),

ledger as (
    select
        kind,
        source_id,
        target_id
    from ledger.records
    where
        kind in ('section', 'article')
        and state in ('done', 'matched')
        and target_id is not null
),

found as (
    select
        'section' as kind,
        target_id,
        parent_target_id,
        locale,
        content_type,
        title
    from readback.sections
    union all
    select
        'article' as kind,
        target_id,
        section_target_id as parent_target_id,
        locale,
        content_type,
        title
    from readback.articles
),

expected as (
    select
        planned.kind,
        planned.source_id,
        ledger.target_id
    from planned
    left join ledger
        on planned.kind = ledger.kind and planned.source_id = ledger.source_id
),

missing as (
    select
        expected.kind,
        expected.source_id,
        cast(null as varchar) as target_id,
        'once' as expected,
        'missing' as found,
        cast(null as varchar) as rule
    from expected
    left anti join found
        on expected.kind = found.kind and expected.target_id = found.target_id
),

-- Another one of the same name at the same place, which is nobody's of the ledger.
doubled as (
    select
        expected.kind,
        expected.source_id,
        found.target_id,
        'once' as expected,
        'again' as found,
        cast(null as varchar) as rule
    from expected
    inner join found as ours
        on expected.kind = ours.kind and expected.target_id = ours.target_id
    inner join found
        on ours.kind = found.kind
        and ours.locale = found.locale
        and ours.content_type = found.content_type
        and coalesce(ours.parent_target_id, '') = coalesce(found.parent_target_id, '')
        and ours.title = found.title
        and ours.target_id <> found.target_id
    left anti join ledger
        on found.kind = ledger.kind and found.target_id = ledger.target_id
),

removed as (
    select
        expected.kind,
        expected.source_id,
        expected.target_id,
        'none' as expected,
        'present' as found,
        'removed_at_source' as rule
    from expected
    left semi join found
        on expected.kind = found.kind and expected.target_id = found.target_id
    left semi join removals
        on expected.kind = removals.kind and expected.source_id = removals.source_id
),

final as (
    select kind, source_id, target_id, expected, found, rule from missing
    union all
    select kind, source_id, target_id, expected, found, rule from doubled
    union all
    select kind, source_id, target_id, expected, found, rule from removed
)

select * from final order by kind, source_id, target_id, found
