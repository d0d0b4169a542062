-- grain: one row per team, as it was landed last
-- key: source_key
with

teams as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'team_id TEXT PATH $.team_id, name TEXT PATH $.name, emoji TEXT PATH $.emoji,
             agent_ids JSON PATH $.operators, created_ms BIGINT PATH $.created_at,
             updated_ms BIGINT PATH $.updated_at, shape SHAPE PATH $'
        ) as document
    from landing.teams
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['team_id'], '') as team_id,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['emoji']), '') as emoji,
        nullif(document['agent_ids'], '[]') as agent_ids,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['team_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['team_id'], '') = '' then cut_text(raw, 2000) end as offending
    from teams
)

select * from final order by source_key
