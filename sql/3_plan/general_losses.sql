-- grain: one row per record and rule by which any target holds less than was staged
-- key: stream, source_id, rule
-- column platform: where the record comes from
-- column stream: landed stream of the record; or the staged table, where no landed record is it
-- column source_id: its id
-- column ticket_id: its ticket; null when it belongs to none
-- column rule: the rule by which the target holds less
-- column detail: what exactly is lost, in words; null when the rule says it all
-- column survives_in: table and key where the original can be read
with

planned_tickets as (
    select ticket_id
    from plan.tickets
),

empty_tickets as (
    select
        platform,
        stream,
        source_id,
        ticket_id,
        'no_messages' as rule,
        'a ticket cannot be created without a message' as detail
    from staged.tickets
    left anti join planned_tickets on tickets.ticket_id = planned_tickets.ticket_id
    where messages = 0
),

skipped_customers as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'anonymous_skipped' as rule,
        'people without an e-mail address are left out' as detail
    from staged.customers
    where is_skipped
),

skipped_messages as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'ticket_not_planned' as rule,
        cast(null as varchar) as detail
    from staged.messages
    left anti join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
),

participants as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'participant_as_customer' as rule,
        'somebody in copy wrote this; the name is kept beside the message' as detail
    from staged.messages
    left semi join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
    where messages.author_type = 'participant'
),

edits as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        case when changes.note_id is null then 'edit_not_shown' else 'edited_after_load' end
            as rule,
        case
            when changes.note_id is null
                then 'the target shows the text as it was loaded, as configured'
            else 'the target shows the text as it was loaded, and the new one in a note'
        end as detail
    from plan.message_changes as changes
    inner join staged.messages on changes.message_id = messages.message_id
    where changes.change = 'edited'
),

large_files as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'file_too_large' as rule,
        concat(count(*), ' files are longer than upload_bytes_max') as detail
    from staged.attachments
    inner join staged.messages on attachments.message_id = messages.message_id
    left semi join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
    left semi join plan.uploads as uploads
        on attachments.sha256 = uploads.sha256 and uploads.is_too_large
    group by messages.platform, messages.stream, messages.message_id, messages.ticket_id
),

-- What has no equal in the target that a replay could make.
others as (
    select
        platform,
        'documents' as stream,
        document_id as source_id,
        cast(null as varchar) as ticket_id,
        'made_again_by_hand' as rule,
        reason_not_migrated as detail
    from staged.documents
    union all
    select
        platform,
        'teams' as stream,
        team_id as source_id,
        cast(null as varchar) as ticket_id,
        'team_not_carried' as rule,
        cast(null as varchar) as detail
    from staged.teams
    union all
    select
        platform,
        'customer_events' as stream,
        event_id as source_id,
        cast(null as varchar) as ticket_id,
        'customer_event_not_carried' as rule,
        cast(null as varchar) as detail
    from staged.customer_events
),

everything as (
    select platform, stream, source_id, ticket_id, rule, detail from empty_tickets
    union all
    select platform, stream, source_id, ticket_id, rule, detail from skipped_customers
    union all
    select platform, stream, source_id, ticket_id, rule, detail from skipped_messages
    union all
    select platform, stream, source_id, ticket_id, rule, detail from participants
    union all
    select platform, stream, source_id, ticket_id, rule, detail from edits
    union all
    select platform, stream, source_id, ticket_id, rule, detail from large_files
    union all
    select platform, stream, source_id, ticket_id, rule, detail from others
),

final as (
    select
        platform,
        stream,
        source_id,
        ticket_id,
        rule,
        detail,
        concat(
            case
                when
                    stream in (
                        'customers', 'documents', 'teams', 'companies', 'customer_events'
                    )
                    then 'staged.'
                else 'landing.'
            end,
            stream,
            ' key ',
            source_id
        ) as survives_in
    from everything
)

select * from final order by stream, source_id, rule
