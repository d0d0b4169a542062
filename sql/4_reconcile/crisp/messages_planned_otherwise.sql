-- grain: one row per planned message of which the plan says something else than what was staged
-- key: message_id
-- A message that the target takes in several is compared whole, and its first piece is named. Notes
-- about edits, and what the source removed since, have nothing staged to be compared with.
-- column message_id: the message
-- column is_text: whether its texts together are another one
-- column is_html: whether the page of an e-mail is
-- column is_sent_at: whether the time of one of its pieces is
-- column is_public: whether one shows it to the customer and the other does not
-- column is_from_agent: whether another side wrote it
with

attached as (
    select
        message_id,
        count(*) as files
    from staged.attachments
    where fetch_status = 'stored' and not is_inline
    group by message_id
),

staged_messages as (
    select
        messages.message_id,
        messages.direction,
        -- Of these the text is only the name of the file.
        case
            when
                attached.files is null
                or not (
                    messages.is_empty or messages.content_type in ('file', 'audio', 'animation')
                )
                then messages.body_text
        end as body_text,
        case
            when messages.origin = 'email' and messages.direction <> 'internal'
                then messages.body_html
        end as body_html,
        messages.sent_at
    from staged.messages
    left join attached on messages.message_id = attached.message_id
),

removed as (
    select message_id
    from plan.message_changes
    where change = 'removed'
),

-- A note about an edit is the plan's own and never was in the source.
planned as (
    select
        messages.message_id,
        messages.part_of,
        messages.position,
        case when position('/file/' in messages.message_id) = 0 then messages.body_text end
            as body_text,
        messages.body_html,
        messages.sent_at,
        messages.public,
        messages.from_agent
    from plan.messages
    left anti join removed on messages.part_of = removed.message_id
    where position('/edited/' in messages.part_of) = 0
),

several as (
    select distinct part_of
    from planned
    where message_id <> part_of
),

whole as (
    select
        planned.part_of as message_id,
        planned.body_text,
        planned.body_html,
        planned.sent_at as first_sent_at,
        planned.sent_at as last_sent_at,
        planned.public as is_public,
        planned.public as is_any_public,
        planned.from_agent as is_from_agent,
        planned.from_agent as is_any_from_agent
    from planned
    left anti join several on planned.part_of = several.part_of
    union all
    select
        planned.part_of as message_id,
        string_agg(planned.body_text, '' order by planned.position) as body_text,
        max(planned.body_html) as body_html,
        min(planned.sent_at) as first_sent_at,
        max(planned.sent_at) as last_sent_at,
        bool_and(planned.public) as is_public,
        bool_or(planned.public) as is_any_public,
        bool_and(planned.from_agent) as is_from_agent,
        bool_or(planned.from_agent) as is_any_from_agent
    from planned
    left semi join several on planned.part_of = several.part_of
    group by planned.part_of
),

compared as (
    select
        whole.message_id,
        staged_messages.body_text is not null
        and (staged_messages.body_text is distinct from whole.body_text) as is_text,
        staged_messages.body_html is distinct from whole.body_html as is_html,
        (staged_messages.sent_at is distinct from whole.first_sent_at)
        or (staged_messages.sent_at is distinct from whole.last_sent_at) as is_sent_at,
        ((staged_messages.direction <> 'internal') is distinct from whole.is_public)
        or whole.is_public <> whole.is_any_public as is_public,
        ((staged_messages.direction <> 'in') is distinct from whole.is_from_agent)
        or whole.is_from_agent <> whole.is_any_from_agent as is_from_agent
    from whole
    left join staged_messages on whole.message_id = staged_messages.message_id
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
