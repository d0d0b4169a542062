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
use crate::target::{Draft, Found, MessageDraft, Sent, Target, TargetId};

/// Calls for one record within a session before the replay stops: each of them found the target
/// without the record afterwards, so it is in trouble.
const SENDS_MAX: u32 = 5;
/// What to do about a run that is half rolled back.
pub(crate) const FINISH_ROLLBACK: &str =
    "finish it with deskferry rollback and --execute; then load again";
/// Ends the detail of a ticket whose packed messages had to be appended after all.
pub(crate) const ONE_BY_ONE: &str = "its messages were sent one by one";

/// Detail of a record that the target says it has already.
pub(crate) const WAS_THERE: &str = "it was there before";
/// Detail of a record that a rollback had removed.
const MADE_ANEW: &str = "made anew after a rollback";
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
        let before = self.ledger.standing(draft.kind(), draft.source_id());
        let mut detail = before.map(|standing| match standing.state {
            State::Removed => MADE_ANEW.to_owned(),
            _ => SENT_AGAIN.to_owned(),
        });
        for _ in 0..SENDS_MAX {
            self.note(draft, State::Intent, None).await?;
            let reason = match self.target.create(draft, self.clock.now()).await? {
                Sent::Made(found) => return self.arrived(draft, found, detail, State::Done).await,
                Sent::Unknown(reason) => {
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
            self.findings.add(draft.kind(), draft.source_id(), &note);
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
        if let Draft::Ticket { draft, alone } = draft {
            let travelling = draft.travelling(alone).iter();
            entries.extend(travelling.map(|message| self.part_entry(message, &found, absent)));
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
            State::Removed => Ok(None),
            State::Removing => Err(Fault::refused(format!(
                "{} {} is being removed by a rollback",
                draft.kind().word(),
                draft.source_id()
            ))
            .hint(FINISH_ROLLBACK)),
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
            let mut hits = self.hits(draft).await?;
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

    /// What the target has of a record, without what a rollback removed.
    async fn hits(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        let mut hits = self.target.find(draft).await?;
        hits.retain(|found| !self.ledger.is_removed(draft.kind(), &found.id));
        Ok(hits)
    }

    /// Looks for the record because of which the target says "there is one already".
    async fn existing(&self, draft: Draft<'_>) -> Result<Option<Settled>> {
        let hits = self.hits(draft).await?;
        match hits.as_slice() {
            [] => self.look(draft, self.clock.now()).await,
            [found] => {
                let detail = Some(WAS_THERE.to_owned());
                let end = self.arrived(draft, found.clone(), detail, State::Unknown);
                end.await.map(Some)
            }
            _ => self.ambiguous(draft, hits.len()).await.map(Some),
        }
    }

    async fn recovered(&self, draft: Draft<'_>, mut found: Found) -> Result<Settled> {
        let mut detail = "found after a lost reply".to_owned();
        match draft {
            Draft::Ticket { draft, alone } => {
                let is_part = |message: &MessageDraft| found.part(message).is_some();
                let all_there = draft.travelling(alone).iter().all(is_part);
                if alone || !all_there {
                    detail = format!("{detail}; {ONE_BY_ONE}");
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
fn leaner(draft: Draft<'_>) -> Option<(Draft<'_>, &'static str)> {
    match draft {
        Draft::Customer { customer, lean: false }
            if customer.phone.is_some()
                || customer.language.is_some()
                || customer.timezone.is_some() =>
        {
            let lean = true;
            let note = "sent without phone, language and time zone";
            Some((Draft::Customer { customer, lean }, note))
        }
        Draft::Ticket { draft, alone: false } if draft.messages.len() > 1 => {
            Some((Draft::Ticket { draft, alone: true }, ONE_BY_ONE))
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
    }
}
