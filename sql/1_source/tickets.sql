-- grain: one row per conversation, as it was landed last
-- key: source_key
-- Empty: a platform that has such records has a model of this name in its own folder.
-- column platform: where it comes from
-- column stream: the stream of the landed record
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column fetched_at: when it was received, UTC
-- column ticket_id: its id
-- column person_id: who asked, by id; null where it names nobody
-- column actor_id: `person:` and that id, or `session:` and the id of the conversation
-- column assignee_id: the agent it is assigned to
-- column inbox_id: the inbox or queue it lies in
-- column state: `pending`, `unresolved` or `resolved`, or another word of the source
-- column subject: its subject
-- column topic: what the source takes it to be about
-- column origin: its channel: `email`, `chat` or nothing for chat, or another word of the source
-- column tags: JSON list of its tags, by name
-- column data: JSON object of custom data
-- column participants: JSON list of {type, target}: people in copy
-- column person_name: who asked, as the conversation notes it
-- column person_email: the same, an e-mail address in lower case; null where it is none
-- column person_email_as_written: the same as it is written
-- column person_phone_as_written: a telephone number as it is written
-- column person_locale: a language, such as en or en-GB
-- column device_country: country that the conversation notes, two letters
-- column is_blocked: whether the person was blocked, or the conversation is spam
-- column is_verified: whether the identity of the person was verified
-- column created_at: when it began, UTC
-- column updated_at: when it changed last, UTC
-- column waiting_since_at: since when the customer waits, UTC
-- column quarantine_rule: why it cannot be understood; null for one that can
-- column offending: the beginning of its raw text, at most 2000 characters; null where it is
--   understood
with

final as (
    select
        cast(null as varchar) as platform,
        cast(null as varchar) as stream,
        cast(null as varchar) as source_key,
        cast(null as varchar) as snapshot,
        cast(null as timestamp) as fetched_at,
        cast(null as varchar) as ticket_id,
        cast(null as varchar) as person_id,
        cast(null as varchar) as actor_id,
        cast(null as varchar) as assignee_id,
        cast(null as varchar) as inbox_id,
        cast(null as varchar) as state,
        cast(null as varchar) as subject,
        cast(null as varchar) as topic,
        cast(null as varchar) as origin,
        cast(null as varchar) as tags,
        cast(null as varchar) as data,
        cast(null as varchar) as participants,
        cast(null as varchar) as person_name,
        cast(null as varchar) as person_email,
        cast(null as varchar) as person_email_as_written,
        cast(null as varchar) as person_phone_as_written,
        cast(null as varchar) as person_locale,
        cast(null as varchar) as device_country,
        cast(null as boolean) as is_blocked,
        cast(null as boolean) as is_verified,
        cast(null as timestamp) as created_at,
        cast(null as timestamp) as updated_at,
        cast(null as timestamp) as waiting_since_at,
        cast(null as varchar) as quarantine_rule,
        cast(null as varchar) as offending
    where false
)

select * from final order by source_key
