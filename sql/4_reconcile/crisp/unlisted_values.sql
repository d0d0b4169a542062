-- grain: one row per planned value that no list shows: none, because no record is read alone
-- key: "table", source_id, field
-- column table: kind of record: customers or tickets
-- column source_id: the staged record
-- column target_id: id of the record in the target
-- column field: the field; of a custom field custom_fields, a dot and its name
-- column expected: what was planned, as text
-- column found: what the target holds, as text; null where it was not read
-- column rule: the rule that explains the difference; null when none does
-- column is_read: whether the target showed the field
-- column is_different: whether it holds something else than was planned
with

final as (
    select
        cast(null as varchar) as "table",
        cast(null as varchar) as source_id,
        cast(null as varchar) as target_id,
        cast(null as varchar) as field,
        cast(null as varchar) as expected,
        cast(null as varchar) as found,
        cast(null as varchar) as rule,
        cast(null as boolean) as is_read,
        cast(null as boolean) as is_different
    where false
)

select * from final order by "table", source_id, field
