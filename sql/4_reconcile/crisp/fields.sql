-- grain: one row per kind of record and field of it that the target's lists show
-- key: "table", field
-- These fields are compared, and each of them has a verdict for every record. When a conversation
-- began is read from its data, where the plan puts it; when it ended is said by its last message.
-- column table: kind of record: customers, tickets, messages, attachments, tags or agents
-- column
-- column field: the field; existence says whether the record is there once
with

final as (
    select
        column1 as "table",
        column2 as field
    from (
        values
        ('agents', 'existence'), ('agents', 'email'), ('agents', 'name'),
        ('attachments', 'existence'), ('attachments', 'content'),
        ('attachments', 'content_type'), ('attachments', 'name'),
        ('customers', 'existence'), ('customers', 'email'), ('customers', 'language'),
        ('customers', 'name'),
        ('messages', 'existence'), ('messages', 'body_html'), ('messages', 'body_text'),
        ('messages', 'channel'), ('messages', 'from_agent'), ('messages', 'meta'),
        ('messages', 'order'), ('messages', 'public'), ('messages', 'sent_at'),
        ('messages', 'source_from_name'), ('messages', 'ticket'),
        ('tickets', 'existence'), ('tickets', 'assignee'), ('tickets', 'channel'),
        ('tickets', 'created_at'), ('tickets', 'customer'),
        ('tickets', 'last_message_at'), ('tickets', 'last_received_message_at'),
        ('tickets', 'messages'), ('tickets', 'meta'), ('tickets', 'spam'),
        ('tickets', 'status'), ('tickets', 'subject'), ('tickets', 'tags')
    ) as listed
)

select * from final order by "table", field
