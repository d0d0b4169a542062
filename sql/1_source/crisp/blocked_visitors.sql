-- grain: one row per rule that keeps visitors out
-- key: source_key
-- Nobody documents its shape, so a rule without its text is kept and named by its key.
with

blocked_visitors as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'rule TEXT PATH $.rule, until_ms BIGINT PATH $.blocked_until,
             shape SHAPE PATH $'
        ) as document
    from landing.blocked_visitors
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(trim(document['rule']), '') as rule,
        utc_of_ms(document['until_ms']) as until_at,
        raw as definition,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from blocked_visitors
)

select * from final order by source_key
