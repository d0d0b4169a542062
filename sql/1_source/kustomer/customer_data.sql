-- grain: one row per customer with custom attributes
-- key: source_key
with

final as (
    select
        source_key,
        person_id,
        custom as data,
        quarantine_rule
    from source.profiles
    where custom is not null
)

select * from final order by source_key
