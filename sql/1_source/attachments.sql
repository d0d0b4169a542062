-- grain: one row per file that belongs to a message, beside the pictures in its text
-- key: message_id, place
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column message_id: the message
-- column place: its place among the files of the message, from 1
-- column url: its address; null where the source gives none
-- column name: what it is called
-- column content_type: what the source says it is
with

final as (
    select
        cast(null as varchar) as message_id,
        cast(null as bigint) as place,
        cast(null as varchar) as url,
        cast(null as varchar) as name,
        cast(null as varchar) as content_type
    where false
)

select * from final order by message_id, place
