-- grain: one row per kind of record and field of it that the target's lists show
-- key: "table", field
-- These fields are compared, and each of them has a verdict for every record.
-- column table: kind of record: customers, tickets, messages, attachments, tags, agents, sections
--   or articles
-- column
-- column field: the field; existence says whether the record is there once
with

final as (
    select
        column1 as "table",
        column2 as field
    from (
        values
        ('articles', 'existence'), ('sections', 'existence'),
        ('agents', 'existence'), ('agents', 'email'), ('agents', 'name'),
        ('attachments', 'existence'), ('attachments', 'bytes'), ('attachments', 'content'),
        ('attachments', 'content_type'), ('attachments', 'name'),
        ('customers', 'existence'), ('customers', 'email'), ('customers', 'external_id'),
        ('customers', 'language'), ('customers', 'name'), ('customers', 'timezone'),
        ('messages', 'existence'), ('messages', 'body_html'), ('messages', 'body_text'),
        ('messages', 'channel'), ('messages', 'created_at'), ('messages', 'delivery'),
        ('messages', 'from_agent'), ('messages', 'message_ref'), ('messages', 'meta'),
        ('messages', 'order'), ('messages', 'public'), ('messages', 'receiver'),
        ('messages', 'sender'), ('messages', 'sent_at'), ('messages', 'source_from_address'),
        ('messages', 'source_from_name'), ('messages', 'source_to'), ('messages', 'source_type'),
        ('messages', 'subject'), ('messages', 'ticket'), ('messages', 'via'),
        ('tags', 'existence'),
        ('tickets', 'existence'), ('tickets', 'assignee'), ('tickets', 'channel'),
        ('tickets', 'closed_at'), ('tickets', 'created_at'), ('tickets', 'customer'),
        ('tickets', 'from_agent'), ('tickets', 'last_message_at'),
        ('tickets', 'last_received_message_at'), ('tickets', 'messages'),
        ('tickets', 'opened_at'), ('tickets', 'spam'), ('tickets', 'status'),
        ('tickets', 'subject'), ('tickets', 'tags'), ('tickets', 'trash'),
        ('tickets', 'updated_at'), ('tickets', 'via')
    ) as listed
)

select * from final order by "table", field
