-- grain: one row per article of the older help center, with its text
-- key: source_key
-- Its other fields are those of the list.
with

helpdesk_article_bodies as (
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
            'content TEXT PATH $.content, shape SHAPE PATH $'
        ) as document
    from landing.helpdesk_article_bodies
),

final as (
    select
        platform,
        stream,
        key as source_key,
        parent_key,
        snapshot,
        fetched_at,
        nullif(document['content'], '') as content,
        document['shape'] as shape,
        case when not document['is_valid'] then 'not_an_object' end as quarantine_rule,
        case when not document['is_valid'] then cut_text(raw, 2000) end as offending
    from helpdesk_article_bodies
)

select * from final order by source_key
