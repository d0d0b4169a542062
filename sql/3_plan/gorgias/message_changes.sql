-- grain: one row per message that the source appended to a ticket that is loaded, edited or removed
-- key: message_id
-- Empty unless the plan follows a run. What that run planned is what the target holds; texts are
-- compared with it, so an edit and a removal stay known in every later plan.
-- column message_id: the message
-- column ticket_id: the ticket that it is in, or comes into
-- column change: appended, edited or removed
-- column note_id: id of the note that shows the edit; null when none does
-- column is_new: whether something is to be made because of it
-- column seen_at: when the message was received as it is now, UTC; null when it was removed
with

mapping as (
    select edits
    from config.mapping
),

tickets_before as (
    select ticket_id
    from before.tickets
),

-- Texts are compared by their hashes, so that no join has to hold them.
messages_before as (
    select
        message_id,
        ticket_id,
        encode(
            sha256(concat(coalesce(body_text, ''), chr(10), coalesce(body_html, ''))), 'hex'
        ) as text_hash
    from before.messages
),

messages_now as (
    select
        message_id,
        ticket_id,
        fetched_at,
        encode(
            sha256(concat(coalesce(body_text, ''), chr(10), coalesce(body_html, ''))), 'hex'
        ) as text_hash
    from staged.messages
),

appended as (
    select
        messages_now.message_id,
        messages_now.ticket_id,
        'appended' as change,
        cast(null as varchar) as note_id,
        true as is_new,
        messages_now.fetched_at as seen_at
    from messages_now
    left semi join tickets_before on messages_now.ticket_id = tickets_before.ticket_id
    left anti join messages_before on messages_now.message_id = messages_before.message_id
),

edits as (
    select
        messages_before.message_id,
        messages_before.ticket_id,
        case
            when mapping.edits = 'note'
                then concat(
                    messages_before.message_id, '/edited/', substr(messages_now.text_hash, 1, 8)
                )
        end as note_id,
        messages_now.fetched_at as seen_at
    from messages_before
    inner join messages_now on messages_before.message_id = messages_now.message_id
    cross join mapping
    where messages_before.text_hash <> messages_now.text_hash
),

edited as (
    select
        edits.message_id,
        edits.ticket_id,
        'edited' as change,
        edits.note_id,
        edits.note_id is not null and notes.message_id is null as is_new,
        edits.seen_at
    from edits
    left join messages_before as notes on edits.note_id = notes.message_id
),

-- A note about an edit is the plan's own and never was in the source.
removed as (
    select
        messages_before.message_id,
        messages_before.ticket_id,
        'removed' as change,
        cast(null as varchar) as note_id,
        false as is_new,
        cast(null as timestamp) as seen_at
    from messages_before
    left anti join messages_now on messages_before.message_id = messages_now.message_id
    where position('/edited/' in messages_before.message_id) = 0
),

final as (
    select message_id, ticket_id, change, note_id, is_new, seen_at from appended
    union all
    select message_id, ticket_id, change, note_id, is_new, seen_at from edited
    union all
    select message_id, ticket_id, change, note_id, is_new, seen_at from removed
)

select * from final order by message_id
