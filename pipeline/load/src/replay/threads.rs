//! Tickets: created with the messages that travel along, the others appended in order, and the
//! final state set where appending may have changed it.

use std::collections::HashSet;

use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};

use super::Replay;
use super::adoption::{ADOPTED, STATE_UNKNOWN};
use super::agents::Agents;
use crate::ledger::remark::{IN_TRASH, TWICE};
use crate::plan::{Message, Rows, Threads, Ticket};
use crate::recovery::{APPENDED, Settled};
use crate::target::{Draft, SKIPPED_MAX, Sent, TargetId, TicketUpdate, phase};

/// Detail of a ticket whose final state is set.
pub(crate) const FINISHED: &str = "final state set";
/// What is said about a ticket that an earlier run made and the target has no more.
const GONE: &str = "somebody deleted it in the target, so nothing was added to it";

impl Replay<'_> {
    pub(super) async fn bring_threads(
        &self,
        agents: &Agents,
        expected: &impl Fn(&str) -> u64,
    ) -> Result<()> {
        let total = match &self.selection {
            None => expected(phase::TICKETS_CREATE),
            Some(selection) => selection.tickets.len() as u64,
        };
        self.progress.phase(phase::TICKETS_CREATE, total);
        let (appends, updates) = match &self.selection {
            None if self.desk.target.abilities().finishes_all => {
                (expected(phase::MESSAGES_APPEND), total)
            }
            None => (expected(phase::MESSAGES_APPEND), expected(phase::TICKETS_UPDATE)),
            Some(selection) => (selection.appends, selection.updates),
        };
        self.progress.phase(phase::MESSAGES_APPEND, appends);
        self.progress.phase(phase::TICKETS_UPDATE, updates);
        let threads = self.selected_threads().await?;
        self.all(threads, self.options.tickets_in_flight, |(ticket, messages)| async move {
            self.bring_thread(&ticket, &messages, agents).await?;
            let made = u64::from(ticket.updates.is_none());
            self.progress.advance(phase::TICKETS_CREATE, made);
            Ok(())
        })
        .await
    }

    async fn selected_threads(&self) -> Result<Rows<(Ticket, Vec<Message>)>> {
        let threads = Threads::open(self.warehouse, &self.options.run).await?;
        let Some(selection) = &self.selection else {
            return Ok(threads.stream());
        };
        let wanted = selection.tickets.clone();
        let rest = futures::stream::try_unfold(
            (threads, wanted),
            |(mut threads, mut wanted)| async move {
                while !wanted.is_empty() {
                    let Some(thread) = threads.next().await? else {
                        break;
                    };
                    if wanted.remove(&thread.0.ticket_id) {
                        return Ok(Some((thread, (threads, wanted))));
                    }
                }
                Ok(None)
            },
        );
        Ok(Box::pin(rest))
    }

    async fn bring_thread(
        &self,
        ticket: &Ticket,
        messages: &[Message],
        agents: &Agents,
    ) -> Result<()> {
        if ticket.updates.is_some() && !self.look_at(ticket, messages).await? {
            return Ok(());
        }
        if let Some(key) = self.repeated_key(messages) {
            let reason = format!("two of its messages have the key {key} in the target");
            self.blocked(RecordKind::Ticket, &ticket.ticket_id, &reason);
            return Ok(());
        }
        let packed = messages.iter().take_while(|message| message.in_create);
        let packed = match self.desk.target.abilities().takes_messages_along {
            true => packed.count().max(messages.len().min(1)),
            false => 0,
        };
        let has_appended = packed < messages.len();
        let target_id = match self.bring_ticket(ticket, messages, packed, agents).await? {
            Settled::In(target_id) => target_id,
            Settled::Refused => return self.refuse_messages(messages).await,
            Settled::Open => return Ok(()),
        };
        for (place, message) in messages.iter().enumerate() {
            if !self.bring_message(&target_id, message, agents).await? {
                self.name_doubled(&messages[place + 1..]);
                return Ok(());
            }
        }
        let is_due = match &ticket.updates {
            None => self.may_have_reopened(ticket, messages, has_appended),
            Some(updates) => !updates.is_empty() && !self.is_finished(ticket),
        };
        if is_due {
            self.finish(&target_id, ticket, messages, agents).await?;
        }
        let ids = messages.iter().map(|message| message.message_id.as_str());
        self.desk.ledger.forget_messages(ids);
        Ok(())
    }

    /// A key that two messages of a ticket share: one of them would be taken for the other.
    fn repeated_key(&self, messages: &[Message]) -> Option<String> {
        let mut seen = HashSet::with_capacity(messages.len());
        let keys = messages.iter().map(|one| self.desk.target.message_key(&one.message_id));
        keys.into_iter().find(|key| !seen.insert(key.clone()))
    }

    /// Names messages of which the target has more than one, behind one that stops their ticket.
    fn name_doubled(&self, messages: &[Message]) {
        for message in messages {
            let id = &message.message_id;
            let standing = self.desk.ledger.standing(RecordKind::Message, id);
            let standing = standing.filter(|standing| standing.state == State::Unknown);
            let detail = standing.and_then(|standing| standing.detail).unwrap_or_default();
            if detail.contains(TWICE) {
                self.desk.findings.add(RecordKind::Message, id, &detail);
            }
        }
    }

    async fn bring_ticket(
        &self,
        ticket: &Ticket,
        messages: &[Message],
        packed: usize,
        agents: &Agents,
    ) -> Result<Settled> {
        let standing = self.desk.ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
        if let Some(standing) = standing.filter(|standing| standing.state == State::Done) {
            return Ok(Settled::In(standing.target_id.unwrap_or_default().into()));
        }
        let candidates = match self.desk.target.abilities().takes_messages_along {
            true => &messages[..messages.len().min(packed.max(SKIPPED_MAX + 1))],
            false => &[],
        };
        match self.ticket_draft(ticket, candidates, packed, agents)? {
            Ok(draft) => {
                let (draft, part) = (&draft, draft.planned);
                self.bring(Draft::Ticket { draft, part, place: None }).await
            }
            Err(blocked) => {
                self.blocked(RecordKind::Ticket, &ticket.ticket_id, &blocked);
                Ok(Settled::Open)
            }
        }
    }

    /// Brings a message in unless it is there; says whether the next one may follow.
    async fn bring_message(
        &self,
        ticket: &TargetId,
        message: &Message,
        agents: &Agents,
    ) -> Result<bool> {
        let id = &message.message_id;
        let standing = self.desk.ledger.standing(RecordKind::Message, id);
        match standing.map(|standing| standing.state) {
            Some(State::Done | State::Matched) => return Ok(true),
            _ if self.is_stopping() => return Ok(false),
            _ => {}
        }
        let draft = match self.message_draft(message, agents)? {
            Ok(draft) => draft,
            Err(blocked) => {
                self.blocked(RecordKind::Message, id, &blocked);
                return Ok(false);
            }
        };
        let message = &draft;
        let settled = self.bring(Draft::Message { ticket, message }).await?;
        self.progress.advance(phase::MESSAGES_APPEND, 1);
        Ok(settled != Settled::Open)
    }

    /// Whether the final state of a ticket is to be set: it should be closed and had messages
    /// appended, which may have opened it again, or the target wants it of every ticket; and it
    /// was not set since.
    fn may_have_reopened(&self, ticket: &Ticket, messages: &[Message], appends: bool) -> bool {
        let detail = |kind, id: &str| {
            let standing = self.desk.ledger.standing(kind, id);
            standing.and_then(|standing| standing.detail).unwrap_or_default()
        };
        let of_ticket = detail(RecordKind::Ticket, &ticket.ticket_id);
        let is_new = |message: &Message| {
            !detail(RecordKind::Message, &message.message_id).starts_with(ADOPTED)
        };
        let all = self.desk.target.abilities().finishes_all;
        let is_due = match &*of_ticket {
            text if text.starts_with(FINISHED) => false,
            text if text.contains(STATE_UNKNOWN) => true,
            text if text.starts_with(ADOPTED) => messages.iter().any(is_new),
            other => all || appends || other.contains(APPENDED),
        };
        (all || ticket.status == "closed") && is_due
    }

    /// Sets the final state of a ticket.
    async fn finish(
        &self,
        target_id: &TargetId,
        ticket: &Ticket,
        messages: &[Message],
        agents: &Agents,
    ) -> Result<()> {
        match self.send_state(target_id, ticket, messages, agents).await? {
            Sent::Made(_) => {
                self.progress.advance(phase::TICKETS_UPDATE, 1);
                let standing = self.desk.ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
                let said = standing.and_then(|standing| standing.detail);
                let detail = said.map_or(FINISHED.to_owned(), |said| format!("{FINISHED}; {said}"));
                let entry = Entry {
                    kind: RecordKind::Ticket,
                    source_id: ticket.ticket_id.clone(),
                    state: State::Done,
                    target_id: Some(target_id.clone()),
                    at: self.desk.clock.now(),
                    detail: Some(detail),
                };
                self.desk.ledger.commit(vec![entry]).await
            }
            Sent::Exists(reason) | Sent::Refused(reason) | Sent::Unknown(reason) => {
                let reason = format!("its final state could not be set: {reason}");
                self.blocked(RecordKind::Ticket, &ticket.ticket_id, &reason);
                Ok(())
            }
        }
    }

    async fn send_state(
        &self,
        target_id: &TargetId,
        ticket: &Ticket,
        messages: &[Message],
        agents: &Agents,
    ) -> Result<Sent> {
        let (target, now) = (self.desk.target, self.desk.clock.now());
        let assignee = ticket.assignee_agent_id.as_deref();
        let tags = ticket.tags.iter().filter(|name| self.has_tag(name));
        let is_there = |message: &&Message| {
            let standing = self.desk.ledger.standing(RecordKind::Message, &message.message_id);
            standing.is_some_and(|one| matches!(one.state, State::Done | State::Matched))
        };
        let messages = messages.iter().filter(is_there).collect();
        let update = TicketUpdate {
            ticket,
            assignee: assignee.and_then(|id| agents.writer(id).cloned()),
            tags: tags.cloned().collect(),
            custom_fields: self.field_drafts(&ticket.custom_fields),
            messages,
        };
        match ticket.updates {
            None => target.finish(target_id, &update, now).await,
            Some(_) => target.update(target_id, &update, now).await,
        }
    }

    fn is_finished(&self, ticket: &Ticket) -> bool {
        let standing = self.desk.ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
        let detail = standing.and_then(|standing| standing.detail);
        detail.is_some_and(|text| text.starts_with(FINISHED))
    }

    /// Looks at a ticket that an earlier run loaded, when there is something to do to it; says
    /// whether it may be done. What is in it already is not made again, and to a ticket that
    /// somebody deleted nothing is added.
    async fn look_at(&self, ticket: &Ticket, messages: &[Message]) -> Result<bool> {
        let ledger = self.desk.ledger;
        let standing = ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
        let is_there = |state| matches!(state, State::Done | State::Matched);
        let standing = standing.filter(|standing| is_there(standing.state));
        let Some(target_id) = standing.and_then(|standing| standing.target_id) else {
            return Ok(true);
        };
        let is_open = |message: &&Message| {
            let standing = ledger.standing(RecordKind::Message, &message.message_id);
            standing.is_none_or(|standing| !standing.state.is_settled())
        };
        let open: Vec<&Message> = messages.iter().filter(is_open).collect();
        let is_due = ticket.updates.as_ref().is_some_and(|fields| !fields.is_empty());
        if open.is_empty() && (!is_due || self.is_finished(ticket)) {
            return Ok(true);
        }
        let why = match self.desk.target.look(&target_id).await? {
            Some(found) if !found.trashed => {
                let known = open.iter().filter_map(|message| {
                    let key = self.desk.target.message_key(&message.message_id);
                    let (_, id) = found.parts.iter().find(|(id, _)| *id == key)?;
                    Some(Entry {
                        kind: RecordKind::Message,
                        source_id: message.message_id.clone(),
                        state: State::Done,
                        target_id: Some(id.clone()),
                        at: self.desk.clock.now(),
                        detail: Some(ADOPTED.to_owned()),
                    })
                });
                let known: Vec<Entry> = known.collect();
                if !known.is_empty() {
                    ledger.commit(known).await?;
                }
                return Ok(true);
            }
            Some(_) => IN_TRASH,
            None => GONE,
        };
        self.desk.findings.add(RecordKind::Ticket, &ticket.ticket_id, why);
        self.refuse(messages, why).await?;
        Ok(false)
    }

    /// Messages of a refused ticket share its fate.
    async fn refuse_messages(&self, messages: &[Message]) -> Result<()> {
        self.refuse(messages, "its ticket was refused").await
    }

    async fn refuse(&self, messages: &[Message], reason: &str) -> Result<()> {
        let ledger = self.desk.ledger;
        let new = messages.iter().filter(|message| {
            let standing = ledger.standing(RecordKind::Message, &message.message_id);
            standing.is_none()
        });
        let entries = new.map(|message| Entry {
            kind: RecordKind::Message,
            source_id: message.message_id.clone(),
            state: State::Refused,
            target_id: None,
            at: self.desk.clock.now(),
            detail: Some(reason.to_owned()),
        });
        let entries: Vec<Entry> = entries.collect();
        if entries.is_empty() {
            return Ok(());
        }
        ledger.commit(entries).await
    }

    /// Notes what keeps a record from being brought in.
    fn blocked(&self, kind: RecordKind, source_id: &str, reason: &str) {
        self.desk.findings.add(kind, source_id, reason);
        self.left_open();
    }
}
