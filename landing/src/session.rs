//! Sessions of a run: one for each time that somebody worked on it, with who began it, how far it
//! is and how it ended.
//!
//! Beginning and end are created only if absent and then stay. What lies between is one small
//! object that is written over now and then; a session without an end whose object has become old
//! was interrupted. What is counted is the business of whoever works.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Clock, Code, Fault, Instant, Result, RunId};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Version of the format of a session.
pub const FORMAT: u32 = 1;
/// How often a session that lives notes how far it is, in milliseconds: often enough to be looked
/// at, rarely enough to cost nothing in a bucket.
pub const BEAT_MS: u64 = 5_000;
/// A session that has noted nothing for so long, and no end, was interrupted, in milliseconds.
pub const SILENCE_MS_MAX: u64 = 6 * BEAT_MS;
/// How often a session that lives is asked how far it is, in milliseconds.
const TICK_MS: u64 = 1_000;
/// Newcomers that may be quicker, one after the other, before a session gives up.
const BEGINS_MAX: u32 = 100;

/// What a session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Replays the plan.
    Load,
    /// Reads the target back and compares.
    Reconcile,
}

impl Work {
    /// The word for it, which is the verb.
    pub const fn word(self) -> &'static str {
        match self {
            Work::Load => "load",
            Work::Reconcile => "reconcile",
        }
    }
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything went as planned.
    Done,
    /// It came to its end, and somebody should look at something.
    DoneWithFindings,
    /// It had to stop.
    Failed,
    /// Somebody asked it to stop, and the same command goes on: the run has not ended.
    Stopped,
}

impl Ending {
    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::DoneWithFindings => "done with findings",
            Ending::Failed => "failed",
            Ending::Stopped => "stopped",
        }
    }

    /// How work ended that came to its end with so many findings.
    pub const fn of(findings: u64) -> Self {
        if findings == 0 { Ending::Done } else { Ending::DoneWithFindings }
    }
}

/// That a session began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Version of the format.
    pub format: u32,
    /// Its place among the sessions of the run, from 1.
    pub session: u32,
    /// What it does.
    pub work: Work,
    /// Name and version of the program.
    pub tool: String,
    /// When it began.
    pub at: Instant,
}

/// How far a session is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// When this was noted; `None` before the first time.
    pub at: Option<Instant>,
    /// The phase that is under way.
    pub phase: Option<String>,
    /// Each phase, in the order of the plan.
    pub phases: Vec<PhaseStanding>,
    /// Calls that left in the last minute.
    pub calls_last_minute: u64,
    /// Calls in the target's bucket and how many fit, as the target said it last.
    pub bucket: Option<(u32, u32)>,
    /// When the work will be finished at this rate, when that can be said.
    pub finish_at: Option<Instant>,
    /// What went wrong so often, by the name of the error; most of it was waited out.
    pub errors: BTreeMap<Code, u64>,
}

/// How far one phase is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseStanding {
    /// Its name.
    pub phase: String,
    /// Records that it is about.
    pub planned: u64,
    /// Records of these that are settled, earlier sessions included.
    pub settled: u64,
    /// Calls that it takes, as forecast.
    pub forecast: u64,
    /// Calls made, earlier sessions included.
    pub calls: u64,
}

/// That a session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Instant,
    /// How.
    pub ending: Ending,
    /// Findings that somebody should look at.
    pub findings: u64,
    /// Whether nothing of the run's work is left to do.
    pub is_complete: bool,
    /// The error that stopped it.
    pub code: Option<Code>,
    /// What the error said.
    pub message: Option<String>,
}

impl Ended {
    /// The end of a session that came to its end.
    pub fn of(findings: u64, is_complete: bool, at: Instant) -> Self {
        let ending = Ending::of(findings);
        Self { at, ending, findings, is_complete, code: None, message: None }
    }

    /// The end of a session that somebody asked to stop.
    pub fn stopped(findings: u64, at: Instant) -> Self {
        Self { ending: Ending::Stopped, ..Self::of(findings, false, at) }
    }

    /// The end of a session that an error stopped.
    pub fn failed(fault: &Fault, at: Instant) -> Self {
        Self {
            at,
            ending: Ending::Failed,
            findings: 0,
            is_complete: false,
            code: Some(fault.code()),
            message: Some(fault.to_string()),
        }
    }
}

/// What is known about one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// How it began.
    pub begun: Begun,
    /// How far it was when it said so last.
    pub standing: Standing,
    /// How it ended; `None` while it runs, and when it was interrupted.
    pub ended: Option<Ended>,
}

/// Where a session is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It works.
    Running,
    /// It has given no sign of life for long, and no end: killed, or cut off.
    Interrupted,
    /// It ended.
    Ended(Ending),
}

impl State {
    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Interrupted => "interrupted",
            State::Ended(ending) => ending.words(),
        }
    }
}

impl Record {
    /// When it gave its last sign of life.
    pub fn seen_at(&self) -> Instant {
        let ended = self.ended.as_ref().map(|ended| ended.at);
        ended.or(self.standing.at).unwrap_or(self.begun.at)
    }

    /// Where it is at `now`.
    pub fn state(&self, now: Instant) -> State {
        match &self.ended {
            Some(ended) => State::Ended(ended.ending),
            None if now.ms_since(self.seen_at()) > SILENCE_MS_MAX => State::Interrupted,
            None => State::Running,
        }
    }
}

/// A session that has begun.
#[derive(Debug, Clone)]
pub struct Session {
    warehouse: Warehouse,
    run: RunId,
    number: u32,
}

impl Session {
    /// Notes that somebody begins to work on a run.
    ///
    /// # Errors
    /// When the warehouse cannot be written.
    pub async fn begin(
        warehouse: &Warehouse,
        run: RunId,
        work: Work,
        tool: &str,
        at: Instant,
    ) -> Result<Self> {
        let mut number = numbers(warehouse, &run).await?.last().copied().unwrap_or_default();
        for _ in 0..BEGINS_MAX {
            number += 1;
            let tool = tool.to_owned();
            let begun = Begun { format: FORMAT, session: number, work, tool, at };
            let path = layout::session_begun(&run, number);
            if warehouse.put_if_absent(&path, json_text(&begun)?).await? {
                return Ok(Self { warehouse: warehouse.clone(), run, number });
            }
        }
        Err(Fault::retry(format!("too many begin to work on run {run} at the same time")))
    }

    /// Notes how far it is.
    ///
    /// # Errors
    /// When the warehouse cannot be written.
    pub async fn note(&self, standing: &Standing) -> Result<()> {
        let path = layout::session_standing(&self.run, self.number);
        self.warehouse.put(&path, json_text(standing)?).await
    }

    /// Does the work; meanwhile asks about once a second how far it is, and notes that now and
    /// then. What the warehouse does not take is left out: whatever must not be lost is written by
    /// the work itself.
    pub async fn alive<T>(
        &self,
        clock: &dyn Clock,
        standing: impl Fn() -> Standing,
        work: impl Future<Output = T>,
    ) -> T {
        let (done, mut is_done) = oneshot::channel::<()>();
        let working = async {
            let ended = work.await;
            drop(done);
            ended
        };
        let beating = async {
            for tick in 0_u64.. {
                let pause = Duration::from_millis(clock.machine_ms(TICK_MS));
                tokio::select! {
                    _ = &mut is_done => return,
                    () = tokio::time::sleep(pause) => {}
                }
                let standing = standing();
                if tick.is_multiple_of(BEAT_MS / TICK_MS) {
                    let _ = self.note(&standing).await;
                }
            }
        };
        futures::join!(working, beating).0
    }

    /// Notes how it ended.
    ///
    /// # Errors
    /// When the warehouse cannot be written.
    pub async fn end(&self, ended: &Ended) -> Result<()> {
        let path = layout::session_ended(&self.run, self.number);
        self.warehouse.put_if_absent(&path, json_text(ended)?).await.map(|_| ())
    }
}

/// Every session of a run, oldest first.
///
/// # Errors
/// When the warehouse cannot be read.
pub async fn list(warehouse: &Warehouse, run: &RunId) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    for number in numbers(warehouse, run).await? {
        let Some(begun) = warehouse.get_json(&layout::session_begun(run, number)).await? else {
            continue;
        };
        let standing = warehouse.get_json(&layout::session_standing(run, number)).await?;
        let ended = warehouse.get_json(&layout::session_ended(run, number)).await?;
        records.push(Record { begun, standing: standing.unwrap_or_default(), ended });
    }
    Ok(records)
}

async fn numbers(warehouse: &Warehouse, run: &RunId) -> Result<Vec<u32>> {
    let names = warehouse.folders(&layout::sessions(run)).await?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: RunId = RunId(1);

    async fn begun(warehouse: &Warehouse, work: Work) -> Session {
        let at = Instant::from_millis(1_000);
        Session::begin(warehouse, RUN, work, "deskferry 0", at).await.expect("begins")
    }

    #[tokio::test]
    async fn sessions_are_numbered_and_the_first_end_stays() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let first = begun(&warehouse, Work::Load).await;
        let fault = Fault::wait("used up").coded(Code::MessagingQuota);
        first.end(&Ended::failed(&fault, Instant::from_millis(2_000))).await.expect("ends");
        let second = begun(&warehouse, Work::Reconcile).await;
        let done = Ended::of(0, true, Instant::from_millis(3_000));
        for session in [&second, &first] {
            session.end(&done).await.expect("ends");
        }
        let records = list(&warehouse, &RUN).await.expect("reads");
        let now = Instant::from_millis(9_000_000);
        let states: Vec<State> = records.iter().map(|record| record.state(now)).collect();
        assert_eq!(states, [State::Ended(Ending::Failed), State::Ended(Ending::Done)]);
        let code = records[0].ended.as_ref().and_then(|ended| ended.code);
        assert_eq!(code, Some(Code::MessagingQuota));
        assert_eq!(records[1].begun.work, Work::Reconcile);
    }

    #[tokio::test]
    async fn a_session_that_is_silent_for_long_was_interrupted() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let session = begun(&warehouse, Work::Load).await;
        let state = |records: &[Record], at| records[0].state(Instant::from_millis(at));
        let records = list(&warehouse, &RUN).await.expect("reads");
        assert_eq!(state(&records, 31_000), State::Running);
        assert_eq!(state(&records, 31_001), State::Interrupted);
        let at = Some(Instant::from_millis(30_000));
        let errors = BTreeMap::from([(Code::Throttled, 2)]);
        let standing = Standing { at, errors, bucket: Some((7, 40)), ..Standing::default() };
        session.note(&standing).await.expect("notes");
        let records = list(&warehouse, &RUN).await.expect("reads");
        assert_eq!(records[0].standing, standing);
        assert_eq!(state(&records, 60_000), State::Running);
    }
}
