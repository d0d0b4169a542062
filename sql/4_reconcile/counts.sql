-- grain: one row per kind of record
-- key: "table"
-- Staged records are planned or lost by a rule; planned ones are in the target or unexplained. An
-- attachment is planned when its bytes are there and the target took them.
-- column table: kind of record: customers, tickets, messages, attachments, sections or articles
-- column staged: staged records, in number
-- column planned: planned records, in number
-- column in_target: planned records that the target has, in number
-- column lost_by_rule: staged records that a rule keeps out of the plan, in number
-- column unexplained: records with a difference that no rule explains, in number
-- column others: records of the target that are not ours, in number
with

planned_tickets as (
    select ticket_id
    from plan.tickets
),

planned_messages as (
    select message_id
    from plan.messages
),

planned_customers as (
    select customer_id
    from plan.customers
),

customers_in_target as (
    select distinct records.source_id
    from ledger.records
    left semi join planned_customers on records.source_id = planned_customers.customer_id
    inner join readback.customers on records.target_id = customers.target_id
    where records.kind = 'customer'
),

tickets_in_target as (
    select distinct tickets.external_id as source_id
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.ticket_id
),

messages_in_target as (
    select distinct messages.external_id as source_id
    from readback.messages
    left semi join planned_messages on messages.external_id = planned_messages.message_id
),

differing as (
    select
        "table" as kind,
        count(distinct source_id) as unexplained
    from reconcile.differences
    where verdict = 'unexplained'
    group by "table"
),

known_targets as (
    select target_id from ledger.records where kind = 'customer' and target_id is not null
    union
    select target_id from reconcile.customer_differences where target_id is not null
),

other_customers as (
    select count(*) as others
    from readback.customers
    left anti join known_targets on customers.target_id = known_targets.target_id
),

our_tickets as (
    select tickets.target_id
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.ticket_id
    union
    select target_id from reconcile.ticket_differences where target_id is not null
),

other_tickets as (
    select count(*) as others
    from readback.tickets
    left anti join our_tickets on tickets.target_id = our_tickets.target_id
),

our_messages as (
    select messages.target_id
    from readback.messages
    left semi join planned_messages on messages.external_id = planned_messages.message_id
    union
    select target_id from reconcile.message_differences where target_id is not null
),

other_messages as (
    select count(*) as others
    from readback.messages
    left anti join our_messages on messages.target_id = our_messages.target_id
),

-- What the source removed since it was loaded is planned, but not staged.
staged_and_planned as (
    select 'customers' as kind, count(*) as records
    from staged.customers
    left semi join planned_customers on customers.customer_id = planned_customers.customer_id
    union all
    select 'tickets' as kind, count(*) as records
    from staged.tickets
    left semi join planned_tickets on tickets.ticket_id = planned_tickets.ticket_id
    union all
    select 'messages' as kind, count(*) as records
    from staged.messages
    left semi join planned_messages on messages.message_id = planned_messages.message_id
    union all
    select 'sections' as kind, count(*) as records
    from staged.kb_categories
    left semi join plan.sections as planned on kb_categories.category_id = planned.section_id
    union all
    select 'articles' as kind, count(*) as records
    from staged.kb_articles
    left semi join plan.articles as planned on kb_articles.article_id = planned.article_id
),

our_sections as (
    select
        records.source_id,
        records.target_id
    from ledger.records
    left semi join plan.sections as planned on records.source_id = planned.section_id
    left semi join readback.sections as found on records.target_id = found.target_id
    where records.kind = 'section' and records.state in ('done', 'matched')
),

our_articles as (
    select
        records.source_id,
        records.target_id
    from ledger.records
    left semi join plan.articles as planned on records.source_id = planned.article_id
    left semi join readback.articles as found on records.target_id = found.target_id
    where records.kind = 'article' and records.state in ('done', 'matched')
),

uploads as (
    select source_id as sha256
    from ledger.records
    where kind = 'upload' and state = 'refused'
),

planned_attachments as (
    select concat(attachments.message_id, '#', attachments.ordinal) as source_id
    from staged.attachments
    left semi join planned_messages on attachments.message_id = planned_messages.message_id
    left anti join uploads on attachments.sha256 = uploads.sha256
    where attachments.fetch_status = 'stored'
),

missing_attachments as (
    select source_id
    from reconcile.attachment_differences
    where field = 'existence' and expected = 'once'
),

attachments_in_target as (
    select planned_attachments.source_id
    from planned_attachments
    left anti join missing_attachments
        on planned_attachments.source_id = missing_attachments.source_id
),

found_attachments as (
    select unnest(json_items(attachments)) as attachment
    from readback.messages
    where attachments is not null
),

counted as (
    select
        'customers' as kind,
        (select count(*) from staged.customers) as staged,
        (select count(*) from planned_customers) as planned,
        (select count(*) from customers_in_target) as in_target,
        (select others from other_customers) as others
    union all
    select
        'tickets' as kind,
        (select count(*) from staged.tickets) as staged,
        (select count(*) from planned_tickets) as planned,
        (select count(*) from tickets_in_target) as in_target,
        (select others from other_tickets) as others
    union all
    select
        'messages' as kind,
        (select count(*) from staged.messages) as staged,
        (select count(*) from planned_messages) as planned,
        (select count(*) from messages_in_target) as in_target,
        (select others from other_messages) as others
    union all
    select
        'sections' as kind,
        (select count(*) from staged.kb_categories) as staged,
        (select count(*) from plan.sections) as planned,
        (select count(*) from our_sections) as in_target,
        (select count(*) from readback.sections)
            - (select count(*) from our_sections) as others
    union all
    select
        'articles' as kind,
        (select count(*) from staged.kb_articles) as staged,
        (select count(*) from plan.articles) as planned,
        (select count(*) from our_articles) as in_target,
        (select count(*) from readback.articles)
            - (select count(*) from our_articles) as others
    union all
    select
        'attachments' as kind,
        (select count(*) from staged.attachments) as staged,
        (select count(*) from planned_attachments) as planned,
        (select count(*) from attachments_in_target) as in_target,
        (select count(*) from found_attachments)
            - (select count(*) from attachments_in_target) as others
),

final as (
    select
        counted.kind as "table",
        counted.staged,
        counted.planned,
        counted.in_target,
        counted.staged - coalesce(staged_and_planned.records, counted.planned) as lost_by_rule,
        coalesce(differing.unexplained, 0) as unexplained,
        counted.others
    from counted
    left join staged_and_planned on counted.kind = staged_and_planned.kind
    left join differing on counted.kind = differing.kind
)

select * from final order by "table"
