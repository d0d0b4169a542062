//! From plan rows to drafts: the plan's ids become the target's, files get the addresses that the
//! target gave them, and what could not be uploaded is said in the text.

use kernel::ledger::{RecordKind, State};
use kernel::{Fault, Result};

use super::Replay;
use super::agents::Agents;
use crate::guard::SentTime;
use crate::plan::{Attachment, Message, Sender, Ticket};
use crate::target::{AttachmentDraft, MessageDraft, TargetId, TicketDraft, Travelling};

/// Why a draft cannot be made yet.
pub(super) type Blocked = String;

/// Type of a file about which nothing is known.
const UNKNOWN_TYPE: &str = "application/octet-stream";

impl Replay<'_> {
    /// A ticket with its first messages, of which `packed` travel along.
    pub(super) fn ticket_draft(
        &self,
        ticket: &Ticket,
        first: &[Message],
        packed: usize,
        agents: &Agents,
    ) -> Result<std::result::Result<TicketDraft, Blocked>> {
        let customer = match self.customer_of(ticket.customer_id.as_deref()) {
            Ok(customer) => customer,
            Err(blocked) => return Ok(Err(blocked)),
        };
        let mut messages = Vec::with_capacity(first.len());
        for (place, message) in first.iter().enumerate() {
            match self.message_draft(message, agents) {
                Ok(Ok(draft)) => messages.push(draft),
                // It does not travel, and what is wrong with it is found when its turn comes.
                _ if place >= packed => break,
                Ok(Err(blocked)) => return Ok(Err(blocked)),
                Err(fault) => return Err(fault),
            }
        }
        let assignee = ticket.assignee_agent_id.as_deref();
        let tags = ticket.tags.iter().filter(|name| self.has_tag(name));
        Ok(Ok(TicketDraft {
            customer,
            assignee: assignee.and_then(|id| agents.writer(id).cloned()),
            tags: tags.cloned().collect(),
            messages,
            custom_fields: self.field_drafts(&ticket.custom_fields),
            planned: Travelling { from: 0, to: packed, is_bare: false },
            has_extras: self.desk.target.abilities().begins_with_a_place && ticket.meta.is_some(),
            ticket: ticket.clone(),
        }))
    }

    /// A message.
    pub(super) fn message_draft(
        &self,
        message: &Message,
        agents: &Agents,
    ) -> Result<std::result::Result<MessageDraft, Blocked>> {
        let sender = match &message.sender {
            Sender::Agent(id) => Ok(agents.writer(id).cloned()),
            Sender::Legacy => Ok(agents.legacy().cloned()),
            Sender::Customer(id) => self.customer_of(Some(id)),
            Sender::Nobody => self.customer_of(None),
        };
        let receiver = match message.receiver_customer_id.as_deref() {
            None => Ok(None),
            id => self.customer_of(id),
        };
        let (sender, receiver) = match (sender, receiver) {
            (Ok(sender), Ok(receiver)) => (sender, receiver),
            (Err(blocked), _) | (_, Err(blocked)) => return Ok(Err(blocked)),
        };
        let sent = SentTime::past(message.sent_at, self.desk.clock)
            .map_err(|fault| fault.during(format!("message {}", message.message_id)))?;
        let mentioned = message.mention_agent_ids.iter();
        let mut draft = MessageDraft {
            sender,
            receiver,
            mentions: mentioned.filter_map(|id| agents.mentioned(id).cloned()).collect(),
            sent,
            attachments: Vec::new(),
            message: message.clone(),
        };
        self.place_files(&mut draft)?;
        Ok(Ok(draft))
    }

    /// A customer in the target; nobody where the target can do without.
    fn customer_of(
        &self,
        customer_id: Option<&str>,
    ) -> std::result::Result<Option<TargetId>, Blocked> {
        let found = customer_id.and_then(|id| self.customer(id));
        match (found, customer_id) {
            (None, id) if self.desk.target.abilities().needs_authors => {
                Err(no_customer(id.unwrap_or("without an id")))
            }
            (found, _) => Ok(found),
        }
    }

    fn customer(&self, customer_id: &str) -> Option<TargetId> {
        let standing = self.desk.ledger.standing(RecordKind::Customer, customer_id)?;
        let there = matches!(standing.state, State::Done | State::Matched);
        standing.target_id.filter(|_| there).map(Into::into)
    }

    /// Gives each file its address in the target, in the list of files and in the texts.
    fn place_files(&self, draft: &mut MessageDraft) -> Result<()> {
        let mut moved: Vec<(String, String)> = Vec::new();
        for file in draft.message.attachments.clone() {
            let Some(sha256) = &file.sha256 else { continue };
            let standing = self.desk.ledger.standing(RecordKind::Upload, sha256);
            let place = match standing {
                Some(standing) if standing.state.is_settled() => standing.target_id,
                _ => {
                    return Err(Fault::data(format!(
                        "message {} carries the file {sha256}, which the plan does not upload",
                        draft.message.message_id
                    )));
                }
            };
            let name = file.name.clone().unwrap_or_else(|| sha256.clone());
            match place {
                None => say_missing(&mut draft.message, &name),
                Some(place) => {
                    moved.extend(file.url.clone().map(|from| (from, place.to_string())));
                    draft.attachments.push(attached(file, name, place.into()));
                }
            }
        }
        // Longest first: an address may begin with another one.
        moved.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
        draft.message.body_text = draft.message.body_text.take().map(|text| replaced(text, &moved));
        draft.message.body_html = draft.message.body_html.take().map(|text| replaced(text, &moved));
        Ok(())
    }
}

fn attached(file: Attachment, name: String, url: String) -> AttachmentDraft {
    AttachmentDraft {
        url,
        name,
        content_type: file
            .content_type
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| UNKNOWN_TYPE.to_owned()),
        bytes: file.bytes.unwrap_or_default(),
    }
}

/// Replaces addresses, also as HTML writes them.
pub(super) fn replaced(text: String, moved: &[(String, String)]) -> String {
    moved.iter().fold(text, |text, (from, to)| {
        let text = match from.contains('&') {
            true => text.replace(&escaped(from), to),
            false => text,
        };
        text.replace(from.as_str(), to)
    })
}

fn say_missing(message: &mut Message, name: &str) {
    let note = format!(" [attachment not available: {name}]");
    if let Some(html) = &mut message.body_html {
        html.push_str(&escaped(&note));
    }
    message.body_text.get_or_insert_default().push_str(&note);
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn no_customer(customer_id: &str) -> Blocked {
    format!("its customer {customer_id} is not in the target")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_whole_and_also_as_html_writes_them() {
        let moved = vec![
            ("http://a/x.png?a=1&b=2".to_owned(), "http://up/2".to_owned()),
            ("http://a/x".to_owned(), "http://up/1".to_owned()),
        ];
        let html = "<img src=\"http://a/x.png?a=1&amp;b=2\"> <img src=\"http://a/x\">";
        assert_eq!(
            replaced(html.to_owned(), &moved),
            "<img src=\"http://up/2\"> <img src=\"http://up/1\">"
        );
    }
}
