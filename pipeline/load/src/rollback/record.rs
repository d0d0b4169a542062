//! One record on its way out: where it stands, whether it is still what was written, and the call
//! that removes it between an intent and an outcome that are both durable.

use std::time::Duration;

use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Fault, Result};

use super::undo::{Now, Removal, Wrote};
use super::{Fate, Left, Rollback};
use crate::target::{Draft, TargetId};

/// Calls for one record within a session before the rollback stops; after each of them the target
/// still had it unchanged, so it is in trouble.
const REMOVALS_MAX: u32 = 5;
/// Detail of a record that was not there when the rollback came to it.
const GONE_ALREADY: &str = "it was gone already";

/// Where a record stands, for a rollback.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The run did not get to it, or the target refused it.
    Nowhere,
    /// It is removed.
    Removed(Option<TargetId>),
    /// The run made it, and this is its id.
    Made(TargetId),
    /// It was there before the run.
    NotOurs(Option<TargetId>),
    /// Several records answer to its id.
    Doubtful(usize),
}

/// A record that a rollback is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub kind: RecordKind,
    pub source_id: &'a str,
    pub id: &'a str,
    /// Messages that go with it, by their ids in the plan.
    pub parts: &'a [String],
}

impl Rollback<'_> {
    /// Where a record stands. One whose creation ended without a reply is asked for once: the
    /// index of the target had time since.
    pub(super) async fn place(&self, draft: Draft<'_>) -> Result<Place> {
        let (kind, source_id) = (draft.kind(), draft.source_id());
        let Some(standing) = self.ledger.standing(kind, source_id) else {
            return Ok(Place::Nowhere);
        };
        let target_id = standing.target_id.map(TargetId::from);
        let is_adopted = self.adopted.contains(&(kind, source_id.to_owned()));
        Ok(match standing.state {
            State::Refused => Place::Nowhere,
            State::Removed => Place::Removed(target_id),
            State::Matched => Place::NotOurs(target_id),
            State::Done if is_adopted && !self.options.with_adopted => Place::NotOurs(target_id),
            State::Done | State::Removing => match target_id {
                Some(id) => Place::Made(id),
                None => Place::Nowhere,
            },
            // The place that a ticket was given, whatever was put there.
            State::Intent | State::Unknown if target_id.is_some() => {
                target_id.map_or(Place::Nowhere, Place::Made)
            }
            State::Intent | State::Unknown => {
                let mut hits = self.target.find(draft).await?;
                hits.retain(|found| !self.ledger.is_removed(kind, &found.id));
                match hits.as_slice() {
                    [] => Place::Nowhere,
                    // These carry no id of ours, but they were not there when the run began.
                    [found]
                        if found.ours
                            || matches!(
                                kind,
                                RecordKind::Tag | RecordKind::Section | RecordKind::Article
                            ) =>
                    {
                        Place::Made(found.id.clone())
                    }
                    [found] => Place::NotOurs(Some(found.id.clone())),
                    _ => Place::Doubtful(hits.len()),
                }
            }
        })
    }

    /// Removes a record if it is what was written; says what became of it.
    pub(super) async fn take_out(&self, record: Record<'_>, wrote: Wrote<'_>) -> Result<Fate> {
        let before = self.ledger.standing(record.kind, record.source_id);
        let was_removing = before.is_some_and(|standing| standing.state == State::Removing);
        for attempt in 1..=REMOVALS_MAX {
            match self.target.now(record.id, wrote).await? {
                Now::Touched(reasons) => {
                    if was_removing || attempt > 1 {
                        self.commit(record, State::Done, "a rollback left it").await?;
                    }
                    self.leave(Fate::Touched, left(record, reasons));
                    return Ok(Fate::Touched);
                }
                Now::Same if !self.options.execute => {
                    self.count(record.kind, Fate::ToRemove);
                    return Ok(Fate::ToRemove);
                }
                Now::Gone if !self.options.execute => {
                    self.count(record.kind, Fate::Gone);
                    return Ok(Fate::Gone);
                }
                Now::Gone => {
                    let fate = if was_removing || attempt > 1 { Fate::Removed } else { Fate::Gone };
                    if fate == Fate::Gone {
                        self.commit(record, State::Removing, "").await?;
                    }
                    let detail = if fate == Fate::Gone { GONE_ALREADY } else { "" };
                    self.commit(record, State::Removed, detail).await?;
                    self.count(record.kind, fate);
                    return Ok(fate);
                }
                Now::Same => {}
            }
            self.commit(record, State::Removing, "").await?;
            let removal = match wrote {
                Wrote::Message { ticket, .. } => {
                    self.target.remove_message(ticket, record.id).await?
                }
                _ => self.target.remove(record.kind, record.id).await?,
            };
            match removal {
                Removal::Gone => {
                    self.commit(record, State::Removed, "").await?;
                    self.count(record.kind, Fate::Removed);
                    return Ok(Fate::Removed);
                }
                Removal::Refused(reason) => {
                    self.commit(record, State::Done, &reason).await?;
                    self.leave(Fate::Refused, left(record, vec![reason]));
                    return Ok(Fate::Refused);
                }
                // Removing twice does no harm, but what is there is compared again first.
                Removal::Unknown(_) => self.pause(attempt).await,
            }
        }
        Err(Fault::retry(format!(
            "{} {} is still there after {REMOVALS_MAX} calls",
            record.kind.word(),
            record.source_id
        ))
        .hint("see whether the target is in trouble; then run the same command again"))
    }

    /// The pause after the `attempt`th look; it doubles.
    pub(super) async fn pause(&self, attempt: u32) {
        let first_ms = self.options.patience.pause_first_ms;
        let pause_ms = first_ms.saturating_mul(1 << (attempt - 1).min(20));
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
    }

    /// Counts a record that is not removed because of where it stands.
    pub(super) fn pass_by(&self, kind: RecordKind, source_id: &str, place: &Place) {
        match place {
            Place::Nowhere | Place::Made(_) => {}
            Place::Removed(_) => self.count(kind, Fate::Gone),
            Place::NotOurs(_) => self.count(kind, Fate::NotOurs),
            Place::Doubtful(count) => {
                let reasons = vec![format!("the target has {count} of it")];
                let left = Left {
                    kind,
                    source_id: source_id.to_owned(),
                    target_id: TargetId::new(),
                    reasons,
                };
                self.leave(Fate::Touched, left);
            }
        }
    }

    /// Notes a step of a record, and of the messages that share it.
    pub(super) async fn commit(
        &self,
        record: Record<'_>,
        state: State,
        detail: &str,
    ) -> Result<()> {
        let entry = |kind, source_id: &str, target_id: Option<TargetId>| Entry {
            kind,
            source_id: source_id.to_owned(),
            state,
            target_id,
            at: self.clock.now(),
            detail: Some(detail.to_owned()).filter(|text| !text.is_empty()),
        };
        let mut entries = vec![entry(record.kind, record.source_id, Some(record.id.to_owned()))];
        entries.extend(record.parts.iter().filter_map(|id| {
            let standing = self.ledger.standing(RecordKind::Message, id)?;
            let takes_part = match state {
                State::Removing => standing.state == State::Done,
                State::Removed => !matches!(standing.state, State::Removed | State::Refused),
                _ => matches!(standing.state, State::Removing | State::Removed),
            };
            takes_part.then(|| entry(RecordKind::Message, id, standing.target_id.map(Into::into)))
        }));
        self.ledger.commit(entries).await
    }
}

/// A record that stays, and why.
pub(super) fn left(record: Record<'_>, reasons: Vec<String>) -> Left {
    Left {
        kind: record.kind,
        source_id: record.source_id.to_owned(),
        target_id: record.id.to_owned(),
        reasons,
    }
}
