-- grain: one row per record and rule by which the target holds less than was staged
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
    select
        ticket_id,
        created_at
    from plan.tickets
),

planned_messages as (
    select
        message_id,
        part_of,
        public,
        channel
    from plan.messages
),

-- The target makes a profile with an address only.
people_without_address as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'person_without_address' as rule,
        'what is known of the person is kept in the conversations' as detail
    from staged.customers
    where email is null and not is_skipped
),

beginnings as (
    select
        tickets.platform,
        'tickets' as stream,
        tickets.ticket_id as source_id,
        tickets.ticket_id,
        'beginning_in_data' as rule,
        'the conversation begins at the time of the import; its data says when it did' as detail
    from staged.tickets
    left semi join planned_tickets on tickets.ticket_id = planned_tickets.ticket_id
),

copied as (
    select
        tickets.platform,
        'tickets' as stream,
        tickets.ticket_id as source_id,
        tickets.ticket_id,
        'participants_left_out' as rule,
        concat(
            array_length(json_items(tickets.participants))
            - cast(mapping.participants_max as bigint),
            ' people in copy are more than participants_max'
        ) as detail
    from staged.tickets
    left semi join planned_tickets on tickets.ticket_id = planned_tickets.ticket_id
    cross join config.mapping as mapping
    where
        array_length(json_items(coalesce(tickets.participants, '[]')))
        > cast(mapping.participants_max as bigint)
),

split_texts as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'text_split' as rule,
        concat('the text is in ', pieces.pieces, ' messages, because it is long') as detail
    from plan.pieces as pieces
    inner join staged.messages on pieces.message_id = messages.message_id
    where pieces.pieces > 1
),

linked_files as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'note_file_as_link' as rule,
        'a file would be seen by the customer, so the note leads to it' as detail
    from staged.messages
    left semi join plan.pieces as pieces
        on messages.message_id = pieces.part_of and pieces.form = 'link'
),

-- A channel of another plugin is not ours to name.
other_channels as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'channel_as_chat' as rule,
        concat('it came by ', messages.origin) as detail
    from staged.messages
    left semi join planned_messages on messages.message_id = planned_messages.message_id
    where coalesce(messages.origin, '') not in ('', 'chat', 'email')
),

mails_as_chat as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'email_as_chat' as rule,
        'every e-mail becomes a chat message, as configured' as detail
    from staged.messages
    inner join planned_messages on messages.message_id = planned_messages.message_id
    where
        messages.origin = 'email'
        and planned_messages.public
        and planned_messages.channel <> 'email'
),

named_companies as (
    select distinct customer_companies.company_id
    from staged.customer_companies
    inner join plan.customers as planned on customer_companies.customer_id = planned.customer_id
),

companies as (
    select
        companies.platform,
        'companies' as stream,
        companies.company_id as source_id,
        cast(null as varchar) as ticket_id,
        'company_not_carried' as rule,
        'none of its people has a profile' as detail
    from staged.companies
    left anti join named_companies on companies.company_id = named_companies.company_id
),

help_center as (
    select
        platform,
        stream,
        source_id,
        rule,
        detail
    from plan.help_center_losses
),

everything as (
    select platform, stream, source_id, ticket_id, rule, detail from people_without_address
    union all
    select platform, stream, source_id, ticket_id, rule, detail from beginnings
    union all
    select platform, stream, source_id, ticket_id, rule, detail from copied
    union all
    select platform, stream, source_id, ticket_id, rule, detail from split_texts
    union all
    select platform, stream, source_id, ticket_id, rule, detail from linked_files
    union all
    select platform, stream, source_id, ticket_id, rule, detail from other_channels
    union all
    select platform, stream, source_id, ticket_id, rule, detail from mails_as_chat
    union all
    select platform, stream, source_id, ticket_id, rule, detail from companies
    union all
    select platform, stream, source_id, cast(null as varchar) as ticket_id, rule, detail
    from help_center
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
                        'customers', 'companies', 'tickets', 'kb_categories', 'kb_articles'
                    )
                    then 'staged.'
                else 'landing.'
            end,
            stream,
            ' key ',
            source_id
        ) as survives_in
    from everything
    union all
    select platform, stream, source_id, ticket_id, rule, detail, survives_in
    from plan.general_losses
)

select * from final order by stream, source_id, rule
