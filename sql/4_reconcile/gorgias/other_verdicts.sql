-- grain: one row per field that the target never shows, or that the target alone fills in
-- key: "table", field
-- column table: kind of record: tickets or messages
-- column
-- column field: the field
-- column verdict: not_read, or changed_by_vendor
-- column rule: the rule
-- column records: planned records that have such a field, in number
with

planned_tickets as (
    select external_id
    from plan.tickets
),

planned_messages as (
    select
        message_id,
        mention_agent_ids
    from plan.messages
),

filled_by_vendor as (
    select 'tickets' as "table", 'language' as field, count(*) as records
    from readback.tickets
    left semi join planned_tickets on tickets.external_id = planned_tickets.external_id
    where tickets.language is not null
    union all
    select 'messages' as "table", 'intents' as field, count(*) as records
    from readback.messages
    left semi join planned_messages on messages.external_id = planned_messages.message_id
    where messages.has_intents
),

-- No call answers with the agents whom a message mentions.
never_shown as (
    select 'messages' as "table", 'mentions' as field, count(*) as records
    from planned_messages
    where mention_agent_ids <> '[]'
),

final as (
    select "table", field, 'changed_by_vendor' as verdict, 'filled_by_vendor' as rule, records
    from filled_by_vendor
    union all
    select "table", field, 'not_read' as verdict, 'never_shown' as rule, records
    from never_shown
)

select * from final order by "table", field
