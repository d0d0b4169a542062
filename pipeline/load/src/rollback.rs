//! Taking a run back out of the target: what it made, and only where nobody has touched it since.
//!
//! The ledger says what the run made; each record is read afresh and compared with what the plan
//! wrote right before it goes. The intent is durable before the call leaves, the outcome after it,
//! so a rollback that was stopped anywhere goes on, and what was removed can be loaded again.
//! Tickets go first, then customers, tags and agents that nothing else uses, then the help center.
//! Nothing in here knows a vendor.

mod appended;
mod help_center;
mod leftovers;
mod record;
mod threads;
mod undo;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::ledger::RecordKind;
use kernel::{Clock, Mapping, Result, RunId};
use landing::Warehouse;
use landing::ledger_log::{self, Line};

use crate::ledger::Ledger;
use crate::recovery::{Desk, Patience, WAS_THERE};
use crate::replay::{self, ADOPTED, Findings, Progress, Written, calls_since};
use crate::target::TargetId;

pub use undo::{Listed, Now, Removal, Undo, Wrote};

/// What to take back, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The run.
    pub run: RunId,
    /// The decisions it was loaded with.
    pub mapping: Mapping,
    /// Whether to remove anything; else it is only said what would be removed.
    pub execute: bool,
    /// Whether records of earlier runs go too that this run recognized as its own.
    pub with_adopted: bool,
    /// Records that are worked on at a time.
    pub in_flight: usize,
    /// How long to wait for the target to show that a record is gone.
    pub patience: Patience,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It would be removed.
    ToRemove,
    /// It was removed now.
    Removed,
    /// It was gone already: an earlier rollback or somebody else removed it.
    Gone,
    /// Somebody changed it, so it stays.
    Touched,
    /// An earlier run made it and this one changed it, which nobody can take back.
    Updated,
    /// Something that stays makes use of it.
    InUse,
    /// The run did not make it.
    NotOurs,
    /// The target cannot remove it.
    Permanent,
    /// The target would not remove it, or still lists it.
    Refused,
}

impl Fate {
    /// The word used in tables.
    pub const fn word(self) -> &'static str {
        match self {
            Fate::ToRemove => "would be removed",
            Fate::Removed => "removed",
            Fate::Gone => "gone already",
            Fate::Touched => "touched, stays",
            Fate::Updated => "updated by this run, stays",
            Fate::InUse => "in use, stays",
            Fate::NotOurs => "not of this run, stays",
            Fate::Permanent => "cannot be removed, stays",
            Fate::Refused => "not removed",
        }
    }
}

/// A record that stays and that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// What kind of record.
    pub kind: RecordKind,
    /// Its id in the plan.
    pub source_id: String,
    /// Its id in the target.
    pub target_id: TargetId,
    /// Why it stays: names of fields, counts and statuses.
    pub reasons: Vec<String>,
}

/// How a rollback ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Records per kind and fate.
    pub fates: BTreeMap<(RecordKind, Fate), u64>,
    /// What somebody touched or the target would not remove, in order.
    pub left: Vec<Left>,
    /// Calls of this session, per phase.
    pub calls_now: BTreeMap<String, u64>,
}

/// Takes a run back out of its target, or says what that would remove.
///
/// May be dropped at any moment and called again: it goes on from the ledger.
///
/// # Errors
/// When the whole rollback has to stop; everything up to there is in the ledger.
pub async fn rollback(
    warehouse: &Warehouse,
    target: Arc<dyn Undo>,
    options: &Options,
    clock: Arc<dyn Clock>,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let calls_at_start = target.calls();
    let counter = target.clone();
    let call_count = move || calls_since(&calls_at_start, counter.calls());
    let ledger = Ledger::open(warehouse, options.run, Box::new(call_count.clone())).await?;
    let findings = Findings::default();
    let replayed = replay::Options {
        run: options.run,
        mapping: options.mapping.clone(),
        ..replay::Options::default()
    };
    let desk = Desk {
        target: target.as_ref(),
        ledger: &ledger,
        clock: clock.as_ref(),
        patience: options.patience,
        findings: &findings,
        stop: &replayed.stop,
    };
    let rollback = Rollback {
        warehouse,
        target: target.as_ref(),
        options,
        ledger: &ledger,
        clock: clock.as_ref(),
        progress,
        written: Written::open(warehouse, &replayed, desk, progress).await?,
        adopted: adopted(warehouse, &options.run).await?,
        book: Mutex::default(),
    };
    let ended = rollback.everything().await;
    let noted = ledger.note_calls().await;
    ended?;
    noted?;
    let mut book = rollback.book.into_inner().unwrap_or_else(PoisonError::into_inner);
    book.left.sort();
    Ok(Outcome { fates: book.fates, left: book.left, calls_now: call_count() })
}

/// Records that were in the target before the run, though they carry its ids: an earlier run made
/// them. The newest entry of a record may not say so any more, so all of them are read.
async fn adopted(warehouse: &Warehouse, run: &RunId) -> Result<HashSet<(RecordKind, String)>> {
    let mut adopted = HashSet::new();
    for line in ledger_log::read(warehouse, run).await?.0 {
        let Line::Entry(entry) = line else { continue };
        let record = (entry.kind, entry.source_id);
        let said = entry.detail.unwrap_or_default();
        match entry.state {
            kernel::ledger::State::Intent => adopted.remove(&record),
            _ if said.contains(ADOPTED) || said.contains(WAS_THERE) => adopted.insert(record),
            _ => false,
        };
    }
    Ok(adopted)
}

/// One session of taking back.
struct Rollback<'a> {
    warehouse: &'a Warehouse,
    target: &'a dyn Undo,
    options: &'a Options,
    ledger: &'a Ledger,
    clock: &'a dyn Clock,
    progress: &'a dyn Progress,
    written: Written<'a>,
    adopted: HashSet<(RecordKind, String)>,
    book: Mutex<Book>,
}

/// What was found and done so far.
#[derive(Default)]
struct Book {
    fates: BTreeMap<(RecordKind, Fate), u64>,
    left: Vec<Left>,
    /// Tickets in the target that are removed, or would be.
    gone: HashSet<TargetId>,
    /// Tickets among them that this session removed, with their ids in the plan.
    removed_now: Vec<(String, TargetId)>,
    /// Customers, by their ids in the plan, whom a ticket that stays names.
    needed: HashSet<String>,
}

impl Rollback<'_> {
    async fn everything(&self) -> Result<()> {
        self.threads().await?;
        let uses = self.uses().await?;
        self.customers(&uses).await?;
        self.tags(&uses).await?;
        self.agents(&uses).await?;
        self.help_center().await?;
        self.files();
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, kind: RecordKind, fate: Fate) {
        *self.book().fates.entry((kind, fate)).or_default() += 1;
    }

    /// Counts a record that stays and keeps why.
    fn leave(&self, fate: Fate, left: Left) {
        self.count(left.kind, fate);
        self.book().left.push(left);
    }
}
