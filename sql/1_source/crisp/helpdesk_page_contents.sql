-- grain: one row per text of a page of the newer help center
-- key: source_key
-- parent_key is the key of its page.
with

helpdesk_page_contents as (
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
    from landing.helpdesk_page_contents
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
    from helpdesk_page_contents
)

select * from final order by source_key
