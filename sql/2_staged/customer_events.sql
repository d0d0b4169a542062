-- grain: one row per event that a customer left on the site
-- key: event_id
-- These are the customer's doings, not messages: no ticket shows them.
-- column platform: where it comes from
-- column event_id: its id, which is the key of the landed record
-- column snapshot: the snapshot that holds it
-- column customer_id: who left it
-- column name: what happened, in the words of the shop [people_events $.text]
-- column data: JSON, what belongs to it; null where nothing does [people_events $.data]
-- column color: its colour in the source, null where it has none [people_events $.color]
-- column occurred_at: when it happened, UTC; null where the source does not say [people_events
--   $.timestamp]
with

events as (
    select
        platform,
        source_key,
        person_id,
        snapshot,
        name,
        data,
        color,
        occurred_at
    from source.customer_events
    where quarantine_rule is null
),

customers_of_people as (
    select
        value as person_id,
        min(customer_id) as customer_id
    from staged.customer_identities
    where kind = 'person_id'
    group by value
),

final as (
    select
        events.platform,
        events.source_key as event_id,
        events.snapshot,
        customers_of_people.customer_id,
        coalesce(events.name, 'event') as name,
        events.data,
        events.color,
        events.occurred_at
    from events
    inner join customers_of_people on events.person_id = customers_of_people.person_id
)

select * from final order by event_id
