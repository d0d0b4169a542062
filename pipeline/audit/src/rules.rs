//! What rules mean, above all those by which something is lost, in words for people who did not
//! write them.

/// Rules with their meaning. A rule of a loss that SQL names and this list does not is a failing
/// test.
const MEANINGS: &[(&str, &str)] = &[
    ("agent_not_in_target", "the target lacks the assignee; nobody is assigned"),
    ("agent_replaced", "the target lacks this agent; somebody stands in"),
    ("animation_as_file", "an animation becomes an attachment"),
    ("anonymous_conversation", "the conversation of somebody without a profile"),
    ("anonymous_skipped", "people without an e-mail address are left out, as configured"),
    ("article_as_draft", "the source shows the article to everybody; the target has it as a draft"),
    (
        "article_changed_after_load",
        "the article changed after it was moved; the target keeps what it was given",
    ),
    (
        "article_dated_by_import",
        "the article is dated by its import; the original says when it was written",
    ),
    ("article_deleted", "the article was deleted in the source"),
    ("article_in_one_category", "an article of several categories hangs in the first of them"),
    (
        "article_internal",
        "the article is for the team only, and the target would show it to others",
    ),
    ("article_not_in_language", "the article is not written in this language"),
    ("article_picture_at_source", "a picture of the article is read from where it was"),
    (
        "article_picture_not_available",
        "a picture of the help center could not be fetched; its article says so",
    ),
    ("article_picture_too_large", "a picture is longer than upload_bytes_max; the article says so"),
    ("article_without_text", "the article has no text, or none that the source hands out"),
    ("as_is", "the content is what its type says"),
    ("attachment_not_available", "the file could not be fetched; the message says so"),
    ("audio_as_file", "a recording becomes an attachment; its length stands in the text"),
    ("author_by_name", "the message names its author and is not linked to an operator"),
    ("beginning_in_data", "the conversation begins with the import; its data says when it did"),
    ("blocked_is_spam", "the customer was blocked; the target calls the ticket spam"),
    ("bot_as_legacy_agent", "a bot wrote it; the stand-in is shown as its author"),
    ("bots_skipped", "messages of bots are left out, as configured"),
    ("carousel_as_text", "cards become lines of text"),
    ("category_deleted", "the category was deleted in the source"),
    ("category_not_staged", "what it hung in is not there; it stands at the top"),
    ("category_without_language", "the category has no title in any language"),
    (
        "changed_after_load",
        "the profile changed after it was moved; the target keeps what it was given",
    ),
    ("channel_as_chat", "a channel that the target lacks becomes chat"),
    ("company_not_carried", "the target has no companies"),
    ("content_type_as_article", "the older help center knows articles only"),
    ("conversation_email", "the profile has no address; a conversation of this person does"),
    (
        "conversation_of_person_without_profile",
        "the conversation names a person whose profile is not there",
    ),
    ("conversation_of_profile", "the conversation names this profile"),
    ("conversation_phone", "a conversation gives this telephone number"),
    ("customer_event_not_carried", "the target shows no events of people"),
    (
        "customer_sent_lean",
        "the target refused the customer with phone, language or time zone; it has none of them",
    ),
    ("data_without_profile", "custom data of a person who has no profile"),
    ("date", "no subject and no words of the customer; its date stands in"),
    ("description_cut", "the description is cut to the length that the target takes"),
    ("draft_not_handed_out", "the newer help center hands out no text of a draft"),
    ("earlier_part_is_closed", "an earlier part of a split conversation is closed"),
    ("edit_not_shown", "edited after it was moved; the target shows the earlier text"),
    ("edited_after_load", "edited after it was moved; a note shows the new text"),
    ("email_as_chat", "an e-mail without an address on both sides becomes a chat message"),
    ("email_doubled", "another customer has the same e-mail address, and stands in"),
    ("email_too_long", "an e-mail address is longer than the target takes"),
    ("email_without_sender", "the target takes no e-mail without the address of its sender"),
    ("embedded_picture_not_shown", "a picture inside an e-mail is named where it stood"),
    ("event_as_note", "a system line becomes an internal note"),
    ("event_without_profile", "an event of a person who has no profile"),
    ("events_skipped", "system lines are left out, as configured"),
    ("existed_before", "the target had this customer before and keeps what it knows"),
    ("field_as_text", "a question with its answer becomes lines of text"),
    ("file_too_large", "a file is longer than upload_bytes_max; the message says so"),
    ("file_without_message", "a file in a list whose message is not there"),
    ("filled_by_vendor", "the target fills this in by itself"),
    ("filtered_by_agent", "none of the agents of the filter is responsible for it or wrote in it"),
    ("filtered_by_channel", "its channel is not among those of the filter"),
    ("filtered_by_state", "its state is not among those of the filter"),
    ("filtered_by_tag", "it has none of the tags of the filter"),
    ("filtered_by_time", "it was over before the time of the filter, or began after it"),
    ("first_words", "no subject of its own; the customer's first words stand in"),
    (
        "folder_flattened",
        "the older help center has two floors; what lay deeper hangs in the second",
    ),
    ("half_without_whole", "the rest of a record whose first half is not there"),
    (
        "help_center_details_not_carried",
        "the target has no place for some fields of a section or an article",
    ),
    (
        "help_center_not_carried",
        "the help center is not carried: the target takes none, or [mapping] help_center is skip",
    ),
    (
        "hidden_as_draft",
        "the older help center cannot hide an article from its lists; it is a draft",
    ),
    ("html_cleaned", "the target cleaned the page; its words and addresses are the same"),
    ("html_dropped", "the HTML is too large or nested too deeply; the text is kept"),
    ("html_made_of_text", "the target made a page of the text; its words are the same"),
    ("id_too_long", "an id is longer than the target takes"),
    ("import_tag", "every ticket that was moved carries it, as configured"),
    ("in_another_list", "another list has the record too, and counts"),
    ("language_not_taken", "the target does not know the language"),
    ("language_without_country", "the help center knows languages and no countries"),
    ("line_ends_changed", "the target ends lines or the text differently; the words are the same"),
    ("made_again_by_hand", "it can only be made again by hand"),
    ("message_not_staged", "the original of an e-mail that is left out itself"),
    ("message_too_large", "one message alone is larger than payload_bytes_max"),
    ("missing_id", "a record without an id cannot be told from others"),
    ("missing_time", "a record without a time has no place in its conversation"),
    ("never_shown", "no call of the target shows it"),
    ("no_conversation", "its conversation is not there"),
    ("no_messages", "a ticket cannot be made without a message"),
    ("none", "no e-mail address is known"),
    ("not_a_phone_number", "the phone number is not carried: it cannot be read"),
    ("not_an_email_address", "the e-mail address is not carried: it is none"),
    ("not_an_object", "the record is not a JSON object"),
    (
        "not_in_lists",
        "the target's lists do not show it, and the record was not read alone; reconcile --singly \
         100 reads all of them",
    ),
    ("note_file_as_link", "the file of a note becomes a link in it"),
    ("notepad_skipped", "notes about people are left out, as configured"),
    ("notepad_without_ticket", "the note about a person has no ticket to go to"),
    ("opened_since", "somebody opened the ticket in the target since"),
    ("original_missing", "the original e-mail is gone; its text is kept"),
    ("original_without_message", "the original of an e-mail that is not there"),
    ("own", "the subject is the conversation's own"),
    ("own_cut", "the subject is the conversation's own, cut to the length that the target takes"),
    ("own_profile", "the profile that the customer is named after"),
    ("participant_as_customer", "somebody in copy wrote it; the customer is shown as its author"),
    ("participants_left_out", "more people in copy than the target takes"),
    (
        "pending_is_open_with_tag",
        "the target has no pending state; the ticket is open and carries a tag",
    ),
    ("pending_tag", "the conversation was pending, and the target has no such state"),
    (
        "person_without_address",
        "no profile without an address; the conversations say what is known",
    ),
    ("phone_not_certain", "the phone number is not carried: its country is not known"),
    ("phone_shared", "the phone number stays with one of the people who share it"),
    (
        "phone_written_otherwise",
        "the target writes the telephone number otherwise; its digits are the same",
    ),
    ("picker_as_text", "choices become lines of text, the chosen one marked"),
    ("picture_address_changed", "a picture of the article has the address that the target gave it"),
    ("picture_in_text", "a picture in a text keeps its address, not its name"),
    ("profile_email", "the profile gives this address"),
    ("profile_fields_not_carried", "the target has no place for some fields of the profile"),
    ("profile_has_several", "a further e-mail address of the profile; it joins nobody"),
    ("profile_phone", "the profile gives this telephone number"),
    ("removed_at_source", "the source removed it after it was moved; the target keeps it"),
    ("resolved_is_closed", "a resolved conversation is a closed ticket"),
    ("rest_appended", "more messages than one call takes; the rest is appended"),
    ("same_email", "another profile with the same e-mail address is the same person"),
    (
        "section_changed_after_load",
        "the section changed after it was moved; the target keeps what it was given",
    ),
    ("section_not_public", "nobody but the team sees the section, and no article in it is carried"),
    ("segment", "the conversation carries it as a segment"),
    ("shape_contradicts_type", "the content is not what its type says; its raw text is shown"),
    ("shared_anonymous", "people without an e-mail address share one customer, as configured"),
    ("subject_cut", "the subject is cut to the length that the target takes"),
    ("tag_cut", "the tag is cut to the length that the target takes"),
    ("tag_refused", "the target refuses the tag; tickets go without it"),
    ("team_not_carried", "teams are not made in the target"),
    ("text_cut", "the text is cut to the length that the target takes"),
    ("text_is_partial", "the source handed out no more than the beginning of the text"),
    ("text_split", "a long text becomes several messages"),
    ("ticket_not_planned", "its ticket is left out"),
    ("ticket_not_staged", "its ticket is not staged"),
    ("ticket_sent_bare", "the target refused the ticket with its custom fields; it has none"),
    ("time_before_any_helpdesk", "its time lies before 1995; another one stands in"),
    ("time_in_future", "its time lies in the future; the time of the extraction is used"),
    ("title_numbered", "another one beside it has the same title; a number tells them apart"),
    ("unknown_is_open", "a state nobody documents; the ticket is open"),
    ("unknown_type", "a kind of message nobody documents; its raw content is shown"),
    ("unknown_word", "a status or channel that the target does not list"),
    ("unresolved_is_open", "an unresolved conversation is an open ticket"),
    ("unsent_as_note", "written and not sent, or not delivered; an internal note shows it"),
    ("updated_since", "the target worked on the ticket since, which moves its time of change"),
    ("upload_refused", "the target refuses the file; the message says so"),
    ("value_masked", "the source hides the value from the key that read it"),
];

/// What a rule means; the rule's own name when nobody has said.
pub fn meaning(rule: &str) -> &str {
    let found = MEANINGS.iter().find(|(name, _)| *name == rule);
    found.map_or(rule, |(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Words in quotation marks that stand before `as rule`.
    fn rules_of(sql: &str) -> Vec<&str> {
        let named = sql.match_indices("' as rule").filter_map(|(end, _)| {
            let start = sql[..end].rfind('\'')?;
            Some(&sql[start + 1..end])
        });
        named.collect()
    }

    #[test]
    fn every_rule_by_which_something_is_lost_has_a_meaning() {
        let sql = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql");
        let mut rules = 0;
        for file in [
            "2_staged/losses.sql",
            "3_plan/general_losses.sql",
            "3_plan/gorgias/losses.sql",
            "3_plan/crisp/help_center_losses.sql",
            "3_plan/crisp/losses.sql",
            "4_reconcile/losses.sql",
        ] {
            let text = std::fs::read_to_string(sql.join(file)).expect("is there");
            for rule in rules_of(&text) {
                assert_ne!(meaning(rule), rule, "{file} has a rule that nobody explains");
                rules += 1;
            }
        }
        assert!(rules > 10, "the rules were looked for in the wrong way");
    }

    #[test]
    fn the_list_is_sorted_and_names_each_rule_once() {
        assert!(MEANINGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
