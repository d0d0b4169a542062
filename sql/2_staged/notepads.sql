-- grain: one row per person with a note about them, when such notes are carried over
-- key: message_id
-- The note goes to the end of the newest conversation of that person that has messages, and takes
-- the time of the last message there, so that no ticket looks younger than it is.
-- column platform: where it comes from
-- column message_id: the message it becomes, notepad/<people_id> [people $.people_id]
-- column stream: which stream the landed record belongs to
-- column source_key: key of the landed record
-- column snapshot: the snapshot that holds it
-- column fetched_at: when it was received, UTC
-- column customer_id: the customer it is about
-- column conversation_id: the conversation it goes to; null when there is none
-- column last_placed_at: time of the last message there, UTC; null when there is none
-- column text: the note, with words that say what it is [people $.notepad]
-- column rule: why it is not carried over; null when it is
with

people as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        fetched_at,
        person_id,
        notepad
    from source.customers
    where quarantine_rule is null and notepad is not null
),

actors as (
    select
        actor_id,
        customer_id,
        is_skipped
    from staged.actors
),

identities as (
    select
        customer_id,
        value as conversation_id
    from staged.customer_identities
    where kind = 'conversation'
),

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

messages as (
    select
        messages.conversation_id,
        least(messages.sent_at, messages.fetched_at) as placed_at
    from source.messages
    left anti join not_staged
        on messages.stream = not_staged.stream and messages.source_key = not_staged.source_key
),

ends as (
    select
        conversation_id,
        max(placed_at) as last_placed_at
    from messages
    group by conversation_id
),

newest as (
    select
        identities.customer_id,
        first_value(
            ends.conversation_id order by ends.last_placed_at desc, ends.conversation_id
        ) as conversation_id,
        max(ends.last_placed_at) as last_placed_at
    from identities
    inner join ends on identities.conversation_id = ends.conversation_id
    group by identities.customer_id
),

final as (
    select
        people.platform,
        concat('notepad/', people.person_id) as message_id,
        people.stream,
        people.source_key,
        people.snapshot,
        people.fetched_at,
        actors.customer_id,
        newest.conversation_id,
        newest.last_placed_at,
        concat('[note about this person] ', people.notepad) as text,
        case
            when mapping.notepad = 'skip' then 'notepad_skipped'
            when newest.conversation_id is null then 'notepad_without_ticket'
        end as rule
    from people
    inner join actors on concat('person:', people.person_id) = actors.actor_id
    left join newest on actors.customer_id = newest.customer_id
    cross join config.mapping as mapping
)

select * from final order by message_id
