-- grain: one row per customer and field in which staged and target differ
-- key: source_id, target_id, field
-- A customer who was in the target before keeps the name and the external id it has there.
-- column source_id: the staged customer
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was staged, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

-- A rule keeps these out of the plan.
lost as (
    select distinct losses.source_id as customer_id
    from reconcile.losses
    inner join reconcile.rules as rules
        on losses.rule = rules.rule
        and rules."table" = 'customers'
        and rules.field = 'existence'
        and rules.verdict = 'dropped'
    where losses.stream = 'customers'
),

expected as (
    select
        staged_customers.customer_id,
        nullif(cut_text(one_line(staged_customers.name), 255), '') as name,
        staged_customers.email,
        planned.language,
        planned.timezone,
        nullif(planned.name, '') as loaded_name,
        planned.email as loaded_email,
        coalesce(planned.is_loaded, false) as is_loaded
    from staged.customers as staged_customers
    left join plan.customers as planned
        on staged_customers.customer_id = planned.customer_id
    left anti join lost on staged_customers.customer_id = lost.customer_id
    where not staged_customers.is_skipped
),

ledger as (
    select
        source_id as customer_id,
        state,
        detail,
        target_id
    from ledger.records
    where kind = 'customer' and target_id is not null
),

found as (
    select
        target_id,
        external_id,
        email,
        name,
        language,
        timezone
    from readback.customers
),

claimed as (
    select
        external_id,
        count(*) as rows
    from found
    where external_id is not null
    group by external_id
),

paired as (
    select
        expected.customer_id as source_id,
        found.target_id,
        coalesce(ledger.state, '') = 'matched' as existed_before,
        coalesce(ledger.detail, '') like '%without phone, language and time zone%' as is_lean,
        expected.name,
        expected.email,
        expected.language,
        expected.timezone,
        expected.loaded_name,
        expected.loaded_email,
        expected.is_loaded,
        found.external_id as found_external_id,
        found.email as found_email,
        found.name as found_name,
        found.language as found_language,
        found.timezone as found_timezone,
        coalesce(claimed.rows, 0) as claims
    from expected
    left join ledger on expected.customer_id = ledger.customer_id
    left join found on ledger.target_id = found.target_id
    left join claimed on expected.customer_id = claimed.external_id
),

compared as (
    select
        source_id,
        cast(null as varchar) as target_id,
        'existence' as field,
        'once' as expected,
        'missing' as found,
        cast(null as varchar) as rule
    from paired
    where target_id is null
    union all
    select
        source_id,
        target_id,
        'existence' as field,
        'once' as expected,
        concat(claims, ' times') as found,
        cast(null as varchar) as rule
    from paired
    where claims > 1
    union all
    select
        source_id,
        target_id,
        'external_id' as field,
        source_id as expected,
        found_external_id as found,
        case when existed_before then 'existed_before' end as rule
    from paired
    where target_id is not null and source_id is distinct from found_external_id
    union all
    select
        source_id,
        target_id,
        'email' as field,
        email as expected,
        found_email as found,
        case
            when existed_before and email is null then 'existed_before'
            when is_loaded and loaded_email is not distinct from found_email
                then 'changed_after_load'
        end as rule
    from paired
    where target_id is not null and email is distinct from found_email
    union all
    select
        source_id,
        target_id,
        'name' as field,
        name as expected,
        found_name as found,
        case
            when existed_before then 'existed_before'
            when is_loaded and loaded_name is not distinct from found_name
                then 'changed_after_load'
        end as rule
    from paired
    where target_id is not null and name is distinct from found_name
    union all
    select
        source_id,
        target_id,
        'language' as field,
        language as expected,
        found_language as found,
        case
            when existed_before then 'existed_before'
            when language is null then 'filled_by_vendor'
            when is_lean and found_language is null then 'customer_sent_lean'
        end as rule
    from paired
    where target_id is not null and language is distinct from found_language
    union all
    select
        source_id,
        target_id,
        'timezone' as field,
        timezone as expected,
        found_timezone as found,
        case
            when existed_before then 'existed_before'
            when timezone is null then 'filled_by_vendor'
            when is_lean and found_timezone is null then 'customer_sent_lean'
        end as rule
    from paired
    where target_id is not null and timezone is distinct from found_timezone
),

loaded as (
    select customer_id
    from plan.customers
    where is_loaded
),

extra as (
    select
        found.external_id as source_id,
        found.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        case when loaded.customer_id is not null then 'removed_at_source' end as rule
    from found
    left join loaded on found.external_id = loaded.customer_id
    left anti join expected on found.external_id = expected.customer_id
    where
        found.external_id like 'person:%'
        or found.external_id like 'session:%'
        or found.external_id like 'shared:%'
),

final as (
    select source_id, target_id, field, expected, found, rule from compared
    union all
    select source_id, target_id, field, expected, found, rule from extra
)

select * from final order by source_id, target_id, field
