-- grain: one row per redirection of the help center
-- key: source_key
with

helpdesk_redirections as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'redirection_id TEXT PATH $.redirection_id, path TEXT PATH $.path,
             target TEXT PATH $.target, created_ms BIGINT PATH $.created_at,
             updated_ms BIGINT PATH $.updated_at, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_redirections
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['redirection_id'], '') as redirection_id,
        nullif(trim(document['path']), '') as path,
        nullif(trim(document['target']), '') as target,
        utc_of_ms(document['created_ms']) as created_at,
        utc_of_ms(document['updated_ms']) as updated_at,
        raw as definition,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from helpdesk_redirections
)

select * from final order by source_key
