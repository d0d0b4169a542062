-- grain: one row per planned record with a value that no list shows: none, where all is listed
-- key: "table", external_id
-- column table: kind of record: customers or tickets
-- column external_id: the id that the target is told
-- column stream: the stream of the target's manifest that reads such a record alone
with

final as (
    select
        cast(null as varchar) as "table",
        cast(null as varchar) as external_id,
        cast(null as varchar) as stream
    where false
)

select * from final order by "table", external_id
