-- grain: one row per profile with custom data
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column source_key: key of the landed record
-- column person_id: whose data it is
-- column data: JSON object; null where it is empty
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as source_key,
        cast(null as varchar) as person_id,
        cast(null as varchar) as data,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by source_key
