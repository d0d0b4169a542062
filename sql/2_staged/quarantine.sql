-- grain: one row per landed record that cannot be understood
-- key: stream, source_key
-- column platform: where it comes from
-- column snapshot: the snapshot that holds the landed record
-- column stream: which stream it belongs to
-- column source_key: its key
-- column ticket_id: the conversation it belongs to, where that is known
-- column rule: why it cannot be understood
-- column offending: its raw text, at most 2000 characters
with

fates as (
    select
        stream,
        source_key,
        ticket_id,
        rule
    from staged.fates
    where fate = 'quarantined'
),

offending as (
    select platform, snapshot, stream, source_key, offending from source.tickets
    union all
    select platform, snapshot, stream, source_key, offending from source.messages
    union all
    select platform, snapshot, stream, source_key, offending from source.customers
    union all
    select platform, snapshot, stream, source_key, offending from source.customer_data
    union all
    select platform, snapshot, stream, source_key, offending from source.agents
    union all
    select platform, snapshot, stream, source_key, offending from source.originals
    union all
    select platform, snapshot, stream, source_key, offending from source.blocked_visitors
    union all
    select platform, snapshot, stream, source_key, offending from source.campaigns
    union all
    select platform, snapshot, stream, source_key, offending from source.census
    union all
    select platform, snapshot, stream, source_key, offending from source.conversation_files
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_article_bodies
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_article_categories
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_articles
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_categories
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_locales
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_page_contents
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_page_metadata
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_pages
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_redirections
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_sections
    union all
    select platform, snapshot, stream, source_key, offending from source.helpdesk_tree
    union all
    select platform, snapshot, stream, source_key, offending from source.inboxes
    union all
    select platform, snapshot, stream, source_key, offending from source.people_events
    union all
    select platform, snapshot, stream, source_key, offending from source.spam_contents
    union all
    select platform, snapshot, stream, source_key, offending from source.spams
    union all
    select platform, snapshot, stream, source_key, offending from source.teams
),

final as (
    select
        offending.platform,
        offending.snapshot,
        fates.stream,
        fates.source_key,
        fates.ticket_id,
        fates.rule,
        -- A whole record that belongs nowhere: what it refers to is what is wrong.
        coalesce(offending.offending, fates.ticket_id) as offending
    from fates
    inner join offending
        on fates.stream = offending.stream and fates.source_key = offending.source_key
)

select * from final order by stream, source_key
