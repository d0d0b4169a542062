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
            'id TEXT PATH $.id, name TEXT PATH $.attributes.displayName | $.attributes.name,
             icon TEXT PATH $.attributes.icon, members JSON PATH $.attributes.members,
             is_deleted BOOL PATH $.attributes.deleted, created TEXT PATH $.attributes.createdAt,
             updated TEXT PATH $.attributes.updatedAt, shape SHAPE PATH $'
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
        nullif(document['id'], '') as team_id,
        nullif(trim(document['name']), '') as name,
        cast(null as varchar) as emoji,
        document['icon'] as icon,
        nullif(document['members'], '[]') as agent_ids,
        coalesce(document['is_deleted'], false) as is_deleted,
        utc_of_text(document['created']) as created_at,
        utc_of_text(document['updated']) as updated_at,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['id'], '') = '' then cut_text(raw, 2000) end as offending
    from teams
)

select * from final order by source_key
