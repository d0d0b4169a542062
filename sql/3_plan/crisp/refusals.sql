-- grain: one row per record and limit of the target that it would break as it is
-- key: kind, source_id, rule
-- Limits are those that the vendor documents, and those that its own importer keeps to. Nobody is
-- called to find them.
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

mapping as (
    select
        cast(text_chars_max as bigint) as text_chars_max,
        cast(participants_max as bigint) as participants_max
    from config.mapping
),

tickets as (
    select
        ticket_id,
        messages
    from plan.tickets
),

customers as (
    select
        seq,
        customer_id,
        email
    from plan.customers
),

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
    union
    select 'tickets' as stream, 'ticket' as kind
),

fixes as (
    select
        coalesce(kinds.kind, 'message') as kind,
        lost.source_id,
        lost.rule,
        min(lost.ticket_id) as ticket_id,
        min(lost.detail) as advice
    from lost
    left join kinds on lost.stream = kinds.stream
    where
        lost.rule in (
            'subject_cut', 'tag_cut', 'text_cut', 'html_dropped', 'file_too_large',
            'not_an_email_address', 'not_a_phone_number', 'no_messages', 'text_split',
            'person_without_address', 'participants_left_out', 'note_file_as_link'
        )
    group by coalesce(kinds.kind, 'message'), lost.source_id, lost.rule
),

-- Two messages of one number would be taken for one.
numbered as (
    select
        ticket_id,
        message_id,
        row_number() over (
            partition by ticket_id, hash_number(message_id)
            order by position
        ) as number_place
    from plan.messages
),

doubled_emails as (
    select
        customer_id,
        row_number() over (partition by lower(email) order by seq) as email_place
    from customers
),

refusals as (
    select
        fixes.kind,
        fixes.source_id,
        fixes.ticket_id,
        fixes.rule,
        cast(null as bigint) as found,
        case fixes.rule
            when 'subject_cut' then 998
            when 'tag_cut' then 256
            when 'text_cut' then 950000
            when 'html_dropped' then 950000
            when 'text_split' then mapping.text_chars_max
            when 'participants_left_out' then mapping.participants_max
        end as allowed,
        'applied' as fix,
        fixes.advice
    from fixes
    cross join mapping
    union all
    select
        'ticket' as kind,
        ticket_id as source_id,
        ticket_id,
        'too_many_messages' as rule,
        messages as found,
        10000 as allowed,
        'proposed' as fix,
        'set messages_per_ticket_max of [mapping] lower: files and long texts are messages here'
            as advice
    from tickets
    where messages > 10000
    union all
    select
        'message' as kind,
        message_id as source_id,
        ticket_id,
        'number_doubled' as rule,
        cast(null as bigint) as found,
        cast(null as bigint) as allowed,
        'proposed' as fix,
        'another message of the conversation has the same number; give it another id in a model of '
        || 'your own' as advice
    from numbered
    where number_place > 1
    union all
    select
        'customer' as kind,
        customer_id as source_id,
        cast(null as varchar) as ticket_id,
        'email_doubled' as rule,
        cast(email_place as bigint) as found,
        1 as allowed,
        'proposed' as fix,
        'the target will say that there is one already, and that one stands in' as advice
    from doubled_emails
    where email_place > 1
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
