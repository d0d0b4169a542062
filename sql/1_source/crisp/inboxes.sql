-- grain: one row per inbox, as it was landed last
-- key: source_key
with

inboxes as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'inbox_id TEXT PATH $.inbox_id, name TEXT PATH $.name, emoji TEXT PATH $.emoji,
             position BIGINT PATH $.order, agent_ids JSON PATH $.operators,
             condition_operator TEXT PATH $.operator, conditions JSON PATH $.conditions,
             team_ids JSON PATH $.teams, team_agent_ids JSON PATH $.team_operators,
             created_ms BIGINT PATH $.created_at, updated_ms BIGINT PATH $.updated_at,
             shape SHAPE PATH $'
        ) as document
    from landing.inboxes
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['inbox_id'], '') as inbox_id,
        nullif(trim(document['name']), '') as name,
        nullif(trim(document['emoji']), '') as emoji,
        document['position'] as position,
        nullif(document['agent_ids'], '[]') as agent_ids,
        document['condition_operator'] as condition_operator,
        nullif(document['conditions'], '[]') as conditions,
        nullif(document['team_ids'], '[]') as team_ids,
        nullif(document['team_agent_ids'], '[]') as team_agent_ids,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        raw as definition,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['inbox_id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['inbox_id'], '') = '' then cut_text(raw, 2000) end as offending
    from inboxes
)

select * from final order by source_key
