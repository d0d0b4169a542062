-- grain: one row per person with a note about them, when such notes are carried over
-- key: message_id
-- The note goes to the end of the newest ticket of that person that has messages, and takes the
-- time of the last message there, so that no ticket looks younger than it is.
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
        value as ticket_id
    from staged.customer_identities
    where kind = 'conversation'
),

messages as (
    select
        ticket_id,
        least(sent_at, fetched_at) as sent_at
    from staged.message_texts
),

ends as (
    select
        ticket_id,
        max(sent_at) as last_sent_at
    from messages
    group by ticket_id
),

newest as (
    select
        identities.customer_id,
        first_value(ends.ticket_id order by ends.last_sent_at desc, ends.ticket_id) as ticket_id,
        max(ends.last_sent_at) as last_sent_at
    from identities
    inner join ends on identities.ticket_id = ends.ticket_id
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
        newest.ticket_id,
        newest.last_sent_at as sent_at,
        concat('[note about this person] ', people.notepad) as text,
        case
            when mapping.notepad = 'skip' then 'notepad_skipped'
            when newest.ticket_id is null then 'notepad_without_ticket'
        end as rule
    from people
    inner join actors on concat('person:', people.person_id) = actors.actor_id
    left join newest on actors.customer_id = newest.customer_id
    cross join config.mapping as mapping
)

select * from final order by message_id
