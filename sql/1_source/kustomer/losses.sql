-- grain: one row per record of which the source itself kept something back
-- key: stream, source_key, rule
-- A key without the role for it gets stars in place of a value.
with

entries as (
    select
        stream,
        source_key,
        cast(null as varchar) as ticket_id,
        unnest(json_entries(custom)) as entry
    from source.profiles
    where quarantine_rule is null and custom like '%****%'
    union all
    select
        stream,
        source_key,
        conversation_id as ticket_id,
        unnest(json_entries(custom)) as entry
    from source.conversations
    where quarantine_rule is null and custom like '%****%'
),

final as (
    select
        stream,
        source_key,
        ticket_id,
        'value_masked' as rule,
        string_agg(entry['key'], ', ' order by entry['key']) as detail
    from entries
    where regexp_like(entry['value'], '^[*]{4,}$')
    group by stream, source_key, ticket_id
)

select * from final order by stream, source_key, rule
