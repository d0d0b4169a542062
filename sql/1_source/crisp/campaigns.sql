-- grain: one row per campaign, as it was landed last
-- key: source_key
with

campaigns as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'campaign_id TEXT PATH $.campaign_id, type TEXT PATH $.type,
             format TEXT PATH $.format, name TEXT PATH $.name, is_ready BOOL PATH $.ready,
             is_dispatched BOOL PATH $.dispatched, is_running BOOL PATH $.running,
             progress BIGINT PATH $.progress, targets BIGINT PATH $.targets,
             reached BIGINT PATH $.reached, created_ms BIGINT PATH $.created_at,
             updated_ms BIGINT PATH $.updated_at,
             dispatched_ms BIGINT PATH $.dispatched_at, shape SHAPE PATH $'
        ) as document
    from landing.campaigns
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['campaign_id'], '') as campaign_id,
        document['type'] as type,
        document['format'] as format,
        nullif(trim(document['name']), '') as name,
        coalesce(document['is_ready'], false) as is_ready,
        coalesce(document['is_dispatched'], false) as is_dispatched,
        coalesce(document['is_running'], false) as is_running,
        document['progress'] as progress,
        document['targets'] as targets,
        document['reached'] as reached,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        utc_of_ms(document['dispatched_ms']) as dispatched_at,
        raw as definition,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['campaign_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case
            when coalesce(document['campaign_id'], '') = ''
                then cut_text(raw, 2000)
        end as offending
    from campaigns
)

select * from final order by source_key
