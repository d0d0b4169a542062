//! Where each record of a run stands, in memory and, before anybody acts on it, in the warehouse.
//!
//! Many tickets write at once. Whoever gets hold of the log writes what all of them have queued as
//! one segment, so a busy loader makes a few large segments instead of many small ones. This
//! module knows entries and segments; what follows from a state is decided in `recovery`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Code, Fault, Instant, Result, RunId};
use landing::Warehouse;
use landing::ledger_log::{LedgerLog, Line};

/// Words in the detail of a record on which more is to be done or said later.
pub mod remark {
    /// A second call brought it in; the first may still be carried out.
    pub const SENT_AGAIN: &str = "sent again, because the first call left no trace";
    /// It was sent again, and later the target had it once.
    pub const ONCE: &str = "sent again, and there once when it was looked for later";
    /// The target has it more than once.
    pub const TWICE: &str = "the target has more than one of it";
    /// The target has it where deleted tickets wait.
    pub const IN_TRASH: &str = "it is in the target's trash";
}

/// The newest entry of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the record stands.
    pub state: State,
    /// Its id in the target; for an upload its address.
    pub target_id: Option<Box<str>>,
    /// Why.
    pub detail: Option<Box<str>>,
    /// Since when.
    pub at: Instant,
}

/// Calls made so far in this session, per phase; asked whenever a segment is written.
pub type CallCount = Box<dyn Fn() -> BTreeMap<String, u64> + Send + Sync>;

/// How long this session has taken so far, in milliseconds; asked whenever a segment is written.
pub type Elapsed = Box<dyn Fn() -> u64 + Send + Sync>;

/// The ledger of one run.
pub struct Ledger {
    run: RunId,
    log: tokio::sync::Mutex<Writer>,
    queue: Mutex<Queue>,
    book: Mutex<Book>,
    call_count: CallCount,
    elapsed: Elapsed,
}

struct Writer {
    log: LedgerLog,
    /// Entries that are durable, counted as [`Queue::queued`] counts them.
    written: u64,
    /// Whether a segment was begun and not finished; nothing can be written any more then.
    broken: bool,
    /// Calls that are in the log, of those made in this session.
    noted_calls: BTreeMap<String, u64>,
    /// Time of this session that is in the log, in milliseconds.
    noted_ms: u64,
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    queued: u64,
}

#[derive(Default)]
struct Book {
    standings: HashMap<RecordKind, HashMap<Box<str>, Standing>>,
    counts: BTreeMap<(RecordKind, &'static str), u64>,
    calls_before: BTreeMap<String, u64>,
    /// What was removed again, by its id in the target, which nobody has a second time.
    removed: HashSet<(RecordKind, Box<str>)>,
}

impl Ledger {
    /// Opens the ledger of a run and learns where each record stands.
    pub async fn open(warehouse: &Warehouse, run: RunId, call_count: CallCount) -> Result<Self> {
        let (log, lines) = LedgerLog::open(warehouse, run).await?;
        Ok(Self::over(run, log, lines, call_count))
    }

    /// Opens the ledger of a run to make it anew: what it held before counts no more once
    /// [`Ledger::begin_anew`] has written what holds instead.
    pub async fn open_anew(
        warehouse: &Warehouse,
        run: RunId,
        now: Instant,
        call_count: CallCount,
    ) -> Result<Self> {
        let log = LedgerLog::open_anew(warehouse, run, now).await?;
        Ok(Self::over(run, log, Vec::new(), call_count))
    }

    fn over(run: RunId, log: LedgerLog, lines: Vec<Line>, call_count: CallCount) -> Self {
        let mut book = Book::default();
        for line in lines {
            match line {
                Line::Entry(entry) => book.apply(entry),
                Line::Calls { phase, calls } => {
                    *book.calls_before.entry(phase).or_default() += calls;
                }
                Line::Time { .. } => {}
            }
        }
        let noted_calls = BTreeMap::new();
        let writer = Writer { log, written: 0, broken: false, noted_calls, noted_ms: 0 };
        Self {
            run,
            log: tokio::sync::Mutex::new(writer),
            queue: Mutex::default(),
            book: Mutex::new(book),
            call_count,
            elapsed: Box::new(|| 0),
        }
    }

    /// Also notes how long the session takes.
    pub fn timed(mut self, elapsed: Elapsed) -> Self {
        self.elapsed = elapsed;
        self
    }

    /// Whether nothing was ever written to it.
    pub fn is_empty(&self) -> bool {
        locked(&self.book).counts.is_empty()
    }

    /// Where a record stands; `None` when nothing was ever done about it.
    pub fn standing(&self, kind: RecordKind, source_id: &str) -> Option<Standing> {
        locked(&self.book).standings.get(&kind)?.get(source_id).cloned()
    }

    /// The record that has this id in the target.
    pub fn holder(&self, kind: RecordKind, target_id: &str) -> Option<String> {
        let book = locked(&self.book);
        let mut records = book.standings.get(&kind)?.iter();
        let is_it = |standing: &Standing| {
            let is_there = matches!(standing.state, State::Done | State::Matched);
            is_there && standing.target_id.as_deref() == Some(target_id)
        };
        records.find(|(_, standing)| is_it(standing)).map(|(id, _)| id.to_string())
    }

    /// Takes in what rollbacks of other runs removed from the same target.
    pub fn learn_removed(&self, removed: Vec<(RecordKind, String)>) {
        let removed = removed.into_iter().map(|(kind, id)| (kind, id.into_boxed_str()));
        locked(&self.book).removed.extend(removed);
    }

    /// Whether a rollback removed the record that had this id in the target. The target
    /// may go on listing it, in its bin for instance.
    pub fn is_removed(&self, kind: RecordKind, target_id: &str) -> bool {
        locked(&self.book).removed.contains(&(kind, target_id.into()))
    }

    /// Writes entries; when this returns they are durable.
    ///
    /// # Errors
    /// `Refused` when another loader has written to this run; `Bug` when an entry would undo what
    /// is settled.
    pub async fn commit(&self, entries: Vec<Entry>) -> Result<()> {
        self.check(&entries)?;
        let mine = {
            let mut queue = locked(&self.queue);
            queue.queued += entries.len() as u64;
            queue.entries.extend(entries);
            queue.queued
        };
        // Whoever else is ready to write gets to queue first and shares the segment.
        tokio::task::yield_now().await;
        let mut writer = self.log.lock().await;
        if writer.written < mine {
            self.write_queue(&mut writer).await?;
        }
        Ok(())
    }

    /// Writes what holds in a ledger that is made anew: all of it is known then, or nothing of it.
    pub async fn begin_anew(&self, entries: Vec<Entry>) -> Result<()> {
        {
            let mut queue = locked(&self.queue);
            queue.queued += entries.len() as u64;
            queue.entries.extend(entries);
        }
        let mut writer = self.log.lock().await;
        self.write_queue(&mut writer).await
    }

    /// Writes down calls that no segment has counted yet. A ledger that is still to be made anew
    /// stays as it is, or it would begin without knowing anything.
    pub async fn note_calls(&self) -> Result<()> {
        let mut writer = self.log.lock().await;
        if writer.log.is_anew() {
            return Ok(());
        }
        self.write_queue(&mut writer).await
    }

    /// Records that are in the target and whose detail has these words.
    pub fn noted(&self, words: &str) -> Vec<(RecordKind, String, String)> {
        let book = locked(&self.book);
        let mut found = Vec::new();
        for (kind, records) in &book.standings {
            for (id, standing) in records {
                let is_there = matches!(standing.state, State::Done | State::Matched);
                if let Some(detail) = standing.detail.as_deref().filter(|_| is_there)
                    && detail.contains(words)
                {
                    found.push((*kind, id.to_string(), detail.to_owned()));
                }
            }
        }
        found.sort();
        found
    }

    /// Lets go of messages of a ticket that needs no further step, so that memory stays flat. Those
    /// that were sent again are kept, because they will be looked for once more.
    pub fn forget_messages<'a>(&self, message_ids: impl Iterator<Item = &'a str>) {
        let mut book = locked(&self.book);
        if let Some(messages) = book.standings.get_mut(&RecordKind::Message) {
            for id in message_ids {
                let detail = messages.get(id).and_then(|standing| standing.detail.as_deref());
                if !detail.is_some_and(|detail| detail.contains(remark::SENT_AGAIN)) {
                    messages.remove(id);
                }
            }
        }
    }

    /// Records per kind and state.
    pub fn counts(&self) -> BTreeMap<(RecordKind, &'static str), u64> {
        let mut counts = locked(&self.book).counts.clone();
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// Calls that earlier sessions made, per phase.
    pub fn calls_before(&self) -> BTreeMap<String, u64> {
        locked(&self.book).calls_before.clone()
    }

    async fn write_queue(&self, writer: &mut Writer) -> Result<()> {
        if writer.broken {
            return Err(Fault::retry(format!(
                "the ledger of run {} could not be written, so nothing more is sent",
                self.run
            ))
            .coded(Code::LedgerNotWritten));
        }
        let (entries, upto) = {
            let mut queue = locked(&self.queue);
            (std::mem::take(&mut queue.entries), queue.queued)
        };
        let calls = (self.call_count)();
        let mut lines: Vec<Line> = new_calls(&writer.noted_calls, &calls);
        lines.extend(entries.iter().cloned().map(Line::Entry));
        if lines.is_empty() && !writer.log.is_anew() {
            return Ok(());
        }
        let elapsed_ms = (self.elapsed)();
        let took_ms = elapsed_ms.saturating_sub(writer.noted_ms);
        lines.extend((took_ms > 0).then_some(Line::Time { took_ms }));
        // Stays set when the append fails or this future is dropped halfway: whether the segment
        // is there is not known then, and going on could reuse its number.
        writer.broken = true;
        writer.log.append(&lines).await?;
        writer.broken = false;
        writer.written = upto;
        writer.noted_calls = calls;
        writer.noted_ms = elapsed_ms.max(writer.noted_ms);
        let mut book = locked(&self.book);
        for entry in entries {
            book.apply(entry);
        }
        Ok(())
    }

    fn check(&self, entries: &[Entry]) -> Result<()> {
        let book = locked(&self.book);
        for entry in entries {
            let before = book
                .standings
                .get(&entry.kind)
                .and_then(|records| records.get(entry.source_id.as_str()));
            if let Some(before) = before.filter(|before| !before.state.may_become(entry.state)) {
                return Err(Fault::bug(format!(
                    "{} {} is {} and cannot become {}",
                    entry.kind.word(),
                    entry.source_id,
                    before.state.word(),
                    entry.state.word()
                )));
            }
        }
        Ok(())
    }
}

impl Book {
    fn apply(&mut self, entry: Entry) {
        if let (State::Removed, Some(target_id)) = (entry.state, &entry.target_id) {
            self.removed.insert((entry.kind, target_id.as_str().into()));
        }
        let standing = Standing {
            state: entry.state,
            target_id: entry.target_id.map(Into::into),
            detail: entry.detail.map(Into::into),
            at: entry.at,
        };
        let records = self.standings.entry(entry.kind).or_default();
        let before = records.insert(entry.source_id.into(), standing);
        if let Some(before) = before {
            let count = self.counts.entry((entry.kind, before.state.word()));
            *count.or_default() -= 1;
        }
        *self.counts.entry((entry.kind, entry.state.word())).or_default() += 1;
    }
}

fn new_calls(noted: &BTreeMap<String, u64>, calls: &BTreeMap<String, u64>) -> Vec<Line> {
    let lines = calls.iter().filter_map(|(phase, count)| {
        let new = count.saturating_sub(noted.get(phase).copied().unwrap_or_default());
        (new > 0).then(|| Line::Calls { phase: phase.clone(), calls: new })
    });
    lines.collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, state: State) -> Entry {
        Entry {
            kind: RecordKind::Ticket,
            source_id: id.to_owned(),
            state,
            target_id: None,
            at: Instant::from_millis(1),
            detail: None,
        }
    }

    async fn open(warehouse: &Warehouse) -> Ledger {
        let calls = || BTreeMap::from([("tickets_create".to_owned(), 3)]);
        Ledger::open(warehouse, RunId(1), Box::new(calls)).await.expect("opens")
    }

    async fn open_without_calls(warehouse: &Warehouse) -> Ledger {
        Ledger::open(warehouse, RunId(1), Box::new(BTreeMap::new)).await.expect("opens")
    }

    #[tokio::test]
    async fn writers_that_wait_for_each_other_share_a_segment() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let ledger = open(&warehouse).await;
        let ids: Vec<String> = (0..50).map(|number| format!("t{number}")).collect();
        let commits = ids.iter().map(|id| ledger.commit(vec![entry(id, State::Intent)]));
        let ends = futures::future::join_all(commits).await;
        assert!(ends.iter().all(Result::is_ok));
        let (lines, segments) =
            landing::ledger_log::read(&warehouse, &RunId(1)).await.expect("reads");
        assert_eq!(lines.len(), 51, "50 entries and one line of calls");
        assert!(segments < 10, "{segments} segments");
        assert_eq!(ledger.counts()[&(RecordKind::Ticket, "intent")], 50);
    }

    #[tokio::test]
    async fn what_was_written_is_known_after_opening_again() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let ledger = open(&warehouse).await;
        for state in [State::Intent, State::Done] {
            ledger.commit(vec![entry("t1", state)]).await.expect("writes");
        }
        let again = open(&warehouse).await;
        let standing = again.standing(RecordKind::Ticket, "t1").expect("known");
        assert_eq!(standing.state, State::Done);
        assert_eq!(again.calls_before()["tickets_create"], 3);
        assert_eq!(again.counts()[&(RecordKind::Ticket, "done")], 1);
        assert_eq!(again.counts().len(), 1);
    }

    #[tokio::test]
    async fn the_loader_that_comes_second_writes_nothing_more() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let first = open(&warehouse).await;
        let second = open_without_calls(&warehouse).await;
        first.commit(vec![entry("t1", State::Intent)]).await.expect("writes");
        let commits = ["t2", "t3"].map(|id| second.commit(vec![entry(id, State::Intent)]));
        let lost = futures::future::join_all(commits).await;
        assert!(lost.iter().all(Result::is_err), "both, though one wrote for the other");
        assert!(second.commit(vec![entry("t2", State::Intent)]).await.is_err());
        assert_eq!(second.standing(RecordKind::Ticket, "t2"), None);
    }

    #[tokio::test]
    async fn a_settled_record_is_not_undone() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let ledger = open(&warehouse).await;
        for state in [State::Intent, State::Done] {
            ledger.commit(vec![entry("t1", state)]).await.expect("writes");
        }
        let undone = ledger.commit(vec![entry("t1", State::Intent)]).await;
        assert_eq!(undone.expect_err("refused").kind(), kernel::fault::Kind::Bug);
    }
}
