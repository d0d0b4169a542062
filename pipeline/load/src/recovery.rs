//! Bringing one record into the target exactly once.
//!
//! The intent is durable before the call leaves, the outcome before anything is built on it. A
//! reply that got lost is *unknown*, never *failed*: the target is asked, with patience for a slow
//! index, and only when it does not have the record is the call made again. Two records where one
//! is expected stop that record. Nothing in here knows a vendor.

use std::time::Duration;

use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Clock, Fault, Instant, Result};

use crate::ledger::Ledger;
use crate::replay::Findings;
use crate::target::{Draft, Found, MessageDraft, Sent, Target, TargetId, TicketDraft, Travelling};

/// Calls for one record within a session before the replay stops: each of them found the target
/// without the record afterwards, so it is in trouble.
const SENDS_MAX: u32 = 5;
/// Ends the detail of a ticket to which messages were appended that should have come along.
pub(crate) const APPENDED: &str = "the others were appended";

/// Ends the detail of a ticket that was created without its custom fields.
const BARE: &str = "created without its custom fields";
/// Detail of a message with which no ticket could be created, although it could with the next one.
const SKIPPED: &str = "the target refuses it, also alone";

/// Detail of a record that a second call brought in.
const SENT_AGAIN: &str = "sent again, because the first call left no trace";

/// How long a record is looked for before it counts as not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Looks in all.
    pub looks: u32,
    /// From the lost reply to the first look, in milliseconds; the pause doubles from there.
    pub pause_first_ms: u64,
}

impl Default for Patience {
    /// Looks after 1, 3, 7 and 15 seconds. No delay of the search index is documented; this is
    /// what other clients of such APIs settled on.
    fn default() -> Self {
        Self { looks: 4, pause_first_ms: 1_000 }
    }
}

impl Patience {
    /// Looks four times, the last of them after so many seconds.
    pub fn of_seconds(last_s: u64) -> Self {
        let looks = Self::default().looks;
        let pauses = (1 << looks) - 1;
        Self { looks, pause_first_ms: last_s.saturating_mul(1_000).div_ceil(pauses) }
    }

    /// When to look, in milliseconds since the call. Looks that are due already count as one.
    fn looks_ms(self, elapsed_ms: u64) -> Vec<u64> {
        let mut due_ms = 0_u64;
        let mut looks = Vec::new();
        for look in 0..self.looks.max(1) {
            due_ms = due_ms.saturating_add(self.pause_first_ms.saturating_mul(1 << look.min(20)));
            if due_ms <= elapsed_ms {
                looks.clear();
            }
            looks.push(due_ms);
        }
        looks
    }
}

/// How bringing a record in ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is in the target, with this id.
    In(TargetId),
    /// The target refuses it.
    Refused,
    /// It cannot be told whether it is there; somebody has to look.
    Open,
}

/// What bringing records in needs.
pub(crate) struct Desk<'a> {
    pub target: &'a dyn Target,
    pub ledger: &'a Ledger,
    pub clock: &'a dyn Clock,
    pub patience: Patience,
    pub findings: &'a Findings,
}

impl Desk<'_> {
    /// Brings a record into the target unless it is there.
    pub async fn settle(&self, draft: Draft<'_>) -> Result<Settled> {
        if let Some(end) = self.known(draft).await? {
            return Ok(end);
        }
        let mut draft = draft;
        let is_repeated = self.ledger.standing(draft.kind(), draft.source_id()).is_some();
        let mut detail = is_repeated.then(|| SENT_AGAIN.to_owned());
        let mut unanswered = 0;
        while unanswered < SENDS_MAX {
            self.note(draft, State::Intent, None).await?;
            let reason = match self.target.create(draft, self.clock.now()).await? {
                Sent::Made(found) => {
                    if let (Draft::Ticket { .. }, Some(note)) = (draft, &detail)
                        && (note.ends_with(APPENDED) || note.ends_with(BARE))
                    {
                        self.findings.add(draft.kind(), draft.source_id(), note);
                    }
                    return self.arrived(draft, found, detail, State::Done).await;
                }
                Sent::Unknown(reason) => {
                    unanswered += 1;
                    self.note(draft, State::Unknown, Some(reason)).await?;
                    if let Some(end) = self.look(draft, self.clock.now()).await? {
                        return Ok(end);
                    }
                    detail = detail.or_else(|| Some(SENT_AGAIN.to_owned()));
                    continue;
                }
                Sent::Exists(reason) => match self.existing(draft).await? {
                    Some(end) => return Ok(end),
                    None => reason,
                },
                Sent::Refused(reason) => reason,
            };
            let Some((lean, note)) = leaner(draft) else {
                return self.refused(draft, reason).await;
            };
            let note = format!("{reason}; {note}");
            if !matches!(draft, Draft::Ticket { .. }) {
                self.findings.add(draft.kind(), draft.source_id(), &note);
            }
            (draft, detail) = (lean, Some(note));
        }
        Err(Fault::retry(format!(
            "{} {}: no usable reply to {SENDS_MAX} calls",
            draft.kind().word(),
            draft.source_id()
        ))
        .hint("see whether the target is in trouble; then run the same command again"))
    }

    /// Notes that a record is in the target, together with its parts; `absent` is where a message
    /// stands that should have come along and is not among them.
    async fn arrived(
        &self,
        draft: Draft<'_>,
        found: Found,
        detail: Option<String>,
        absent: State,
    ) -> Result<Settled> {
        let state = if found.ours { State::Done } else { State::Matched };
        let mut entry = self.entry(draft, state, detail);
        entry.target_id = Some(found.id.clone());
        let mut entries = vec![entry];
        if let Draft::Ticket { draft, part } = draft {
            entries.extend(self.part_entries(draft, part, &found, absent));
        }
        self.ledger.commit(entries).await?;
        Ok(Settled::In(found.id))
    }

    /// What the ledger knows already; an intent without an outcome is asked for.
    async fn known(&self, draft: Draft<'_>) -> Result<Option<Settled>> {
        let Some(standing) = self.ledger.standing(draft.kind(), draft.source_id()) else {
            return Ok(None);
        };
        match standing.state {
            State::Done | State::Matched => {
                let id = TargetId::from(standing.target_id.unwrap_or_default());
                Ok(Some(Settled::In(id)))
            }
            State::Refused => {
                let reason = standing.detail.as_deref().unwrap_or("refused");
                self.findings.add(draft.kind(), draft.source_id(), reason);
                Ok(Some(Settled::Refused))
            }
            State::Intent | State::Unknown => self.look(draft, standing.at).await,
        }
    }

    /// Looks for a record whose call may have been carried out; `None` when it is not there.
    async fn look(&self, draft: Draft<'_>, called_at: Instant) -> Result<Option<Settled>> {
        if matches!(draft, Draft::Upload { .. }) {
            // Nobody can be asked for a file, and a copy that nothing refers to does no harm.
            return Ok(None);
        }
        for due_ms in self.patience.looks_ms(self.clock.now().ms_since(called_at)) {
            let passed_ms = self.clock.now().ms_since(called_at);
            tokio::time::sleep(Duration::from_millis(due_ms.saturating_sub(passed_ms))).await;
            let mut hits = self.target.find(draft).await?;
            match hits.len() {
                0 => {}
                1 => {
                    let found = hits.remove(0);
                    return self.recovered(draft, found).await.map(Some);
                }
                count => return self.ambiguous(draft, count).await.map(Some),
            }
        }
        Ok(None)
    }

    /// Looks for the record because of which the target says "there is one already".
    async fn existing(&self, draft: Draft<'_>) -> Result<Option<Settled>> {
        let hits = self.target.find(draft).await?;
        match hits.as_slice() {
            [] => self.look(draft, self.clock.now()).await,
            [found] => {
                let detail = Some("it was there before".to_owned());
                let end = self.arrived(draft, found.clone(), detail, State::Unknown);
                end.await.map(Some)
            }
            _ => self.ambiguous(draft, hits.len()).await.map(Some),
        }
    }

    async fn recovered(&self, draft: Draft<'_>, mut found: Found) -> Result<Settled> {
        let mut detail = "found after a lost reply".to_owned();
        match draft {
            Draft::Ticket { draft, part } => {
                let is_part = |message: &MessageDraft| found.part(message).is_some();
                let all_there = draft.travelling(part).iter().all(is_part);
                if part.from > 0 || part.to != draft.planned.to || !all_there {
                    detail = format!("{detail}; {APPENDED}");
                }
            }
            // A tag carries no id of ours, but it was not there when the tags were listed.
            Draft::Tag(_) => found.ours = true,
            _ => {}
        }
        self.arrived(draft, found, Some(detail), State::Unknown).await
    }

    async fn ambiguous(&self, draft: Draft<'_>, count: usize) -> Result<Settled> {
        let reason = format!("the target has {count} of it");
        self.findings.add(draft.kind(), draft.source_id(), &reason);
        self.note(draft, State::Unknown, Some(reason)).await?;
        Ok(Settled::Open)
    }

    async fn refused(&self, draft: Draft<'_>, reason: String) -> Result<Settled> {
        self.findings.add(draft.kind(), draft.source_id(), &reason);
        self.note(draft, State::Refused, Some(reason)).await?;
        Ok(Settled::Refused)
    }

    /// Where the first messages of a ticket stand that is in the target. Also one that did not
    /// travel now may be there: it did in a session that was stopped.
    fn part_entries(
        &self,
        draft: &TicketDraft,
        part: Travelling,
        found: &Found,
        absent: State,
    ) -> Vec<Entry> {
        let entries = draft.messages.iter().enumerate().filter_map(|(place, message)| {
            if found.part(message).is_some() || (part.from..part.to).contains(&place) {
                return Some(self.part_entry(message, found, absent));
            }
            (place < part.from).then(|| self.skipped_entry(message))
        });
        entries.collect()
    }

    fn part_entry(&self, message: &MessageDraft, found: &Found, absent: State) -> Entry {
        let hit = found.part(message);
        Entry {
            kind: RecordKind::Message,
            source_id: message.message.message_id.clone(),
            state: if hit.is_some() { State::Done } else { absent },
            target_id: hit.map(str::to_owned),
            at: self.clock.now(),
            detail: hit.is_none().then(|| "the target did not name it with its ticket".to_owned()),
        }
    }

    /// A message that no call could carry, not even alone. It becomes a finding when its turn to be
    /// appended comes.
    fn skipped_entry(&self, message: &MessageDraft) -> Entry {
        Entry {
            kind: RecordKind::Message,
            source_id: message.message.message_id.clone(),
            state: State::Refused,
            target_id: None,
            at: self.clock.now(),
            detail: Some(SKIPPED.to_owned()),
        }
    }

    async fn note(&self, draft: Draft<'_>, state: State, detail: Option<String>) -> Result<()> {
        let entry = self.entry(draft, state, detail);
        self.ledger.commit(vec![entry]).await
    }

    fn entry(&self, draft: Draft<'_>, state: State, detail: Option<String>) -> Entry {
        Entry {
            kind: draft.kind(),
            source_id: draft.source_id().to_owned(),
            state,
            target_id: None,
            at: self.clock.now(),
            detail,
        }
    }
}

/// The same record with less in it, where a target may object to what is left out, and a note on
/// what that is.
fn leaner(draft: Draft<'_>) -> Option<(Draft<'_>, String)> {
    match draft {
        Draft::Customer { customer, lean: false }
            if customer.phone.is_some()
                || customer.language.is_some()
                || customer.timezone.is_some() =>
        {
            let lean = true;
            let note = "sent without phone, language and time zone";
            Some((Draft::Customer { customer, lean }, note.to_owned()))
        }
        Draft::Ticket { draft, part } => {
            let part = draft.after_refusal(part)?;
            let (count, planned) = (part.to - part.from, draft.planned.to);
            let note = match part.is_bare {
                true => BARE.to_owned(),
                false => format!("created with {count} of {planned} messages; {APPENDED}"),
            };
            Some((Draft::Ticket { draft, part }, note))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_spread_and_those_overdue_count_as_one() {
        let patience = Patience::default();
        assert_eq!(patience.looks_ms(0), [1_000, 3_000, 7_000, 15_000]);
        assert_eq!(patience.looks_ms(4_000), [3_000, 7_000, 15_000]);
        assert_eq!(patience.looks_ms(86_400_000), [15_000]);
        assert_eq!(Patience::of_seconds(15), patience);
        assert_eq!(Patience::of_seconds(60).looks_ms(0), [4_000, 12_000, 28_000, 60_000]);
    }
}
