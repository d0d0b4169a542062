-- grain: one row per ticket and field in which plan and target differ
-- key: source_id, target_id, field
-- column source_id: the staged ticket; target/<id> for one of the target that has none
-- column target_id: id of the record in the target; null when it is not there
-- column field: what differs; existence when there is not exactly one
-- column expected: what was planned, as text
-- column found: what the target holds, as text
-- column rule: the rule that explains it; null when none does; planned_otherwise when the plan
--   itself says something else than what was staged
with

staged_tickets as (
    select ticket_id
    from staged.tickets
),

planned_otherwise as (
    select
        ticket_id,
        is_subject,
        is_status,
        is_spam,
        is_created_at
    from reconcile.tickets_planned_otherwise
),

removed_ids as (
    select ticket_id
    from plan.changes
    where kind = 'ticket' and change = 'removed'
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

planned_tags as (
    select
        ticket_id,
        unnest(json_texts(tags)) as tag
    from plan.tickets
),

tag_lists as (
    select
        ticket_id,
        string_agg(tag, ', ' order by tag) as tags
    from planned_tags
    group by ticket_id
),

expected as (
    select
        planned.ticket_id as source_id,
        planned.external_id,
        planned.subject,
        planned.status,
        planned.channel,
        planned.via,
        planned.from_agent,
        planned.spam as is_spam,
        planned.created_at,
        planned.updated_at,
        planned.opened_at,
        planned.closed_at,
        planned.last_message_at,
        planned.last_received_message_at,
        planned.messages,
        planned.customer_id,
        customers_in_target.target_id as customer_target_id,
        planned.assignee_agent_id,
        agents_in_target.target_id as assignee_target_id,
        coalesce(tag_lists.tags, '') as tags,
        nullif(json_sorted(planned.meta), '{}') as meta,
        coalesce(planned_otherwise.is_subject, false) as is_subject_planned_otherwise,
        coalesce(planned_otherwise.is_status, false) as is_status_planned_otherwise,
        coalesce(planned_otherwise.is_spam, false) as is_spam_planned_otherwise,
        coalesce(planned_otherwise.is_created_at, false) as is_time_planned_otherwise
    from plan.tickets as planned
    left join planned_otherwise on planned.ticket_id = planned_otherwise.ticket_id
    left join tag_lists on planned.ticket_id = tag_lists.ticket_id
    left join customers_in_target on planned.customer_id = customers_in_target.customer_id
    left join agents_in_target on planned.assignee_agent_id = agents_in_target.agent_id
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
        tickets.via,
        tickets.from_agent,
        tickets.is_spam,
        tickets.is_trashed,
        tickets.created_at,
        tickets.updated_at,
        tickets.opened_at,
        tickets.closed_at,
        tickets.last_message_at,
        tickets.last_received_message_at,
        tickets.messages,
        tickets.customer_target_id,
        tickets.assignee_target_id,
        tickets.meta,
        coalesce(found_tag_lists.tags, '') as tags,
        row_number() over (partition by tickets.external_id order by tickets.target_id) as place
    from readback.tickets
    left join found_tag_lists on tickets.target_id = found_tag_lists.target_id
),

paired as (
    select
        expected.source_id,
        found.target_id,
        unnest(make_array(
            named_struct('field', 'subject', 'expected', trim(expected.subject),
                'found', trim(found.subject), 'rule', cast(null as varchar)),
            named_struct('field', 'status', 'expected', expected.status,
                'found', found.status, 'rule', cast(null as varchar)),
            named_struct('field', 'channel', 'expected', expected.channel,
                'found', found.channel, 'rule', cast(null as varchar)),
            named_struct('field', 'via', 'expected', expected.via,
                'found', found.via, 'rule', cast(null as varchar)),
            named_struct('field', 'from_agent', 'expected', cast(expected.from_agent as varchar),
                'found', cast(found.from_agent as varchar), 'rule', cast(null as varchar)),
            named_struct('field', 'spam', 'expected', cast(expected.is_spam as varchar),
                'found', cast(found.is_spam as varchar), 'rule', cast(null as varchar)),
            named_struct('field', 'trash', 'expected', 'false',
                'found', cast(found.is_trashed as varchar), 'rule', cast(null as varchar)),
            named_struct('field', 'created_at', 'expected', cast(expected.created_at as varchar),
                'found', cast(found.created_at as varchar), 'rule', cast(null as varchar)),
            -- The target moves this time forward whenever it works on the ticket.
            named_struct('field', 'updated_at', 'expected', cast(expected.updated_at as varchar),
                'found', cast(found.updated_at as varchar),
                'rule', case
                    when found.updated_at > expected.updated_at then 'updated_since'
                end),
            named_struct('field', 'opened_at', 'expected', cast(expected.opened_at as varchar),
                'found', cast(found.opened_at as varchar),
                'rule', case when expected.opened_at is null then 'opened_since' end),
            named_struct('field', 'closed_at', 'expected', cast(expected.closed_at as varchar),
                'found', cast(found.closed_at as varchar), 'rule', cast(null as varchar)),
            named_struct('field', 'last_message_at',
                'expected', cast(expected.last_message_at as varchar),
                'found', cast(found.last_message_at as varchar), 'rule', cast(null as varchar)),
            named_struct('field', 'last_received_message_at',
                'expected', cast(expected.last_received_message_at as varchar),
                'found', cast(found.last_received_message_at as varchar),
                'rule', cast(null as varchar)),
            -- A list that does not count messages is taken at its word for those it shows.
            named_struct('field', 'messages', 'expected', cast(expected.messages as varchar),
                'found', cast(coalesce(found.messages, expected.messages) as varchar),
                'rule', cast(null as varchar)),
            named_struct('field', 'customer', 'expected', expected.customer_target_id,
                'found', found.customer_target_id,
                'rule', case when expected.customer_id is null then 'filled_by_vendor' end),
            named_struct('field', 'meta', 'expected', expected.meta,
                'found', found.meta, 'rule', cast(null as varchar)),
            named_struct('field', 'assignee',
                'expected', coalesce(expected.assignee_target_id, expected.assignee_agent_id),
                'found', found.assignee_target_id,
                'rule', case
                    when expected.assignee_target_id is null
                        and expected.assignee_agent_id is not null
                        then 'agent_not_in_target'
                end),
            named_struct('field', 'tags', 'expected', expected.tags,
                'found', found.tags, 'rule', cast(null as varchar)),
            named_struct('field', 'subject',
                'expected', case when expected.is_subject_planned_otherwise then 'as staged' end,
                'found', case when expected.is_subject_planned_otherwise then found.subject end,
                'rule', 'planned_otherwise'),
            named_struct('field', 'status',
                'expected', case when expected.is_status_planned_otherwise then 'as staged' end,
                'found', case when expected.is_status_planned_otherwise then found.status end,
                'rule', 'planned_otherwise'),
            named_struct('field', 'spam',
                'expected', case when expected.is_spam_planned_otherwise then 'as staged' end,
                'found', case
                    when expected.is_spam_planned_otherwise then cast(found.is_spam as varchar)
                end,
                'rule', 'planned_otherwise'),
            named_struct('field', 'created_at',
                'expected', case when expected.is_time_planned_otherwise then 'as staged' end,
                'found', case
                    when expected.is_time_planned_otherwise then cast(found.created_at as varchar)
                end,
                'rule', 'planned_otherwise')
        )) as difference
    from expected
    inner join found on expected.external_id = found.external_id and found.place = 1
),

-- What differs from the plan is told once, whatever the plan says otherwise.
differing as (
    select
        source_id,
        target_id,
        difference['field'] as field,
        difference['expected'] as expected,
        difference['found'] as found,
        difference['rule'] as rule,
        row_number() over (
            partition by source_id, target_id, difference['field']
            order by difference['rule'] = 'planned_otherwise' nulls first
        ) as place
    from paired
    where difference['expected'] is distinct from difference['found']
),

planned_ids as (
    select
        ticket_id as source_id,
        external_id
    from plan.tickets
),

found_ids as (
    select
        target_id,
        external_id,
        row_number() over (partition by external_id order by target_id) as place
    from readback.tickets
    where external_id is not null
),

not_once as (
    select
        planned_ids.source_id,
        cast(null as varchar) as target_id,
        'existence' as field,
        'once' as expected,
        'missing' as found,
        cast(null as varchar) as rule
    from planned_ids
    left anti join found_ids on planned_ids.external_id = found_ids.external_id
    union all
    select
        found_ids.external_id as source_id,
        found_ids.target_id,
        'existence' as field,
        'once' as expected,
        concat('again, place ', found_ids.place) as found,
        cast(null as varchar) as rule
    from found_ids
    left semi join planned_ids on found_ids.external_id = planned_ids.external_id
    where found_ids.place > 1
),

-- Nothing is deleted in the target; that the source removed it since is told.
removed as (
    select
        removed_ids.ticket_id as source_id,
        found_ids.target_id,
        'existence' as field,
        'none' as expected,
        'present' as found,
        'removed_at_source' as rule
    from removed_ids
    inner join found_ids on removed_ids.ticket_id = found_ids.external_id
    where found_ids.place = 1
),

created as (
    select target_id
    from ledger.records
    where kind = 'ticket' and state in ('done', 'matched')
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
    left anti join planned_ids on ours.external_id = planned_ids.external_id
),

final as (
    select source_id, target_id, field, expected, found, rule from differing where place = 1
    union all
    select source_id, target_id, field, expected, found, rule from not_once
    union all
    select source_id, target_id, field, expected, found, rule from removed
    union all
    select source_id, target_id, field, expected, found, rule from extra
)

select * from final order by source_id, target_id, field
