-- grain: one row per article of the older help center, with its place
-- key: source_key
with

helpdesk_article_categories as (
    select
        platform,
        stream,
        key,
        parent_key,
        snapshot,
        fetched_at,
        raw,
        json_row(
            raw,
            'category_id TEXT PATH $.category_id, section_id TEXT PATH $.section_id,
             shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_article_categories
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['category_id'], '') as category_id,
        nullif(document['section_id'], '') as section_id,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from helpdesk_article_categories
)

select * from final order by source_key
