-- grain: one row per kind of record and field of it that the target's lists show
-- key: "table", field
-- These fields are compared, and each of them has a verdict for every record. When a conversation
-- began is read from its data, where the plan puts it; when it ended is said by its last message.
-- column table: kind of record: customers, tickets, messages, attachments, tags, agents, sections
--   or articles
-- column
-- column field: the field; existence says whether the record is there once
with

listed as (
    select
        column1 as "table",
        column2 as field
    from (
        values
        ('agents', 'existence'), ('agents', 'email'), ('agents', 'name'),
        ('articles', 'existence'), ('articles', 'body'), ('articles', 'content_type'),
        ('articles', 'description'), ('articles', 'featured'), ('articles', 'locale'),
        ('articles', 'pictures'), ('articles', 'section'), ('articles', 'status'),
        ('articles', 'title'), ('articles', 'visibility'),
        ('attachments', 'existence'), ('attachments', 'content'),
        ('attachments', 'content_type'), ('attachments', 'name'),
        ('customers', 'existence'), ('customers', 'email'), ('customers', 'language'),
        ('customers', 'name'),
        ('messages', 'existence'), ('messages', 'body_html'), ('messages', 'body_text'),
        ('messages', 'channel'), ('messages', 'from_agent'), ('messages', 'meta'),
        ('messages', 'order'), ('messages', 'public'), ('messages', 'sent_at'),
        ('messages', 'source_from_name'), ('messages', 'ticket'),
        ('sections', 'existence'), ('sections', 'color'), ('sections', 'content_type'),
        ('sections', 'description'), ('sections', 'locale'), ('sections', 'section'),
        ('sections', 'title'),
        ('tickets', 'existence'), ('tickets', 'assignee'), ('tickets', 'channel'),
        ('tickets', 'created_at'), ('tickets', 'customer'),
        ('tickets', 'last_message_at'), ('tickets', 'last_received_message_at'),
        ('tickets', 'messages'), ('tickets', 'meta'), ('tickets', 'spam'),
        ('tickets', 'status'), ('tickets', 'subject'), ('tickets', 'tags')
    ) as fields
),

-- The tree of the newer help center says of a section where it is and how it is called; the older
-- one shows no article first.
final as (
    select
        listed."table",
        listed.field
    from listed
    cross join config.mapping as mapping
    where
        case
            when listed."table" = 'sections' and listed.field in ('color', 'description')
                then mapping.help_center <> 'new'
            when listed."table" = 'articles' and listed.field = 'featured'
                then mapping.help_center = 'new'
            else true
        end
)

select * from final order by "table", field
