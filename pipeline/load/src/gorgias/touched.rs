//! Whether a record of Gorgias is still what was written: which fields somebody changed.
//!
//! What Gorgias fills in by itself is no change: language, intents, summaries, its own custom
//! fields, times of processing and updating, and HTML that it cleaned. Only names and counts are
//! said, never what a field holds.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use kernel::Instant;
use serde_json::Value;

use super::{reply, request};
use crate::plan;
use crate::target::{MessageDraft, TicketDraft};

/// What changed of a ticket and its messages.
pub(super) fn ticket(
    draft: &TicketDraft,
    sure: &HashSet<String>,
    found: &Value,
    messages: &[Value],
) -> Vec<String> {
    let ticket = &draft.ticket;
    let mut changes = Changes::default();
    changes.text("external_id", Some(&ticket.external_id), found);
    changes.text("subject", ticket.subject.as_deref(), found);
    changes.text("status", Some(&ticket.status), found);
    changes.text("channel", Some(&ticket.channel), found);
    changes
        .note("spam", found.get("spam").and_then(Value::as_bool).unwrap_or(false) != ticket.spam);
    changes.note("customer", id_in(found, "customer") != draft.customer);
    changes.note("assignee", id_in(found, "assignee_user") != draft.assignee);
    changes.note("team", id_in(found, "assignee_team").is_some());
    changes.note("tags", tag_names(found) != draft.tags.iter().map(String::as_str).collect());
    let priority = found.get("priority").and_then(Value::as_str);
    changes.note("priority", priority.is_some_and(|word| word != "normal"));
    changes.note("snoozed", is_set(found, "snooze_datetime"));
    changes.note("survey", is_set(found, "satisfaction_survey"));
    changes.messages(&draft.messages, sure, messages);
    changes.0
}

/// What changed of a message.
pub(super) fn message(draft: &MessageDraft, found: &Value) -> Vec<String> {
    changed_fields(draft, found).into_iter().map(str::to_owned).collect()
}

/// What changed of a customer. Phone, language and time zone may have been left out at creation.
pub(super) fn customer(customer: &plan::Customer, found: &Value) -> Vec<String> {
    let mut changes = Changes::default();
    changes.text("external_id", Some(&customer.external_id), found);
    changes.text("name", customer.name.as_deref(), found);
    let same_address = |one: &str, other: &str| one.trim().eq_ignore_ascii_case(other.trim());
    let email = found.get("email").and_then(Value::as_str).unwrap_or_default();
    changes.note("email", !same_address(email, customer.email.as_deref().unwrap_or_default()));
    changes.note("note", is_set(found, "note"));
    let own: Vec<&str> =
        [&customer.email, &customer.phone].into_iter().filter_map(Option::as_deref).collect();
    let channels = found.get("channels").and_then(Value::as_array).into_iter().flatten();
    let mut addresses = channels.filter_map(|channel| channel.get("address")?.as_str());
    let is_foreign = addresses.any(|address| !own.iter().any(|own| same_address(own, address)));
    changes.note("channels", is_foreign);
    changes.0
}

/// What changed of a tag.
pub(super) fn tag(name: &str, found: &Value) -> Vec<String> {
    let mut changes = Changes::default();
    changes.text("name", Some(name), found);
    changes.note("description", is_set(found, "description"));
    changes.0
}

/// What changed of a user.
pub(super) fn agent(agent: &plan::Agent, found: &Value) -> Vec<String> {
    let mut changes = Changes::default();
    changes.text("external_id", Some(&agent.agent_id), found);
    let email = reply::person(found).and_then(|person| person.email);
    let own = agent.email.as_deref().map(|email| email.trim().to_lowercase());
    changes.note("email", email != own);
    changes.text("name", agent.name.as_deref().or(agent.email.as_deref()), found);
    let role = found.pointer("/role/name").and_then(Value::as_str);
    changes.note("role", role != Some(request::AGENT_ROLE));
    changes.0
}

/// Names of what differs.
#[derive(Default)]
struct Changes(Vec<String>);

impl Changes {
    fn note(&mut self, name: &str, is_changed: bool) {
        if is_changed {
            self.0.push(name.to_owned());
        }
    }

    /// A text at the top of a record; lines may end differently.
    fn text(&mut self, name: &str, wrote: Option<&str>, found: &Value) {
        self.note(name, !same_text(wrote, found.get(name).and_then(Value::as_str)));
    }

    /// Messages by their external ids: each surely written one must be there as it was, and none
    /// that the plan does not have.
    fn messages(&mut self, drafts: &[MessageDraft], sure: &HashSet<String>, found: &[Value]) {
        let by_id: BTreeMap<&str, &Value> = found
            .iter()
            .filter_map(|message| Some((message.get("external_id")?.as_str()?, message)))
            .collect();
        let mut known = 0;
        let mut missing = 0;
        let mut fields: BTreeMap<&'static str, usize> = BTreeMap::new();
        for draft in drafts {
            let id = draft.message.message_id.as_str();
            match by_id.get(id) {
                Some(message) => {
                    known += 1;
                    for field in changed_fields(draft, message) {
                        *fields.entry(field).or_default() += 1;
                    }
                }
                None => missing += usize::from(sure.contains(id)),
            }
        }
        let counted = |count: usize, what: &str| match count {
            1 => format!("1 message {what}"),
            _ => format!("{count} messages {what}"),
        };
        let added = found.len().saturating_sub(known);
        self.0.extend((added > 0).then(|| counted(added, "added")));
        self.0.extend((missing > 0).then(|| counted(missing, "removed")));
        for (field, count) in fields {
            self.0.push(counted(count, &format!("with another {field}")));
        }
    }
}

fn changed_fields(draft: &MessageDraft, found: &Value) -> Vec<&'static str> {
    let message = &draft.message;
    let text = |name: &str| found.get(name).and_then(Value::as_str);
    let flag = |name: &str| found.get(name).and_then(Value::as_bool);
    let html = |text: Option<&str>| visible(text.unwrap_or_default());
    let mut urls: Vec<&str> = draft.attachments.iter().map(|file| file.url.as_str()).collect();
    let files = found.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let mut found_urls: Vec<&str> =
        files.filter_map(|file| file.get("url").and_then(Value::as_str)).collect();
    urls.sort_unstable();
    found_urls.sort_unstable();
    let checks = [
        ("body_text", same_text(message.body_text.as_deref(), text("body_text"))),
        ("body_html", html(message.body_html.as_deref()) == html(text("body_html"))),
        ("channel", text("channel") == Some(message.channel.as_str())),
        ("public", flag("public") == Some(message.public)),
        ("from_agent", flag("from_agent") == Some(message.from_agent)),
        ("sender", id_in(found, "sender") == draft.sender),
        ("sent_datetime", text("sent_datetime").and_then(moment) == Some(message.sent_at)),
        ("attachments", urls == found_urls),
    ];
    checks.into_iter().filter(|(_, is_same)| !is_same).map(|(field, _)| field).collect()
}

/// Texts, whatever ends their lines and surrounds them; nothing is an empty text.
fn same_text(wrote: Option<&str>, found: Option<&str>) -> bool {
    let letters = |text: Option<&str>| text.unwrap_or_default().replace('\r', "").trim().to_owned();
    letters(wrote) == letters(found)
}

/// What of a page can be read, without tags, entities and spaces: cleaning changes those.
fn visible(html: &str) -> String {
    let mut seen = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        seen.extend(rest[..at].chars().filter(|letter| !letter.is_whitespace()));
        rest = &rest[at..];
        let end = if rest.starts_with('<') {
            rest.find('>')
        } else {
            rest.find(';').filter(|end| *end <= 10)
        };
        rest = &rest[end.map_or(1, |end| end + 1)..];
    }
    seen.extend(rest.chars().filter(|letter| !letter.is_whitespace()));
    seen
}

/// A moment; without an offset it is in UTC.
fn moment(text: &str) -> Option<Instant> {
    Instant::parse(text).or_else(|| Instant::parse(&format!("{text}+00:00")))
}

fn tag_names(found: &Value) -> BTreeSet<&str> {
    let tags = found.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(|tag| tag.get("name")?.as_str()).collect()
}

fn id_in(found: &Value, role: &str) -> Option<String> {
    found.get(role).and_then(reply::id)
}

fn is_set(found: &Value, field: &str) -> bool {
    match found.get(field) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_a_page_is_no_change_and_a_word_in_it_is() {
        let wrote = "<p>Look&nbsp;here: <a href=\"x\" onclick=\"y\">it</a></p>";
        assert_eq!(visible(wrote), visible("<div>Look here:\n<a>it</a></div>"));
        assert_ne!(visible(wrote), visible("<div>Look there: <a>it</a></div>"));
        assert_eq!(visible("a & b < c"), visible("a & b < c"));
        assert_eq!(visible("5 &amp; 6; 7"), "56;7");
    }

    #[test]
    fn lines_that_end_otherwise_are_the_same_text() {
        assert!(same_text(Some("a\nb"), Some("a\r\nb\r\n")));
        assert!(same_text(None, Some("")));
        assert!(!same_text(Some("a"), Some("b")));
    }
}
