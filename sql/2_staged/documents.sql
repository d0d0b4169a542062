-- grain: one row per thing of the source that can only be looked up or made again by hand
-- key: document_id
-- column platform: where it comes from
-- column document_id: its kind, a colon, and the key of the landed record
-- column kind: what it is, in a word that every helpdesk has: `macro`, `automation`, `sla`,
--   `queue`, `view`, `inbox`, `survey`, `webhook`, `channel`, `brand`, `campaign`,
--   `custom_object_schema`, `help_center_redirection` and others
-- column name: what it is called
-- column summary: what it does, in a line of words and numbers
-- column content: its text as Markdown, null for what is no text [shortcuts
--   $.attributes.payload.text]
-- column definition: JSON, all that the source says of it, without what would let anybody send into
--   the helpdesk [inboxes $, campaigns $, spams $, spam_contents $, blocked_visitors $, helpdesk $,
--   helpdesk_locales $, helpdesk_redirections $]
-- column recommended_target: what to make of it in a helpdesk, null for nothing
-- column reason_not_migrated: why nobody does it for you
-- column stream: the stream of the landed record
-- column source_id: key of the landed record
-- column snapshot: the snapshot that holds it
-- column created_at: when it was made, UTC, null where the source does not say
-- column updated_at: when it was changed last, UTC, null where the source does not say
with

documents as (
    select
        platform,
        kind,
        name,
        summary,
        content,
        definition,
        recommended_target,
        reason_not_migrated,
        stream,
        source_key,
        snapshot,
        created_at,
        updated_at
    from source.documents
),

final as (
    select
        platform,
        concat(kind, ':', source_key) as document_id,
        kind,
        one_line(name) as name,
        one_line(summary) as summary,
        content,
        definition,
        recommended_target,
        reason_not_migrated,
        stream,
        source_key as source_id,
        snapshot,
        created_at,
        updated_at
    from documents
)

select * from final order by document_id
