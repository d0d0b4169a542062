//! The replay: which phases there are, in which order they run and how much of each at a time.
//!
//! People come first, then tags and files, then the help center and tickets, because each refers to
//! the ones before.
//! Within a phase records are independent of each other, except that a ticket's messages keep
//! their order. What becomes of a single record is decided in `recovery`; what a vendor wants to
//! hear is known to its driver.

mod adoption;
mod agents;
mod draft;
mod fields;
mod files;
mod following;
mod help_center;
mod recheck;
mod selection;
mod tags;
mod threads;
mod written;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures::{Stream, StreamExt, TryStreamExt};
use kernel::ledger::{RecordKind, State};
use kernel::{Clock, Fault, Mapping, Result, RunId, SnapshotId};
use landing::Warehouse;
use landing::session::{Session, Standing, Work};

use crate::ledger::Ledger;
use crate::ledger::remark::{IN_TRASH, TWICE};
use crate::preflight::Permission;
use crate::recovery::{Desk, FINISH_ROLLBACK, Patience, Settled};
use crate::session::Watch;
use crate::stop::Stop;
use crate::target::{Draft, Target, phase};
use crate::{plan, preflight};
use selection::Selection;

pub(crate) use adoption::ADOPTED;
pub use following::followed;
pub(crate) use threads::FINISHED;
pub(crate) use written::Written;

/// What to replay, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The run whose plan is replayed.
    pub run: RunId,
    /// Snapshots that hold the files; the first one that has a file is used.
    pub snapshots: Vec<SnapshotId>,
    /// The customer's decisions.
    pub mapping: Mapping,
    /// Only so many tickets, from the front of the plan.
    pub limit: Option<u64>,
    /// Only these tickets, by their ids in the plan; all when empty.
    pub only: Vec<String>,
    /// Only so many tickets, taken from every channel and state alike; the same ones each time.
    pub sample: Option<u64>,
    /// Tickets that are worked on at a time; customers and tags likewise.
    pub tickets_in_flight: usize,
    /// How long to look for a record whose reply was lost.
    pub lookup: Patience,
    /// Whether to believe nothing that the ledger says, and to ask the target for all of it.
    pub rebuild_ledger: bool,
    /// Stops the replay when it is asked to.
    pub stop: Stop,
    /// What somebody lets pass of what the preflight finds. Without it the target is not looked at:
    /// for a target that is known to be a stand-in.
    pub permission: Option<Permission>,
    /// Name and version of the program, for the record of the session.
    pub tool: String,
}

impl Default for Options {
    /// Everything of run 1, eight tickets at a time: at two calls a second that is more than an
    /// account's bucket lets through, and few enough that a stop loses little.
    fn default() -> Self {
        Self {
            run: RunId(1),
            snapshots: Vec::new(),
            mapping: Mapping::default(),
            limit: None,
            only: Vec::new(),
            sample: None,
            tickets_in_flight: 8,
            lookup: Patience::default(),
            rebuild_ledger: false,
            stop: Stop::default(),
            permission: Some(Permission::default()),
            tool: String::new(),
        }
    }
}

/// Whoever wants to see how far the replay is.
pub trait Progress: Send + Sync {
    /// A phase begins; `total` is what the plan expects of it.
    fn phase(&self, phase: &str, total: u64);
    /// So many more of a phase are settled.
    fn advance(&self, phase: &str, by: u64);
    /// How far the session is, about once a second.
    fn standing(&self, _: &Standing) {}
}

/// How a replay ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Calls of the whole run, earlier sessions included, per phase.
    pub calls: BTreeMap<String, u64>,
    /// Calls of this session, per phase.
    pub calls_now: BTreeMap<String, u64>,
    /// Records per kind and state, in the words of the ledger.
    pub settled: BTreeMap<(RecordKind, &'static str), u64>,
    /// What somebody should look at.
    pub findings: Vec<Finding>,
    /// Whether every record of the plan is settled.
    pub complete: bool,
    /// Whether it stopped because it was asked to.
    pub stopped: bool,
}

/// Something that did not go as planned with one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of record.
    pub kind: RecordKind,
    /// Its id in the plan.
    pub source_id: String,
    /// What happened: statuses, counts and names of fields.
    pub reason: String,
}

/// Findings of a session, from many tickets at once.
#[derive(Debug, Default)]
pub(crate) struct Findings(Mutex<Vec<Finding>>);

impl Findings {
    pub fn add(&self, kind: RecordKind, source_id: &str, reason: &str) {
        let finding = Finding { kind, source_id: source_id.to_owned(), reason: reason.to_owned() };
        let mut findings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        findings.push(finding);
    }

    /// All of them, in an order that does not depend on which ticket was quicker.
    fn sorted(self) -> Vec<Finding> {
        let mut findings = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        findings.sort_by(|one, other| {
            (one.kind, &one.source_id, &one.reason).cmp(&(
                other.kind,
                &other.source_id,
                &other.reason,
            ))
        });
        findings.dedup();
        findings
    }
}

/// Replays the plan of a run into a target, or what is left of it, and notes how that ended.
///
/// May be dropped at any moment and called again: it goes on from the ledger.
///
/// # Errors
/// When the whole replay has to stop; everything up to there is in the ledger.
pub async fn load(
    warehouse: &Warehouse,
    target: Arc<dyn Target>,
    options: &Options,
    clock: Arc<dyn Clock>,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let (run, tool) = (options.run, options.tool.as_str());
    let session = Session::begin(warehouse, run, Work::Load, tool, clock.now()).await?;
    let watch = Watch::new(target.as_ref(), progress, clock.as_ref());
    let work = carry_out(warehouse, target.clone(), options, clock.clone(), &watch);
    let replayed = watch.beside(&session, work).await;
    let noted = watch.end(&session, &replayed).await;
    let outcome = replayed?;
    noted.map(|()| outcome)
}

async fn carry_out(
    warehouse: &Warehouse,
    target: Arc<dyn Target>,
    options: &Options,
    clock: Arc<dyn Clock>,
    progress: &Watch<'_>,
) -> Result<Outcome> {
    let calls_at_start = target.calls();
    let counter = target.clone();
    let call_count = move || calls_since(&calls_at_start, counter.calls());
    let counted = Box::new(call_count.clone());
    let ledger = match options.rebuild_ledger {
        false => Ledger::open(warehouse, options.run, counted).await?,
        true => Ledger::open_anew(warehouse, options.run, clock.now(), counted).await?,
    };
    if ledger.counts().keys().any(|(_, state)| *state == State::Removing.word()) {
        return Err(Fault::refused(format!("run {} is half rolled back", options.run))
            .hint(FINISH_ROLLBACK));
    }
    let (timer, began_at) = (clock.clone(), clock.now());
    let ledger = ledger.timed(Box::new(move || timer.now().ms_since(began_at)));
    let findings = Findings::default();
    for words in [TWICE, IN_TRASH] {
        for (kind, id, _) in ledger.noted(words) {
            findings.add(kind, &id, words);
        }
    }
    let finishes_all = target.abilities().finishes_all;
    let selection = Selection::read(warehouse, options, finishes_all).await?;
    let forecast = plan::forecast(warehouse, &options.run).await?.try_collect().await?;
    progress.learn(forecast, ledger.calls_before(), selection.is_none());
    let replay = Replay {
        warehouse,
        options,
        progress,
        selection,
        desk: Desk {
            target: target.as_ref(),
            ledger: &ledger,
            clock: clock.as_ref(),
            patience: options.lookup,
            findings: &findings,
            stop: &options.stop,
        },
        stopping: AtomicBool::new(false),
        something_open: AtomicBool::new(false),
    };
    let replayed = replay.phases().await;
    let noted = ledger.note_calls().await;
    replayed?;
    noted?;
    let stopped = options.stop.is_asked();
    let is_open = stopped || replay.something_open.load(Ordering::Relaxed);
    let complete = replay.selection.is_none() && !is_open;
    let calls_now = call_count();
    let mut calls = ledger.calls_before();
    for (phase, count) in &calls_now {
        *calls.entry(phase.clone()).or_default() += count;
    }
    Ok(Outcome {
        calls,
        calls_now,
        settled: ledger.counts(),
        findings: findings.sorted(),
        complete,
        stopped,
    })
}

pub(crate) fn calls_since(
    start: &BTreeMap<String, u64>,
    now: BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let new = now.into_iter().map(|(phase, count)| {
        let before = start.get(&phase).copied().unwrap_or_default();
        (phase, count.saturating_sub(before))
    });
    new.filter(|(_, count)| *count > 0).collect()
}

/// One session of replaying.
struct Replay<'a> {
    warehouse: &'a Warehouse,
    options: &'a Options,
    progress: &'a dyn Progress,
    /// What to replay; everything when there is none.
    selection: Option<Selection>,
    desk: Desk<'a>,
    /// Set at the first fault: what is under way ends its step, nothing new begins.
    stopping: AtomicBool,
    /// Set when a record could not be settled.
    something_open: AtomicBool,
}

impl Replay<'_> {
    async fn phases(&self) -> Result<()> {
        let run = &self.options.run;
        if let Some(permission) = &self.options.permission {
            let (target, now) = (self.desk.target, self.desk.clock.now());
            preflight::pass(self.warehouse, run, target, permission, now).await?;
        }
        self.check_help_center().await?;
        let forecast = plan::forecast(self.warehouse, run).await?;
        let forecast: BTreeMap<String, u64> = forecast.try_collect().await?;
        let expected = |phase: &str| {
            let calls = forecast.get(phase).copied().unwrap_or_default();
            calls.div_ceil(self.desk.target.calls_of(phase).max(1))
        };
        self.adopt().await?;
        if self.is_stopping() {
            return Ok(());
        }
        let agents = self.bring_agents().await?;
        self.bring_customers(expected(phase::CUSTOMERS_CREATE)).await?;
        if self.is_stopping() {
            return Ok(());
        }
        self.bring_tags().await?;
        self.bring_fields().await?;
        self.bring_customer_fields(expected(phase::CUSTOMERS_UPDATE)).await?;
        self.bring_files(expected(phase::FILES_UPLOAD)).await?;
        // A ticket must not be made without a file that only was not reached.
        if self.is_stopping() {
            return Ok(());
        }
        self.bring_help_center().await?;
        if self.is_stopping() {
            return Ok(());
        }
        self.bring_threads(&agents, &expected).await?;
        self.look_again().await?;
        self.look_again_at_pages().await
    }

    async fn bring_customers(&self, expected: u64) -> Result<()> {
        let total = match &self.selection {
            None => expected,
            Some(selection) => selection.customers.len() as u64,
        };
        self.progress.phase(phase::CUSTOMERS_CREATE, total);
        let customers = self.selected_customers().await?;
        self.all(customers, self.options.tickets_in_flight, |customer| async move {
            let draft = Draft::Customer { customer: &customer, lean: false };
            self.bring(draft).await?;
            if self.desk.target.abilities().completes_customers {
                self.complete(&customer).await?;
            }
            self.progress.advance(phase::CUSTOMERS_CREATE, 1);
            Ok(())
        })
        .await
    }

    async fn selected_customers(&self) -> Result<plan::Rows<plan::Customer>> {
        let customers = plan::customers(self.warehouse, &self.options.run).await?;
        let Some(selection) = &self.selection else { return Ok(customers) };
        let wanted = selection.customers.clone();
        let customers = customers
            .try_filter(move |customer| std::future::ready(wanted.contains(&customer.customer_id)));
        Ok(Box::pin(customers))
    }

    /// Brings one record in and remembers when that could not be settled.
    async fn bring(&self, draft: Draft<'_>) -> Result<Settled> {
        let settled = self.desk.settle(draft).await?;
        if settled == Settled::Open {
            self.left_open();
        }
        Ok(settled)
    }

    fn left_open(&self) {
        self.something_open.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed) || self.options.stop.is_asked()
    }

    /// Works on every item, `in_flight` at a time. After a fault nothing new begins, but what is
    /// under way ends its step, so that as few replies as possible are lost.
    async fn all<T, W>(
        &self,
        items: impl Stream<Item = Result<T>>,
        in_flight: usize,
        work: impl Fn(T) -> W,
    ) -> Result<()>
    where
        W: Future<Output = Result<()>>,
    {
        let begun = items
            .take_while(|_| std::future::ready(!self.is_stopping()))
            .map(|item| async { work(item?).await })
            .buffer_unordered(in_flight.max(1));
        let mut begun = std::pin::pin!(begun);
        let mut outcome = Ok(());
        while let Some(end) = begun.next().await {
            if end.is_err() && outcome.is_ok() {
                self.stopping.store(true, Ordering::Relaxed);
                outcome = end;
            }
        }
        outcome
    }
}
