-- grain: one row per planned message of which the plan says something else than what was staged
-- key: message_id
-- Notes about edits, and what the source removed since, have nothing staged to be compared with.
-- column message_id: the message
-- column is_text: whether its text is another one
-- column is_html: whether its page is
-- column is_sent_at: whether its time is
-- column is_public: whether one shows it to the customer and the other does not
-- column is_from_agent: whether another side wrote it
with

staged_messages as (
    select
        message_id,
        direction,
        body_text,
        body_html,
        sent_at
    from staged.messages
),

removed as (
    select message_id
    from plan.message_changes
    where change = 'removed'
),

-- A note about an edit is the plan's own and never was in the source.
planned as (
    select
        message_id,
        body_text,
        body_html,
        sent_at,
        public,
        from_agent
    from plan.messages
    left anti join removed on messages.message_id = removed.message_id
    where position('/edited/' in messages.message_id) = 0
),

compared as (
    select
        planned.message_id,
        staged_messages.body_text is distinct from planned.body_text as is_text,
        staged_messages.body_html is distinct from planned.body_html as is_html,
        staged_messages.sent_at is distinct from planned.sent_at as is_sent_at,
        (staged_messages.direction <> 'internal') is distinct from planned.public as is_public,
        (staged_messages.direction <> 'in') is distinct from planned.from_agent as is_from_agent
    from planned
    left join staged_messages on planned.message_id = staged_messages.message_id
),

final as (
    select
        message_id,
        is_text,
        is_html,
        is_sent_at,
        is_public,
        is_from_agent
    from compared
    where is_text or is_html or is_sent_at or is_public or is_from_agent
)

select * from final order by message_id
