-- grain: one row per message as it travelled, whole
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column source_key: key of the landed record
-- column fetched_at: when it was received, UTC
-- column message_id: the message that it is the original of
-- column url: address of the file that it was landed as; null where it is a record
-- column subject: its subject
-- column message_ref: its Message-ID
-- column content: its text or page; null where it is not there
-- column quarantine_rule: why it cannot be understood; null for one that can
with

final as (
    select
        cast(null as varchar) as source_key,
        cast(null as timestamp) as fetched_at,
        cast(null as varchar) as message_id,
        cast(null as varchar) as url,
        cast(null as varchar) as subject,
        cast(null as varchar) as message_ref,
        cast(null as varchar) as content,
        cast(null as varchar) as quarantine_rule
    where false
)

select * from final order by source_key
