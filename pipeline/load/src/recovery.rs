//! Bringing one record into the target exactly once.
//!
//! The intent is durable before the call leaves, the outcome before anything is built on it. A
//! reply that got lost is *unknown*, never *failed*: the target is asked, with patience for a slow
//! index, and only when it does not have the record is the call made again. Two records where one
//! is expected stop that record. No decision rests on the wall clock, which may jump. Nothing in
//! here knows a vendor.

mod leaner;

use std::sync::OnceLock;
use std::time::Duration;

use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Clock, Fault, Result};

use crate::ledger::Ledger;
use crate::ledger::remark::{IN_TRASH, SENT_AGAIN, TWICE};
use crate::replay::Findings;
use crate::stop::Stop;
use crate::target::{Draft, Found, MessageDraft, Sent, Target, TargetId, TicketDraft, Travelling};
use leaner::{BARE, LEAN, leaner};

/// Calls for one record within a session before the replay stops: each of them found the target
/// without the record afterwards, so it is in trouble.
const SENDS_MAX: u32 = 5;
/// What to do about a run that is half rolled back.
pub(crate) const FINISH_ROLLBACK: &str =
    "finish it with deskferry rollback and --execute; then load again";
/// In the detail of a ticket to which messages were appended that should have come along.
pub(crate) const APPENDED: &str = "the others were appended";
/// In the detail of a record that the target says it has already.
pub(crate) const WAS_THERE: &str = "it was there before";

/// Detail of a message with which no ticket could be created, although it could with the next one.
const SKIPPED: &str = "the target refuses it, also alone";
/// Detail of a record that a rollback had removed.
const MADE_ANEW: &str = "made anew after a rollback";

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
    /// Looks that double their pauses from a first second on, over so many seconds in all.
    pub fn seconds(seconds: u64) -> Self {
        let defaults = Self::default();
        let shares = (1_u64 << defaults.looks) - 1;
        Self { pause_first_ms: seconds.saturating_mul(1_000) / shares, ..defaults }
    }

    /// Pauses before each look, in milliseconds. What an earlier session left is looked for at
    /// once, and then as patiently as anything else: how long ago the call was made is known from
    /// the wall clock only.
    fn pauses_ms(self, is_old: bool) -> Vec<u64> {
        let doubled = |look: u32| self.pause_first_ms.saturating_mul(1 << look.min(20));
        is_old.then_some(0).into_iter().chain((0..self.looks.max(1)).map(doubled)).collect()
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
    pub stop: &'a Stop,
}

impl Desk<'_> {
    /// Brings a record into the target unless it is there.
    pub async fn settle(&self, draft: Draft<'_>) -> Result<Settled> {
        let place = OnceLock::new();
        let (mut draft, is_placed) = (draft, self.is_placed(draft));
        let before = self.ledger.standing(draft.kind(), draft.source_id());
        if let (true, Some(known)) = (is_placed, &before)
            && matches!(known.state, State::Intent | State::Unknown)
            && let Some(id) = &known.target_id
        {
            draft = draft.at(place.get_or_init(|| id.to_string()));
        }
        if let Some(end) = self.known(draft).await? {
            return Ok(end);
        }
        let mut detail = before.map(|standing| match standing.state {
            State::Removed => MADE_ANEW.to_owned(),
            _ => SENT_AGAIN.to_owned(),
        });
        let mut unanswered = 0;
        while unanswered < SENDS_MAX {
            self.note(draft, State::Intent, detail.clone()).await?;
            let reason = match self.send(&mut draft, &place, &detail).await? {
                Sent::Made(found) => {
                    if let (Draft::Ticket { .. }, Some(note)) = (draft, &detail)
                        && [APPENDED, BARE, LEAN].iter().any(|words| note.contains(words))
                    {
                        self.findings.add(draft.kind(), draft.source_id(), note);
                    }
                    return self.arrived(draft, found, detail, State::Done).await;
                }
                Sent::Unknown(reason) => {
                    unanswered += 1;
                    let said = Some(joined(reason, detail.as_deref()));
                    self.note(draft, State::Unknown, said).await?;
                    if is_placed {
                        // Nothing can be doubled: an empty place is nothing, and what is put into
                        // one may be put there again.
                        self.pause(unanswered).await;
                        continue;
                    }
                    if let Some(end) = self.look(draft, false, detail.as_deref()).await? {
                        return Ok(end);
                    }
                    if !detail.as_deref().is_some_and(|said| said.contains(SENT_AGAIN)) {
                        detail = Some(joined(SENT_AGAIN.to_owned(), detail.as_deref()));
                    }
                    continue;
                }
                Sent::Exists(reason) => match self.existing(draft, detail.as_deref()).await? {
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
            let is_again = detail.as_deref().is_some_and(|said| said.contains(SENT_AGAIN));
            let said = if is_again { joined(SENT_AGAIN.to_owned(), Some(&note)) } else { note };
            (draft, detail) = (lean, Some(said));
        }
        Err(Fault::retry(format!(
            "{} {}: no usable reply to {SENDS_MAX} calls",
            draft.kind().word(),
            draft.source_id()
        ))
        .hint("see whether the target is in trouble; then run the same command again"))
    }

    /// Makes the call that creates a record; for one that begins as an empty place and has none,
    /// first the call that makes the place, which is then noted.
    async fn send<'a>(
        &self,
        draft: &mut Draft<'a>,
        place: &'a OnceLock<String>,
        detail: &Option<String>,
    ) -> Result<Sent> {
        if let (true, Draft::Ticket { draft: ticket, place: None, .. }) =
            (self.is_placed(*draft), *draft)
        {
            match self.target.begin(ticket, self.clock.now()).await? {
                Sent::Made(found) => {
                    *draft = draft.at(place.get_or_init(|| found.id));
                    self.note(*draft, State::Intent, detail.clone()).await?;
                }
                other => return Ok(other),
            }
        }
        self.target.create(*draft, self.clock.now()).await
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
        let mut detail = detail;
        if found.trashed {
            self.findings.add(draft.kind(), draft.source_id(), IN_TRASH);
            detail = Some(joined(IN_TRASH.to_owned(), detail.as_deref()));
        }
        let mut entry = self.entry(draft, state, detail);
        entry.target_id = Some(found.id.clone());
        let mut entries = vec![entry];
        if let Draft::Ticket { draft, part, .. } = draft {
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
            State::Intent | State::Unknown if self.is_placed(draft) => {
                let is_doubled = standing.detail.as_deref().is_some_and(|it| it.contains(TWICE));
                match is_doubled {
                    true => self.look(draft, true, standing.detail.as_deref()).await,
                    false => Ok(None),
                }
            }
            State::Intent | State::Unknown => {
                self.look(draft, true, standing.detail.as_deref()).await
            }
            State::Removed => Ok(None),
            State::Removing => Err(Fault::refused(format!(
                "{} {} is being removed by a rollback",
                draft.kind().word(),
                draft.source_id()
            ))
            .hint(FINISH_ROLLBACK)),
        }
    }

    /// Looks for a record whose call may have been carried out; `None` when it is not there. When
    /// the replay is asked to stop meanwhile, the next session looks.
    async fn look(
        &self,
        draft: Draft<'_>,
        is_old: bool,
        said: Option<&str>,
    ) -> Result<Option<Settled>> {
        if matches!(draft, Draft::Upload { .. }) {
            // Nobody can be asked for a file, and a copy that nothing refers to does no harm.
            return Ok(None);
        }
        for pause_ms in self.patience.pauses_ms(is_old) {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
                () = self.stop.asked() => return Ok(Some(Settled::Open)),
            }
            let mut hits = self.hits(draft).await?;
            match hits.len() {
                0 => {}
                1 => {
                    let found = hits.remove(0);
                    return self.recovered(draft, found, said).await.map(Some);
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
        if is_page(draft) {
            // Two of one name may be planned, and one of them may be there.
            hits.retain(|found| self.ledger.holder(draft.kind(), &found.id).is_none());
        }
        Ok(hits)
    }

    /// Looks for the record because of which the target says "there is one already".
    async fn existing(&self, draft: Draft<'_>, said: Option<&str>) -> Result<Option<Settled>> {
        let mut hits = self.hits(draft).await?;
        let is_again = said.is_some_and(|said| said.contains(SENT_AGAIN));
        if is_page(draft) && is_again && hits.len() == 1 {
            // Its place was empty when the first call left.
            return self.recovered(draft, hits.remove(0), said).await.map(Some);
        }
        match hits.as_slice() {
            // Something else is there, and waiting does not change that.
            [] if is_page(draft) && !is_again => Ok(None),
            [] => self.look(draft, false, None).await,
            [found] => {
                let detail = Some(WAS_THERE.to_owned());
                let end = self.arrived(draft, found.clone(), detail, State::Unknown);
                end.await.map(Some)
            }
            _ => self.ambiguous(draft, hits.len()).await.map(Some),
        }
    }

    /// Notes that a record is there although no reply said so. When it was sent more than once, the
    /// one that was found may not be the only one that comes.
    async fn recovered(
        &self,
        draft: Draft<'_>,
        mut found: Found,
        said: Option<&str>,
    ) -> Result<Settled> {
        let again = said.filter(|said| said.contains(SENT_AGAIN)).map(|_| SENT_AGAIN);
        let mut detail = joined("found after a lost reply".to_owned(), again);
        match draft {
            Draft::Ticket { draft, part, .. } => {
                let is_part = |message: &MessageDraft| found.part(message).is_some();
                let all_there = draft.travelling(part).iter().all(is_part);
                if part.from > 0 || part.to != draft.planned.to || !all_there {
                    detail = format!("{detail}; {APPENDED}");
                }
            }
            // They carry no id of ours, but they were not there when the target was asked first.
            Draft::Tag(_) | Draft::Section(_) | Draft::Article(_) => found.ours = true,
            _ => {}
        }
        self.arrived(draft, found, Some(detail), State::Unknown).await
    }

    async fn ambiguous(&self, draft: Draft<'_>, count: usize) -> Result<Settled> {
        let reason = format!("{TWICE}: {count}");
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

    /// Whether a record begins as an empty place, so that it is known where it is before anything
    /// of it is sent.
    fn is_placed(&self, draft: Draft<'_>) -> bool {
        matches!(draft, Draft::Ticket { .. }) && self.target.abilities().begins_with_a_place
    }

    /// The pause after so many calls without a usable reply.
    async fn pause(&self, unanswered: u32) {
        let pause_ms = self.patience.pause_first_ms.saturating_mul(1 << (unanswered - 1).min(20));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
            () = self.stop.asked() => {}
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
            target_id: draft.place().map(str::to_owned),
            at: self.clock.now(),
            detail,
        }
    }
}

/// Whether it is part of the help center, where nothing carries an id of ours.
fn is_page(draft: Draft<'_>) -> bool {
    matches!(draft, Draft::Section(_) | Draft::Article(_))
}

/// One detail after the other.
fn joined(first: String, second: Option<&str>) -> String {
    second.map_or(first.clone(), |second| format!("{first}; {second}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_spread_and_what_an_earlier_session_left_is_looked_for_at_once_too() {
        let patience = Patience::default();
        assert_eq!(patience.pauses_ms(false), [1_000, 2_000, 4_000, 8_000]);
        assert_eq!(patience.pauses_ms(true), [0, 1_000, 2_000, 4_000, 8_000]);
        assert_eq!(Patience::seconds(15), patience);
        assert_eq!(Patience::seconds(0).pauses_ms(false), [0, 0, 0, 0]);
    }
}
