//! What a run added to tickets that an earlier one made: its messages go, the tickets stay.
//!
//! The state that it set there stays, too: what was there before is known to nobody any more.

use kernel::Result;
use kernel::ledger::{Entry, RecordKind};

use super::record::{Place, Record, left};
use super::undo::Wrote;
use super::{Fate, Rollback};
use crate::replay::FINISHED;
use crate::target::{Draft, TicketDraft};

impl Rollback<'_> {
    /// Takes the run's messages out of a ticket, the newest first, and names what it set there.
    pub(super) async fn added_to(&self, ticket: &str, draft: &TicketDraft) -> Result<()> {
        let mut fates = Vec::new();
        for message in draft.messages.iter().rev() {
            let place = self.place(Draft::Message { ticket, message }).await?;
            let source_id = message.message.message_id.as_str();
            match &place {
                // What was there before the run is part of a ticket that is not of this run.
                Place::Nowhere | Place::NotOurs(_) => {}
                Place::Made(id) => {
                    let record = Record { kind: RecordKind::Message, source_id, id, parts: &[] };
                    let wrote = Wrote::Message { ticket, draft: message };
                    fates.push(self.take_out(record, wrote).await?);
                }
                _ => self.pass_by(RecordKind::Message, source_id, &place),
            }
        }
        let source_id = draft.ticket.ticket_id.as_str();
        let set = draft.ticket.updates.clone().unwrap_or_default();
        if !self.is_set(source_id) || set.is_empty() {
            self.count(RecordKind::Ticket, Fate::NotOurs);
        } else {
            let record = Record { kind: RecordKind::Ticket, source_id, id: ticket, parts: &[] };
            self.leave(Fate::Updated, left(record, set));
        }
        let is_changed = fates.iter().any(|fate| matches!(fate, Fate::Removed | Fate::Gone));
        if self.options.execute && is_changed { self.set_again(source_id).await } else { Ok(()) }
    }

    /// Whether the run surely set the final state of a ticket.
    fn is_set(&self, source_id: &str) -> bool {
        let standing = self.ledger.standing(RecordKind::Ticket, source_id);
        let detail = standing.and_then(|standing| standing.detail);
        detail.is_some_and(|detail| detail.starts_with(FINISHED))
    }

    /// Has a later load set the state once more, behind the messages that it adds again.
    async fn set_again(&self, source_id: &str) -> Result<()> {
        let kind = RecordKind::Ticket;
        let Some(standing) = self.ledger.standing(kind, source_id) else { return Ok(()) };
        let detail = standing.detail.unwrap_or_default();
        let Some(rest) = detail.strip_prefix(FINISHED) else { return Ok(()) };
        let rest = rest.trim_start_matches("; ");
        let entry = Entry {
            kind,
            source_id: source_id.to_owned(),
            state: standing.state,
            target_id: standing.target_id.map(Into::into),
            at: self.clock.now(),
            detail: (!rest.is_empty()).then(|| rest.to_owned()),
        };
        self.ledger.commit(vec![entry]).await
    }
}
