-- grain: one row per rule and field that only this target has, or judges so
-- key: rule, "table", field
-- column rule: name of the rule, as losses and differences give it
-- column table: kind of record: customers, tickets, messages, attachments, tags, agents, sections
--   or articles
-- column
-- column field: the field that it explains
-- column verdict: transformed (the same in other words), lossy (less of it), dropped (none of it)
--   or changed_by_vendor (the target did it by itself)
with

final as (
    select column1 as rule, column2 as "table", column3 as field, column4 as verdict
    from (
        values
        ('agent_not_in_target', 'messages', 'sender', 'lossy'),
        ('agent_replaced', 'messages', 'sender', 'lossy'),
        ('blocked_is_spam', 'tickets', 'spam', 'transformed'),
        ('bot_as_legacy_agent', 'messages', 'sender', 'lossy'),
        ('customer_sent_lean', 'customers', 'language', 'dropped'),
        ('customer_sent_lean', 'customers', 'phone', 'dropped'),
        ('customer_sent_lean', 'customers', 'timezone', 'dropped'),
        ('date', 'tickets', 'subject', 'transformed'),
        ('first_words', 'tickets', 'subject', 'transformed'),
        ('opened_since', 'tickets', 'opened_at', 'changed_by_vendor'),
        ('participant_as_customer', 'messages', 'sender', 'lossy'),
        ('pending_is_open_with_tag', 'tickets', 'status', 'transformed'),
        ('pending_tag', 'tickets', 'tags', 'transformed'),
        ('phone_written_otherwise', 'customers', 'phone', 'changed_by_vendor'),
        ('resolved_is_closed', 'tickets', 'status', 'transformed'),
        ('ticket_sent_bare', 'tickets', 'custom_fields', 'dropped'),
        ('unknown_is_open', 'tickets', 'status', 'transformed'),
        ('unresolved_is_open', 'tickets', 'status', 'transformed')
    ) as listed
)

select * from final order by rule, "table", field
