-- grain: one row per record and rule by which the target holds less than was staged
-- key: stream, source_id, rule
-- column platform: where the record comes from
-- column stream: landed stream of the record, or customers
-- column source_id: its id
-- column ticket_id: its ticket; null for a customer
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
        'conversations' as stream,
        source_id,
        ticket_id,
        'no_messages' as rule,
        'a ticket cannot be created without a message' as detail
    from staged.tickets
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

shared_phones as (
    select
        customers.platform,
        'customers' as stream,
        customers.customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'phone_shared' as rule,
        'another customer has the same telephone number' as detail
    from staged.customers
    inner join plan.customers as planned on customers.customer_id = planned.customer_id
    where customers.phone is not null and planned.phone is null
),

unread_phones as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'phone_not_certain' as rule,
        'the number lacks its country, so it is not carried' as detail
    from staged.customers
    where phone_as_written is not null and not is_skipped
),

thin_customers as (
    select
        platform,
        'customers' as stream,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'profile_fields_not_carried' as rule,
        concat_ws(
            ', ',
            case when segments is not null then 'segments' end,
            case when data is not null then 'data' end,
            case when company_name is not null then 'company' end,
            case when utc_offset_min is not null then 'time zone offset' end,
            case when other_fields > 0 then 'other fields of the profile' end
        ) as detail
    from staged.customers
    where
        not is_skipped
        and (
            segments is not null
            or data is not null
            or company_name is not null
            or utc_offset_min is not null
            or other_fields > 0
        )
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

bots as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'bot_as_legacy_agent' as rule,
        'a machine wrote this; its name is kept beside the message' as detail
    from staged.messages
    left semi join planned_tickets on messages.ticket_id = planned_tickets.ticket_id
    where messages.author_type in ('bot', 'plugin', 'trigger')
),

mails_as_chat as (
    select
        messages.platform,
        messages.stream,
        messages.message_id as source_id,
        messages.ticket_id,
        'email_as_chat' as rule,
        'an e-mail needs an address on both sides' as detail
    from staged.messages
    inner join plan.messages as planned on messages.message_id = planned.message_id
    where messages.origin = 'email' and planned.channel = 'chat'
),

everything as (
    select platform, stream, source_id, ticket_id, rule, detail from empty_tickets
    union all
    select platform, stream, source_id, ticket_id, rule, detail from skipped_customers
    union all
    select platform, stream, source_id, ticket_id, rule, detail from skipped_messages
    union all
    select platform, stream, source_id, ticket_id, rule, detail from shared_phones
    union all
    select platform, stream, source_id, ticket_id, rule, detail from unread_phones
    union all
    select platform, stream, source_id, ticket_id, rule, detail from thin_customers
    union all
    select platform, stream, source_id, ticket_id, rule, detail from participants
    union all
    select platform, stream, source_id, ticket_id, rule, detail from bots
    union all
    select platform, stream, source_id, ticket_id, rule, detail from mails_as_chat
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
            case when stream = 'customers' then 'staged.' else 'landing.' end,
            stream,
            ' key ',
            source_id
        ) as survives_in
    from everything
)

select * from final order by stream, source_id, rule
