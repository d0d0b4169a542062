//! Tickets on their way out, with the messages in them.

use std::collections::HashSet;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{RecordKind, State};

use super::record::{Place, Record, left};
use super::undo::Wrote;
use super::{Fate, Rollback};
use crate::plan::{Message, Sender, Threads, Ticket};
use crate::replay::FINISHED;
use crate::target::{Draft, TicketDraft};

/// The phase of tickets, as it is shown.
const TICKETS: &str = "rollback_tickets";

impl Rollback<'_> {
    /// Every ticket of the plan, in its order, several at a time.
    pub(super) async fn threads(&self) -> Result<()> {
        let made = self.ledger.counts();
        let made = made.iter().filter(|((kind, _), _)| *kind == RecordKind::Ticket);
        self.progress.phase(TICKETS, made.map(|(_, count)| count).sum());
        let threads = Threads::open(self.warehouse, &self.options.run).await?.stream();
        threads
            .try_for_each_concurrent(self.options.in_flight.max(1), |(ticket, messages)| {
                self.thread(ticket, messages)
            })
            .await
    }

    async fn thread(&self, ticket: Ticket, messages: Vec<Message>) -> Result<()> {
        let id = &ticket.ticket_id;
        if self.ledger.standing(RecordKind::Ticket, id).is_none() {
            return Ok(());
        }
        self.progress.advance(TICKETS, 1);
        match self.written.ticket(&ticket, &messages)? {
            Ok(draft) => self.written_thread(&draft, &messages).await,
            Err(blocked) => self.unwritten_thread(&ticket, &messages, blocked),
        }
    }

    async fn written_thread(&self, draft: &TicketDraft, messages: &[Message]) -> Result<()> {
        let source_id = draft.ticket.ticket_id.as_str();
        let part = draft.planned;
        let place = self.place(Draft::Ticket { draft, part, place: None }).await?;
        let id = match &place {
            Place::Made(id) => id,
            Place::Removed(id) => {
                self.book().gone.extend(id.clone());
                self.pass_by(RecordKind::Ticket, source_id, &place);
                return Ok(());
            }
            Place::NotOurs(Some(id)) => {
                self.need(&draft.ticket, messages);
                return self.added_to(id, draft).await;
            }
            _ => {
                self.pass_by(RecordKind::Ticket, source_id, &place);
                if place != Place::Nowhere {
                    self.need(&draft.ticket, messages);
                }
                return Ok(());
            }
        };
        let parts: Vec<String> =
            messages.iter().map(|message| message.message_id.clone()).collect();
        let sure: HashSet<String> = parts.iter().filter(|id| self.is_there(id)).cloned().collect();
        let record = Record { kind: RecordKind::Ticket, source_id, id, parts: &parts };
        let standing = self.ledger.standing(RecordKind::Ticket, source_id);
        let is_finished =
            standing.and_then(|one| one.detail).is_some_and(|it| it.contains(FINISHED));
        let wrote = Wrote::Ticket { draft, sure: &sure, is_finished };
        let fate = self.take_out(record, wrote).await?;
        match fate {
            Fate::Removed => {
                let mut book = self.book();
                book.removed_now.push((source_id.to_owned(), id.clone()));
                book.gone.insert(id.clone());
            }
            Fate::ToRemove | Fate::Gone => {
                self.book().gone.insert(id.clone());
            }
            _ => self.need(&draft.ticket, messages),
        }
        Ok(())
    }

    /// A ticket of which it cannot be said what was written, so it stays.
    fn unwritten_thread(
        &self,
        ticket: &Ticket,
        messages: &[Message],
        blocked: String,
    ) -> Result<()> {
        let standing = self.ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
        let Some(standing) = standing else { return Ok(()) };
        let id = standing.target_id.unwrap_or_default();
        match standing.state {
            State::Refused => {}
            State::Removed => {
                self.book().gone.insert(id.into());
                self.count(RecordKind::Ticket, Fate::Gone);
            }
            _ => {
                let source_id = ticket.ticket_id.as_str();
                let record = Record { kind: RecordKind::Ticket, source_id, id: &id, parts: &[] };
                self.leave(Fate::Touched, left(record, vec![format!("not compared: {blocked}")]));
                self.need(ticket, messages);
            }
        }
        Ok(())
    }

    /// Whether the ledger is sure that a message was written.
    fn is_there(&self, message_id: &str) -> bool {
        let standing = self.ledger.standing(RecordKind::Message, message_id);
        standing.is_some_and(|standing| {
            matches!(standing.state, State::Done | State::Matched | State::Removing)
        })
    }

    /// Keeps the customers of a ticket that stays.
    fn need(&self, ticket: &Ticket, messages: &[Message]) {
        let mut book = self.book();
        book.needed.extend(ticket.customer_id.clone());
        for message in messages {
            if let Sender::Customer(id) = &message.sender {
                book.needed.insert(id.clone());
            }
            book.needed.extend(message.receiver_customer_id.clone());
        }
    }
}
