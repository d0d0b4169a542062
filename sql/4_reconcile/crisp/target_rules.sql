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
        ('beginning_in_data', 'tickets', 'created_at', 'transformed'),
        ('channel_as_chat', 'messages', 'channel', 'transformed'),
        ('date', 'tickets', 'subject', 'dropped'),
        ('filled_by_vendor', 'tickets', 'customer', 'changed_by_vendor'),
        ('first_words', 'tickets', 'subject', 'dropped'),
        ('note_file_as_link', 'attachments', 'content', 'lossy'),
        ('participants_left_out', 'tickets', 'meta', 'lossy'),
        ('person_without_address', 'customers', 'existence', 'dropped'),
        ('picture_in_text', 'attachments', 'content_type', 'dropped'),
        ('picture_in_text', 'attachments', 'name', 'dropped'),
        ('text_split', 'messages', 'body_text', 'transformed'),
        ('unknown_is_open', 'tickets', 'status', 'transformed')
    ) as listed
)

select * from final order by rule, "table", field
