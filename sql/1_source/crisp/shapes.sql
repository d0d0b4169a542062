-- grain: one row per stream and shape of its documents
-- key: stream, sample_key
-- A shape lists the paths of a document with their types. sample is the document of that shape with
-- the smallest key: the one place beside the models of the streams that reads what was landed.
-- raw_path is the part of it that is shown as it stands, because nobody knows what it means.
with

documents as (
    select stream, source_key, shape, cast(null as varchar) as raw_path from source.agents
    union all
    select stream, source_key, shape, null as raw_path from source.blocked_visitors
    union all
    select stream, source_key, shape, null as raw_path from source.campaigns
    union all
    select stream, source_key, shape, null as raw_path from source.census
    union all
    select stream, source_key, shape, null as raw_path from source.conversation_files
    union all
    select stream, source_key, shape, null as raw_path from source.customer_data
    union all
    select stream, source_key, shape, null as raw_path from source.customers
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_article_bodies
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_article_categories
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_articles
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_categories
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_locales
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_page_contents
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_page_metadata
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_pages
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_redirections
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_sections
    union all
    select stream, source_key, shape, null as raw_path from source.helpdesk_tree
    union all
    select stream, source_key, shape, null as raw_path from source.inboxes
    union all
    select
        stream,
        source_key,
        shape,
        case when raw_content is not null then '$.content' end as raw_path
    from source.messages
    union all
    select stream, source_key, shape, null as raw_path from source.originals
    union all
    select stream, source_key, shape, null as raw_path from source.customer_events
    union all
    select stream, source_key, shape, null as raw_path from source.spam_contents
    union all
    select stream, source_key, shape, null as raw_path from source.spams
    union all
    select stream, source_key, shape, null as raw_path from source.teams
    union all
    select stream, source_key, shape, null as raw_path from source.tickets
),

shapes as (
    select
        stream,
        shape,
        raw_path,
        count(*) as documents,
        min(source_key) as sample_key
    from documents
    where shape is not null
    group by stream, shape, raw_path
),

final as (
    select
        shapes.stream,
        shapes.shape,
        shapes.raw_path,
        shapes.documents,
        shapes.sample_key,
        records.raw as sample
    from shapes
    left join landing.records
        on shapes.stream = records.stream and shapes.sample_key = records.key
)

select * from final order by stream, sample_key
