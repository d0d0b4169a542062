-- grain: one row per tag, as it was landed last
-- key: source_key
-- Customers and conversations name tags by id.
with

tags as (
    select
        platform,
        stream,
        key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'id TEXT PATH $.id, name TEXT PATH $.attributes.name,
             color TEXT PATH $.attributes.color, is_deleted BOOL PATH $.attributes.deleted,
             shape SHAPE PATH $'
        ) as document
    from landing.tags
),

final as (
    select
        platform,
        stream,
        key as source_key,
        snapshot,
        fetched_at,
        nullif(document['id'], '') as tag_id,
        nullif(visible_line(document['name']), '') as name,
        document['color'] as color,
        coalesce(document['is_deleted'], false) as is_deleted,
        document['shape'] as shape,
        case
            when not document['is_valid'] then 'not_an_object'
            when coalesce(document['id'], '') = '' then 'missing_id'
        end as quarantine_rule,
        case when coalesce(document['id'], '') = '' then cut_text(raw, 2000) end as offending
    from tags
)

select * from final order by source_key
