-- grain: one row per record and limit of the target that it would break as it is
-- key: kind, source_id, rule
-- Limits are those that the vendor documents and the two that it does not, payload_bytes_max and
-- upload_bytes_max. Nobody is called to find them.
-- column kind: customer, ticket or message
-- column source_id: its id
-- column ticket_id: its ticket; null for a customer
-- column rule: what it breaks; where the fix is applied, the rule that the losses name
-- column found: how much there is of it; null where that is not a number
-- column allowed: how much the target takes; null where that is not a number
-- column fix: applied, and then the plan holds what fits; or proposed, and then the target will
--   refuse it
-- column advice: what was done, or what to do
with

tickets as (
    select
        ticket_id,
        external_id,
        status,
        channel,
        messages,
        updates
    from plan.tickets
),

messages as (
    select
        ticket_id,
        message_id,
        position,
        channel,
        source_from_address,
        fits_create,
        bytes
    from plan.messages
),

customers as (
    select
        seq,
        customer_id,
        external_id,
        email
    from plan.customers
),

mapping as (
    select cast(payload_bytes_max as bigint) as payload_bytes_max
    from config.mapping
),

-- What was cut, changed or left out because the target would not take it.
lost as (
    select stream, source_id, ticket_id, rule, detail from staged.losses
    union all
    select stream, source_id, ticket_id, rule, detail from plan.losses
),

kinds as (
    select distinct stream, 'ticket' as kind
    from staged.tickets
    union
    select distinct split_part(source_id, '/', 1) as stream, 'customer' as kind
    from staged.customer_identities
    where kind = 'person_id'
    union
    select 'customers' as stream, 'customer' as kind
),

lost_by_kind as (
    select
        coalesce(kinds.kind, 'message') as kind,
        lost.source_id,
        lost.ticket_id,
        lost.rule,
        lost.detail
    from lost
    left join kinds on lost.stream = kinds.stream
    where
        lost.rule in (
            'subject_cut', 'tag_cut', 'text_cut', 'html_dropped', 'email_as_chat',
            'language_not_taken', 'file_too_large', 'phone_shared', 'not_an_email_address',
            'not_a_phone_number', 'no_messages'
        )
),

fixes as (
    select
        kind,
        source_id,
        rule,
        min(ticket_id) as ticket_id,
        case rule
            when 'subject_cut' then 998
            when 'tag_cut' then 256
            when 'text_cut' then 950000
            when 'html_dropped' then 950000
        end as allowed,
        min(detail) as advice
    from lost_by_kind
    group by kind, source_id, rule
),

-- More than one create takes: the rest is appended, and nothing is lost. A ticket that is loaded
-- needs no create.
long_tickets as (
    select
        messages.ticket_id,
        count(*) as messages
    from messages
    inner join tickets on messages.ticket_id = tickets.ticket_id
    where tickets.updates is null
    group by messages.ticket_id
    having count(*) filter (where not messages.fits_create) > 0
),

long_ids as (
    select 'ticket' as kind, ticket_id as source_id, ticket_id, external_id from tickets
    union all
    select 'message' as kind, message_id as source_id, ticket_id, message_id as external_id
    from messages
    union all
    select 'customer' as kind, customer_id as source_id, null as ticket_id, external_id
    from customers
),

-- The first by place is made, the others are found to be it.
doubled_emails as (
    select
        customer_id,
        row_number() over (partition by lower(email) order by seq) as email_place
    from customers
    where email is not null
),

refusals as (
    select
        kind,
        source_id,
        ticket_id,
        rule,
        cast(null as bigint) as found,
        allowed,
        'applied' as fix,
        advice
    from fixes
    union all
    select
        'ticket' as kind,
        ticket_id as source_id,
        ticket_id,
        'rest_appended' as rule,
        messages as found,
        500 as allowed,
        'applied' as fix,
        'more than one create takes; the rest is appended' as advice
    from long_tickets
    union all
    select
        kind,
        source_id,
        ticket_id,
        'id_too_long' as rule,
        char_length(external_id) as found,
        255 as allowed,
        'proposed' as fix,
        'give it a shorter external id in a model of your own' as advice
    from long_ids
    where char_length(external_id) > 255
    union all
    select
        'message' as kind,
        messages.message_id as source_id,
        messages.ticket_id,
        'message_too_large' as rule,
        messages.bytes as found,
        mapping.payload_bytes_max as allowed,
        'proposed' as fix,
        'it is sent alone; if the target says 413, cut it in a model of your own' as advice
    from messages
    cross join mapping
    where messages.bytes > mapping.payload_bytes_max
    union all
    select
        'message' as kind,
        message_id as source_id,
        ticket_id,
        'email_without_sender' as rule,
        cast(null as bigint) as found,
        cast(null as bigint) as allowed,
        'proposed' as fix,
        'give it another channel than email, or an address in source_from_address' as advice
    from messages
    where channel = 'email' and source_from_address is null
    union all
    select
        'customer' as kind,
        customer_id as source_id,
        null as ticket_id,
        'email_too_long' as rule,
        char_length(email) as found,
        320 as allowed,
        'proposed' as fix,
        'correct the address in the source, or leave it out in a model of your own' as advice
    from customers
    where char_length(email) > 320
    union all
    select
        'customer' as kind,
        customer_id as source_id,
        null as ticket_id,
        'email_doubled' as rule,
        cast(email_place as bigint) as found,
        1 as allowed,
        'proposed' as fix,
        'the target will say that there is one already, and that one stands in' as advice
    from doubled_emails
    where email_place > 1
    union all
    select
        'ticket' as kind,
        ticket_id as source_id,
        ticket_id,
        'unknown_word' as rule,
        cast(null as bigint) as found,
        cast(null as bigint) as allowed,
        'proposed' as fix,
        'status is open or closed; a channel is one of those that the target lists' as advice
    from tickets
    where
        status not in ('open', 'closed')
        or channel not in (
            'aircall', 'api', 'chat', 'contact_form', 'email', 'facebook', 'facebook-mention',
            'facebook-messenger', 'facebook-recommendations', 'help-center',
            'instagram-ad-comment', 'instagram-comment', 'instagram-direct-message',
            'instagram-mention', 'internal-note', 'phone', 'sms', 'twitter',
            'twitter-direct-message', 'whatsapp', 'yotpo-review'
        )
),

final as (
    select
        kind,
        source_id,
        ticket_id,
        rule,
        found,
        allowed,
        fix,
        advice
    from refusals
)

select * from final order by kind, source_id, rule
