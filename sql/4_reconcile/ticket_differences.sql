-- grain: one row per ticket and field in which staged and target differ
-- key: source_id, target_id, field
-- column source_id: the staged ticket; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was staged, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does
with

planned as (
    select ticket_id
    from plan.tickets
),

tags as (
    select
        ticket_id,
        string_agg(tag, ', ' order by tag) as tags
    from staged.ticket_tags
    group by ticket_id
),

customers as (
    select
        customer_id,
        email
    from staged.customers
),

agents_in_target as (
    select
        source_id as agent_id,
        target_id
    from ledger.records
    where kind = 'agent' and target_id is not null
),

customers_in_target as (
    select
        source_id as customer_id,
        target_id
    from ledger.records
    where kind = 'customer' and target_id is not null
),

expected as (
    select
        tickets.ticket_id as source_id,
        tickets.subject,
        tickets.status,
        case
            when
                tickets.origin = 'email'
                and customers.email is not null
                and mapping.email_channel = 'email'
                then 'email'
            else mapping.chat_channel
        end as channel,
        tickets.is_blocked as is_spam,
        tickets.created_at,
        customers_in_target.target_id as customer_target_id,
        tickets.assignee_agent_id,
        agents_in_target.target_id as assignee_target_id,
        coalesce(tags.tags, '') as tags
    from staged.tickets
    inner join planned on tickets.ticket_id = planned.ticket_id
    cross join config.mapping as mapping
    left join customers on tickets.customer_id = customers.customer_id
    left join tags on tickets.ticket_id = tags.ticket_id
    left join customers_in_target
        on tickets.customer_id = customers_in_target.customer_id
    left join agents_in_target
        on tickets.assignee_agent_id = agents_in_target.agent_id
),

found_tags as (
    select
        target_id,
        unnest(json_items(tags)) as tag
    from readback.tickets
    where tags is not null
),

found_tag_names as (
    select
        target_id,
        json_row(tag, 'name TEXT PATH $.name') as document
    from found_tags
),

found_tag_lists as (
    select
        target_id,
        string_agg(document['name'], ', ' order by document['name']) as tags
    from found_tag_names
    group by target_id
),

found as (
    select
        tickets.target_id,
        tickets.external_id,
        tickets.subject,
        tickets.status,
        tickets.channel,
        tickets.is_spam,
        tickets.is_trashed,
        tickets.created_at,
        tickets.customer_target_id,
        tickets.assignee_target_id,
        coalesce(found_tag_lists.tags, '') as tags,
        row_number() over (partition by tickets.external_id order by tickets.target_id) as place
    from readback.tickets
    left join found_tag_lists on tickets.target_id = found_tag_lists.target_id
),

paired as (
    select
        expected.source_id,
        found.target_id,
        expected.subject,
        found.subject as found_subject,
        expected.status,
        found.status as found_status,
        expected.channel,
        found.channel as found_channel,
        expected.is_spam,
        found.is_spam as found_is_spam,
        found.is_trashed,
        expected.created_at,
        found.created_at as found_created_at,
        expected.customer_target_id,
        found.customer_target_id as found_customer_target_id,
        expected.assignee_agent_id,
        expected.assignee_target_id,
        found.assignee_target_id as found_assignee_target_id,
        expected.tags,
        found.tags as found_tags
    from expected
    left join found on expected.source_id = found.external_id and found.place = 1
),

compared as (
    select
        source_id,
        target_id,
        'existence' as field,
        'once' as expected,
        'missing' as found,
        cast(null as varchar) as rule
    from paired
    where target_id is null
    union all
    select
        found.external_id as source_id,
        found.target_id,
        'existence' as field,
        'once' as expected,
        concat('again, place ', found.place) as found,
        cast(null as varchar) as rule
    from found
    left semi join expected on found.external_id = expected.source_id
    where found.place > 1
    union all
    select source_id, target_id, 'subject' as field, subject as expected, found_subject as found,
        cast(null as varchar) as rule
    from paired
    where target_id is not null and trim(subject) is distinct from trim(found_subject)
    union all
    select source_id, target_id, 'status' as field, status as expected, found_status as found,
        cast(null as varchar) as rule
    from paired
    where target_id is not null and status is distinct from found_status
    union all
    select source_id, target_id, 'channel' as field, channel as expected, found_channel as found,
        cast(null as varchar) as rule
    from paired
    where target_id is not null and channel is distinct from found_channel
    union all
    select source_id, target_id, 'spam' as field, cast(is_spam as varchar) as expected,
        cast(found_is_spam as varchar) as found, cast(null as varchar) as rule
    from paired
    where target_id is not null and is_spam is distinct from found_is_spam
    union all
    select source_id, target_id, 'trash' as field, 'false' as expected, 'true' as found,
        cast(null as varchar) as rule
    from paired
    where target_id is not null and is_trashed
    union all
    select source_id, target_id, 'created_at' as field, cast(created_at as varchar) as expected,
        cast(found_created_at as varchar) as found, cast(null as varchar) as rule
    from paired
    where target_id is not null and created_at is distinct from found_created_at
    union all
    select source_id, target_id, 'customer' as field, customer_target_id as expected,
        found_customer_target_id as found, cast(null as varchar) as rule
    from paired
    where
        target_id is not null and customer_target_id is distinct from found_customer_target_id
    union all
    select source_id, target_id, 'assignee' as field,
        coalesce(assignee_target_id, assignee_agent_id) as expected,
        found_assignee_target_id as found,
        case
            when assignee_agent_id is not null and assignee_target_id is null
                then 'agent_not_in_target'
        end as rule
    from paired
    where
        target_id is not null and assignee_target_id is distinct from found_assignee_target_id
    union all
    select source_id, target_id, 'assignee' as field, assignee_agent_id as expected,
        found_assignee_target_id as found, 'agent_not_in_target' as rule
    from paired
    where
        target_id is not null
        and assignee_agent_id is not null
        and assignee_target_id is null
        and found_assignee_target_id is null
    union all
    select source_id, target_id, 'tags' as field, tags as expected, found_tags as found,
        cast(null as varchar) as rule
    from paired
    where target_id is not null and tags is distinct from found_tags
),

staged_tickets as (
    select ticket_id
    from staged.tickets
),

created as (
    select target_id
    from ledger.records
    where kind = 'ticket' and target_id is not null
),

-- A ticket is ours by its external id, its tag or the ledger; what is ours and not planned should
-- not be there.
ours as (
    select
        found.target_id,
        found.external_id
    from found
    left join staged_tickets on found.external_id = staged_tickets.ticket_id
    left join created on found.target_id = created.target_id
    cross join config.mapping as mapping
    where
        staged_tickets.ticket_id is not null
        or created.target_id is not null
        or concat(', ', found.tags, ', ') like concat('%, ', mapping.import_tag, ', %')
),

extra as (
    select
        coalesce(ours.external_id, concat('target/', ours.target_id)) as source_id,
        ours.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        cast(null as varchar) as rule
    from ours
    left anti join expected on ours.external_id = expected.source_id
),

final as (
    select source_id, target_id, field, expected, found, rule from compared
    union all
    select source_id, target_id, field, expected, found, rule from extra
)

select * from final order by source_id, target_id, field
