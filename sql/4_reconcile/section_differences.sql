-- grain: one row per section of the help center and field in which plan and target differ
-- key: source_id, target_id, field
-- A section has no id of ours in the target; the ledger knows which one it became.
-- column source_id: the staged category
-- column target_id: id of the record in the target
-- column field: what differs
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does; planned_otherwise when the plan
--   itself says something else than what was staged
with

staged_sections as (
    select
        category_id,
        parent_category_id,
        locale,
        content_type,
        one_line(title) as title
    from staged.kb_categories
),

ledger as (
    select
        source_id,
        target_id
    from ledger.records
    where kind = 'section' and state in ('done', 'matched') and target_id is not null
),

expected as (
    select
        planned.section_id as source_id,
        ledger.target_id,
        above.target_id as parent_target_id,
        planned.parent_section_id,
        planned.locale,
        planned.content_type,
        planned.title,
        planned.description,
        planned.color,
        case when planned.is_changed then 'section_changed_after_load' else 'planned_otherwise' end
            as staged_rule,
        staged_sections.category_id is not null as is_staged,
        staged_sections.title as staged_title,
        staged_sections.locale as staged_locale,
        staged_sections.content_type as staged_content_type,
        staged_sections.parent_category_id as staged_parent_id
    from plan.sections as planned
    left join staged_sections on planned.section_id = staged_sections.category_id
    left join ledger on planned.section_id = ledger.source_id
    left join ledger as above on planned.parent_section_id = above.source_id
),

found as (
    select
        target_id,
        parent_target_id,
        locale,
        content_type,
        title,
        description,
        color
    from readback.sections
),

paired as (
    select
        expected.source_id,
        found.target_id,
        unnest(make_array(
            named_struct('field', 'title', 'expected', expected.title, 'found', found.title,
                'rule', cast(null as varchar)),
            named_struct('field', 'description', 'expected', expected.description,
                'found', found.description, 'rule', cast(null as varchar)),
            named_struct('field', 'color', 'expected', lower(expected.color),
                'found', lower(found.color),
                'rule', case when expected.color is null then 'filled_by_vendor' end),
            named_struct('field', 'section', 'expected', expected.parent_target_id,
                'found', found.parent_target_id, 'rule', cast(null as varchar)),
            named_struct('field', 'locale', 'expected', expected.locale, 'found', found.locale,
                'rule', cast(null as varchar)),
            named_struct('field', 'content_type', 'expected', expected.content_type,
                'found', found.content_type, 'rule', cast(null as varchar)),
            named_struct('field', 'title',
                'expected', case when expected.is_staged then expected.staged_title end,
                'found', case when expected.is_staged then expected.title end,
                'rule', expected.staged_rule),
            named_struct('field', 'section',
                'expected', case when expected.is_staged then expected.staged_parent_id end,
                'found', case when expected.is_staged then expected.parent_section_id end,
                'rule', expected.staged_rule),
            named_struct('field', 'locale',
                'expected', case when expected.is_staged then expected.staged_locale end,
                'found', case when expected.is_staged then expected.locale end,
                'rule', expected.staged_rule),
            named_struct('field', 'content_type',
                'expected', case when expected.is_staged then expected.staged_content_type end,
                'found', case when expected.is_staged then expected.content_type end,
                'rule', expected.staged_rule)
        )) as difference
    from expected
    inner join found on expected.target_id = found.target_id
),

-- What differs from the plan is told once, whatever the plan says otherwise.
differing as (
    select
        source_id,
        target_id,
        difference['field'] as field,
        difference['expected'] as expected,
        difference['found'] as found,
        difference['rule'] as rule,
        row_number() over (
            partition by source_id, target_id, difference['field']
            order by
                coalesce(
                    difference['rule'] in ('planned_otherwise', 'section_changed_after_load'),
                    false
                )
        ) as place
    from paired
    where difference['expected'] is distinct from difference['found']
),

final as (
    select source_id, target_id, field, expected, found, rule from differing where place = 1
)

select * from final order by source_id, target_id, field
