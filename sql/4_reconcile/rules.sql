-- grain: one row per rule and field of a kind of record whose value it explains
-- key: rule, "table", field
-- What a rule makes of a field, so that each field of each record has one verdict.
-- column rule: name of the rule, as losses and differences give it
-- column table: kind of record: customers, tickets, messages, attachments, tags or agents
-- column
-- column field: the field that it explains
-- column verdict: transformed (the same in other words), lossy (less of it), dropped (none of it)
--   or changed_by_vendor (the target did it by itself)
with

rules as (
    select column1 as rule, column2 as "table", column3 as field, column4 as verdict
    from (
        values
        ('agent_not_in_target', 'messages', 'sender', 'lossy'),
        ('agent_not_in_target', 'tickets', 'assignee', 'dropped'),
        ('agent_replaced', 'agents', 'existence', 'dropped'),
        ('agent_replaced', 'messages', 'sender', 'lossy'),
        ('agent_replaced', 'tickets', 'assignee', 'lossy'),
        ('animation_as_file', 'messages', 'body_text', 'transformed'),
        ('anonymous_skipped', 'customers', 'existence', 'dropped'),
        ('anonymous_skipped', 'tickets', 'existence', 'dropped'),
        ('attachment_not_available', 'attachments', 'existence', 'dropped'),
        ('attachment_not_available', 'messages', 'body_text', 'lossy'),
        ('audio_as_file', 'messages', 'body_text', 'transformed'),
        ('blocked_is_spam', 'tickets', 'spam', 'transformed'),
        ('bot_as_legacy_agent', 'messages', 'sender', 'lossy'),
        ('carousel_as_text', 'messages', 'body_text', 'transformed'),
        ('customer_sent_lean', 'customers', 'language', 'dropped'),
        ('customer_sent_lean', 'customers', 'timezone', 'dropped'),
        ('date', 'tickets', 'subject', 'transformed'),
        ('earlier_part_is_closed', 'tickets', 'status', 'transformed'),
        ('changed_after_load', 'customers', 'email', 'lossy'),
        ('changed_after_load', 'customers', 'language', 'lossy'),
        ('changed_after_load', 'customers', 'name', 'lossy'),
        ('edit_not_shown', 'messages', 'body_html', 'lossy'),
        ('edit_not_shown', 'messages', 'body_text', 'lossy'),
        ('edited_after_load', 'messages', 'body_html', 'transformed'),
        ('edited_after_load', 'messages', 'body_text', 'transformed'),
        ('email_as_chat', 'messages', 'channel', 'transformed'),
        ('embedded_picture_not_shown', 'messages', 'body_html', 'lossy'),
        ('event_as_note', 'messages', 'channel', 'transformed'),
        ('existed_before', 'customers', 'email', 'transformed'),
        ('existed_before', 'customers', 'external_id', 'transformed'),
        ('existed_before', 'customers', 'language', 'transformed'),
        ('existed_before', 'customers', 'name', 'transformed'),
        ('existed_before', 'customers', 'timezone', 'transformed'),
        ('field_as_text', 'messages', 'body_text', 'transformed'),
        ('filled_by_vendor', 'customers', 'language', 'changed_by_vendor'),
        ('filled_by_vendor', 'customers', 'timezone', 'changed_by_vendor'),
        ('filled_by_vendor', 'messages', 'intents', 'changed_by_vendor'),
        ('filled_by_vendor', 'tickets', 'language', 'changed_by_vendor'),
        ('first_words', 'tickets', 'subject', 'transformed'),
        ('html_cleaned', 'messages', 'body_html', 'changed_by_vendor'),
        ('html_dropped', 'messages', 'body_html', 'dropped'),
        ('html_made_of_text', 'messages', 'body_html', 'changed_by_vendor'),
        ('import_tag', 'tickets', 'tags', 'transformed'),
        ('line_ends_changed', 'messages', 'body_text', 'changed_by_vendor'),
        ('no_messages', 'tickets', 'existence', 'dropped'),
        ('not_a_phone_number', 'customers', 'phone', 'dropped'),
        ('not_an_email_address', 'customers', 'email', 'dropped'),
        ('opened_since', 'tickets', 'opened_at', 'changed_by_vendor'),
        ('original_missing', 'messages', 'body_html', 'dropped'),
        ('own_cut', 'tickets', 'subject', 'lossy'),
        ('participant_as_customer', 'messages', 'sender', 'lossy'),
        ('pending_is_open_with_tag', 'tickets', 'status', 'transformed'),
        ('pending_tag', 'tickets', 'tags', 'transformed'),
        ('phone_not_certain', 'customers', 'phone', 'dropped'),
        ('phone_shared', 'customers', 'phone', 'dropped'),
        ('picker_as_text', 'messages', 'body_text', 'transformed'),
        ('profile_fields_not_carried', 'customers', 'profile', 'dropped'),
        ('removed_at_source', 'customers', 'existence', 'lossy'),
        ('removed_at_source', 'messages', 'existence', 'lossy'),
        ('removed_at_source', 'tickets', 'existence', 'lossy'),
        ('resolved_is_closed', 'tickets', 'status', 'transformed'),
        ('shape_contradicts_type', 'messages', 'body_text', 'transformed'),
        ('tag_cut', 'tickets', 'tags', 'lossy'),
        ('tag_refused', 'tags', 'existence', 'dropped'),
        ('text_cut', 'messages', 'body_text', 'lossy'),
        ('text_is_partial', 'messages', 'body_text', 'lossy'),
        ('ticket_not_planned', 'attachments', 'existence', 'dropped'),
        ('ticket_not_planned', 'messages', 'existence', 'dropped'),
        ('time_before_any_helpdesk', 'messages', 'sent_at', 'transformed'),
        ('time_before_any_helpdesk', 'tickets', 'created_at', 'transformed'),
        ('time_in_future', 'messages', 'sent_at', 'transformed'),
        ('time_in_future', 'tickets', 'created_at', 'transformed'),
        ('unknown_is_open', 'tickets', 'status', 'transformed'),
        ('unknown_type', 'messages', 'body_text', 'transformed'),
        ('unresolved_is_open', 'tickets', 'status', 'transformed'),
        ('unsent_as_note', 'messages', 'body_text', 'transformed'),
        ('unsent_as_note', 'messages', 'channel', 'transformed'),
        ('updated_since', 'tickets', 'updated_at', 'changed_by_vendor'),
        ('upload_refused', 'attachments', 'existence', 'dropped')
    ) as listed
),

final as (
    select
        rule,
        "table",
        field,
        verdict
    from rules
)

select * from final order by rule, "table", field
