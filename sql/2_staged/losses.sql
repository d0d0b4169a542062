-- grain: one row per record and rule by which something of it is cut, changed or left out
-- key: stream, source_id, rule
-- survives_in says where the original can still be read.
-- column stream: which stream the record belongs to
-- column source_id: its key
-- column ticket_id: the ticket it concerns, or its conversation where it belongs to no ticket
-- column rule: the rule
-- column detail: what happened, in words
-- column survives_in: where the original can be read
with

not_staged as (
    select
        stream,
        source_key
    from staged.fates
    where fate <> 'staged'
),

messages as (
    select
        stream,
        source_id,
        ticket_id,
        message_id,
        content_type,
        content_rule,
        is_text_cut,
        is_html_dropped,
        is_original_missing,
        is_text_partial,
        has_embedded_pictures,
        is_time_clamped,
        is_time_replaced,
        written_at
    from staged.messages
),

dropped as (
    select
        stream,
        source_key as source_id,
        ticket_id,
        rule,
        cast(null as varchar) as detail
    from staged.fates
    where fate = 'dropped'
),

kept_back as (
    select
        stream,
        source_key as source_id,
        ticket_id,
        rule,
        detail
    from source.losses
),

changed_content as (
    select
        stream,
        source_id,
        ticket_id,
        content_rule as rule,
        case content_rule
            when 'picker_as_text' then 'the choices are lines of the text'
            when 'field_as_text' then 'question and answer are lines of the text'
            when 'carousel_as_text' then 'the cards are lines of the text'
            when 'audio_as_file' then 'the recording is an attachment'
            when 'animation_as_file' then 'the animation is an attachment'
            when 'event_as_note' then 'the system line is an internal note'
            when 'unsent_as_note' then 'nobody got it; it is an internal note that says so'
            else concat('type ', content_type, ' is shown as its raw content')
        end as detail
    from messages
    where content_rule <> 'as_is'
),

cut_texts as (
    select
        stream,
        source_id,
        ticket_id,
        'text_cut' as rule,
        'the text is longer than 950000 bytes' as detail
    from messages
    where is_text_cut
),

dropped_html as (
    select
        stream,
        source_id,
        ticket_id,
        'html_dropped' as rule,
        'the page is longer than 950000 bytes or nested too deeply; its text is kept' as detail
    from messages
    where is_html_dropped
),

missing_originals as (
    select
        stream,
        source_id,
        ticket_id,
        'original_missing' as rule,
        'the original e-mail could not be read; its text is kept' as detail
    from messages
    where is_original_missing
),

partial_texts as (
    select
        stream,
        source_id,
        ticket_id,
        'text_is_partial' as rule,
        'the source handed out no more than the beginning of the text' as detail
    from messages
    where is_text_partial
),

embedded_pictures as (
    select
        stream,
        source_id,
        ticket_id,
        'embedded_picture_not_shown' as rule,
        'pictures inside the original e-mail are named where they stood' as detail
    from messages
    where has_embedded_pictures
),

clamped_times as (
    select
        stream,
        source_id,
        ticket_id,
        'time_in_future' as rule,
        'the time of sending is later than the time of reading, which stands in for it' as detail
    from messages
    where is_time_clamped
),

replaced_times as (
    select
        stream,
        source_id,
        ticket_id,
        'time_before_any_helpdesk' as rule,
        concat('written ', written_at, '; the beginning of the conversation stands in') as detail
    from messages
    where is_time_replaced
),

missing_files as (
    select
        message_id,
        string_agg(concat(name, ': ', reason), ', ' order by ordinal) as detail
    from staged.attachments
    where fetch_status = 'broken'
    group by message_id
),

broken_files as (
    select
        messages.stream,
        messages.source_id,
        messages.ticket_id,
        'attachment_not_available' as rule,
        missing_files.detail
    from messages
    inner join missing_files on messages.message_id = missing_files.message_id
),

notepads as (
    select
        stream,
        source_key as source_id,
        cast(null as varchar) as ticket_id,
        rule,
        cast(null as varchar) as detail
    from staged.notepads
    where rule is not null
),

skipped_tickets as (
    select
        stream,
        source_id,
        min(ticket_id) as ticket_id,
        'anonymous_skipped' as rule,
        concat(sum(messages), ' messages') as detail
    from staged.tickets
    where is_skipped
    group by stream, source_id
),

long_tags as (
    select
        tickets.stream,
        tickets.source_id,
        min(tickets.ticket_id) as ticket_id,
        'tag_cut' as rule,
        concat(count(distinct ticket_tags.tag), ' tags are longer than 256 characters') as detail
    from staged.ticket_tags
    inner join staged.tickets on ticket_tags.ticket_id = tickets.ticket_id
    where ticket_tags.is_cut
    group by tickets.stream, tickets.source_id
),

long_subjects as (
    select
        stream,
        source_id,
        min(ticket_id) as ticket_id,
        'subject_cut' as rule,
        'the subject is longer than 998 characters' as detail
    from staged.tickets
    where subject_rule = 'own_cut'
    group by stream, source_id
),

odd_profiles as (
    select
        stream,
        source_key as source_id,
        cast(null as varchar) as ticket_id,
        'not_an_email_address' as rule,
        'what stands as the e-mail address is none' as detail
    from source.customers
    where quarantine_rule is null and email is null and email_as_written is not null
    union all
    select
        tickets.stream,
        tickets.source_key as source_id,
        ticket_id,
        'not_an_email_address' as rule,
        'what stands as the e-mail address is none' as detail
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
    where person_email is null and person_email_as_written is not null
),

odd_times as (
    select
        tickets.stream,
        tickets.source_key as source_id,
        ticket_id,
        case
            when created_at > fetched_at then 'time_in_future'
            else 'time_before_any_helpdesk'
        end as rule,
        concat('began ', created_at, '; a time that can be true stands in') as detail
    from source.tickets
    left anti join not_staged
        on tickets.stream = not_staged.stream and tickets.source_key = not_staged.source_key
    where created_at > fetched_at or created_at < timestamp '1995-01-01T00:00:00Z'
),

odd_phones as (
    select
        split_part(source_id, '/', 1) as stream,
        substr(source_id, strpos(source_id, '/') + 1) as source_id,
        cast(null as varchar) as ticket_id,
        'not_a_phone_number' as rule,
        'what stands as the telephone number is none' as detail
    from staged.phones
    where rule = 'not_a_phone_number'
),

crowded_articles as (
    select
        stream,
        source_id,
        cast(null as varchar) as ticket_id,
        'article_in_one_category' as rule,
        concat(max(categories), ' categories list it') as detail
    from staged.kb_articles
    where categories > 1
    group by stream, source_id
),

help_center as (
    select 'article' as owner, article_id as owner_id, stream, source_id
    from staged.kb_articles
    union all
    select 'category' as owner, category_id as owner_id, stream, source_id
    from staged.kb_categories
),

-- A record may be a row for each language.
lost_pictures as (
    select
        help_center.stream,
        help_center.source_id,
        cast(null as varchar) as ticket_id,
        'article_picture_not_available' as rule,
        concat(
            count(*), ' pictures: ',
            string_agg(distinct kb_files.reason, ', ' order by kb_files.reason)
        ) as detail
    from staged.kb_files
    inner join help_center
        on kb_files.owner = help_center.owner and kb_files.owner_id = help_center.owner_id
    where kb_files.fetch_status = 'broken'
    group by help_center.stream, help_center.source_id
),

everything as (
    select stream, source_id, ticket_id, rule, detail from dropped
    union all
    select stream, source_id, ticket_id, rule, detail from kept_back
    union all
    select stream, source_id, ticket_id, rule, detail from crowded_articles
    union all
    select stream, source_id, ticket_id, rule, detail from lost_pictures
    union all
    select stream, source_id, ticket_id, rule, detail from changed_content
    union all
    select stream, source_id, ticket_id, rule, detail from cut_texts
    union all
    select stream, source_id, ticket_id, rule, detail from dropped_html
    union all
    select stream, source_id, ticket_id, rule, detail from missing_originals
    union all
    select stream, source_id, ticket_id, rule, detail from partial_texts
    union all
    select stream, source_id, ticket_id, rule, detail from embedded_pictures
    union all
    select stream, source_id, ticket_id, rule, detail from clamped_times
    union all
    select stream, source_id, ticket_id, rule, detail from replaced_times
    union all
    select stream, source_id, ticket_id, rule, detail from broken_files
    union all
    select stream, source_id, ticket_id, rule, detail from notepads
    union all
    select stream, source_id, ticket_id, rule, detail from skipped_tickets
    union all
    select stream, source_id, ticket_id, rule, detail from long_tags
    union all
    select stream, source_id, ticket_id, rule, detail from long_subjects
    union all
    select stream, source_id, ticket_id, rule, detail from odd_profiles
    union all
    select stream, source_id, ticket_id, rule, detail from odd_times
    union all
    select stream, source_id, ticket_id, rule, detail from odd_phones
),

final as (
    select
        everything.stream,
        everything.source_id,
        everything.ticket_id,
        everything.rule,
        everything.detail,
        concat('landing.', everything.stream, ' key ', everything.source_id) as survives_in
    from everything
)

select * from final order by stream, source_id, rule
