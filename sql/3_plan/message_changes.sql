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
parts_before as (
    select
        message_id,
        part_of,
        ticket_id,
        position,
        body_text,
        body_html
    from before.messages
),

-- What a target took in several parts is compared whole; files have no text.
several as (
    select distinct part_of
    from parts_before
    where message_id <> part_of
),

messages_before as (
    select
        parts_before.part_of as message_id,
        parts_before.ticket_id,
        parts_before.body_html is not null as has_page,
        encode(sha256(parts_before.body_text), 'hex') as text_only_hash,
        encode(
            sha256(
                concat(
                    coalesce(parts_before.body_text, ''),
                    chr(10),
                    coalesce(parts_before.body_html, '')
                )
            ),
            'hex'
        ) as text_hash
    from parts_before
    left anti join several on parts_before.part_of = several.part_of
    union all
    select
        parts_before.part_of as message_id,
        min(parts_before.ticket_id) as ticket_id,
        max(parts_before.body_html) is not null as has_page,
        encode(
            sha256(string_agg(parts_before.body_text, '' order by parts_before.position)), 'hex'
        ) as text_only_hash,
        encode(
            sha256(
                concat(
                    string_agg(parts_before.body_text, '' order by parts_before.position),
                    chr(10),
                    coalesce(max(parts_before.body_html), '')
                )
            ),
            'hex'
        ) as text_hash
    from parts_before
    left semi join several on parts_before.part_of = several.part_of
    group by parts_before.part_of
),

messages_now as (
    select
        message_id,
        ticket_id,
        fetched_at,
        encode(sha256(body_text), 'hex') as text_only_hash,
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

-- Notes about edits, by the message that they are about: how many there are, and the beginning of
-- the hash of the text that the newest one shows.
notes_before as (
    select
        split_part(part_of, '/edited/', 1) as message_id,
        count(distinct part_of) as notes,
        last_value(part_of order by position) as note_id,
        last_value(split_part(split_part(part_of, '/edited/', 2), '/', 1) order by position)
            as shown_hash
    from parts_before
    where position('/edited/' in part_of) > 0
    group by split_part(part_of, '/edited/', 1)
),

-- A target that is given no page, or no text, shows no change of it.
compared as (
    select
        messages_before.message_id,
        messages_before.ticket_id,
        messages_now.fetched_at as seen_at,
        case
            when messages_before.has_page
                then messages_before.text_hash <> messages_now.text_hash
            else messages_before.text_only_hash <> messages_now.text_only_hash
        end as is_other,
        substr(
            case
                when messages_before.has_page then messages_now.text_hash
                else messages_now.text_only_hash
            end,
            1,
            8
        ) as hash
    from messages_before
    inner join messages_now on messages_before.message_id = messages_now.message_id
),

-- What the target shows is the newest note, and without one the message itself. So a text that was
-- edited back has a note of its own.
edits as (
    select
        compared.message_id,
        compared.ticket_id,
        compared.seen_at,
        case
            when mapping.edits <> 'note' then null
            when notes_before.shown_hash = compared.hash then notes_before.note_id
            when notes_before.notes > 0
                then concat(
                    compared.message_id, '/edited/', compared.hash, '/', notes_before.notes + 1
                )
            else concat(compared.message_id, '/edited/', compared.hash)
        end as note_id,
        mapping.edits = 'note'
        and notes_before.shown_hash is distinct from compared.hash as is_new
    from compared
    left join notes_before on compared.message_id = notes_before.message_id
    cross join mapping
    where compared.is_other or (mapping.edits = 'note' and notes_before.notes > 0)
),

edited as (
    select
        message_id,
        ticket_id,
        'edited' as change,
        note_id,
        is_new,
        seen_at
    from edits
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
