-- grain: one row per name that the source itself counts
-- key: stream, source_id
-- A second witness: what the source counts beside what was staged. The source is live while it is
-- read, so a difference is worth a look and not yet an error.
-- column platform: where it comes from
-- column stream: the list that counts
-- column source_id: key of the landed record
-- column snapshot: the snapshot that holds it
-- column kind: what is counted: `people`, `ticket_tag`, `ticket_field`, `customer_segment`,
--   `customer_field` or `event`
-- column name: what is counted, null for all people [conversation_segments $.segment,
--   people_segments $.segment, conversation_data_keys $.key, people_data_keys $.key,
--   people_event_names $.text]
-- column counted: how often, by the source; null where it does not say [people_stats $.total,
--   conversation_segments $.count]
-- column found: how often it was landed
with

listed as (
    select
        platform,
        stream,
        source_key,
        snapshot,
        kind,
        name,
        counted
    from source.census
    where quarantine_rule is null
),

ticket_tags as (
    select distinct
        ticket_id,
        unnest(json_texts(tags)) as name
    from source.tickets
    where quarantine_rule is null and tags is not null
),

customer_segments as (
    select distinct
        person_id,
        unnest(json_texts(segments)) as name
    from source.customers
    where quarantine_rule is null and segments is not null
),

found as (
    select 'people' as kind, cast(null as varchar) as name, count(*) as found
    from source.customers
    where quarantine_rule is null
    union all
    select 'ticket_tag' as kind, name, count(*) as found
    from ticket_tags
    group by name
    union all
    select 'customer_segment' as kind, name, count(*) as found
    from customer_segments
    group by name
    union all
    select concat(object, '_field') as kind, field as name, count(*) as found
    from staged.custom_field_values
    group by object, field
    union all
    select 'event' as kind, name, count(*) as found
    from staged.customer_events
    group by name
),

final as (
    select
        listed.platform,
        listed.stream,
        listed.source_key as source_id,
        listed.snapshot,
        listed.kind,
        listed.name,
        listed.counted,
        coalesce(found.found, 0) as found
    from listed
    left join found
        on listed.kind = found.kind and coalesce(listed.name, '') = coalesce(found.name, '')
)

select * from final order by stream, source_id
