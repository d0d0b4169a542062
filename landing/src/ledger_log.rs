//! The ledger as it lies in the warehouse: numbered segments of JSON lines.
//!
//! Each segment is created only if absent, so of two loaders of one run the second loses the race
//! for a number and stops before it calls anybody. A ledger that lost a segment, or has one that
//! cannot be read, is not believed: it has to be made anew, in segments that follow the old ones
//! and begin by saying that those count no more.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use kernel::ledger::Entry;
use kernel::{Code, Fault, Instant, Result, RunId};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::{Warehouse, layout};

/// One line of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// Where a record stands.
    Entry(Entry),
    /// Calls made since the last such line.
    Calls {
        /// The phase they belong to.
        phase: String,
        /// How many.
        calls: u64,
    },
    /// Time that the session took since the last such line, or since it began.
    Time {
        /// In milliseconds.
        took_ms: u64,
    },
}

/// A line as it is written: one that tells something, or the first one of a ledger made anew.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Line(Line),
    Anew { anew_at: Instant },
}

/// The ledger of one run, open for writing.
pub struct LedgerLog {
    warehouse: Warehouse,
    run: RunId,
    segment_next: u64,
    /// Set until the first segment of a ledger that is made anew is written.
    anew_at: Option<Instant>,
}

impl LedgerLog {
    /// Opens a run's ledger and reads what it holds, in order.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead of refusing; `FixData` when a segment is
    /// missing or cannot be read.
    pub async fn open(warehouse: &Warehouse, run: RunId) -> Result<(Self, Vec<Line>)> {
        warehouse.probe().await?;
        let (lines, segments) = read(warehouse, &run).await?;
        let (warehouse, segment_next) = (warehouse.clone(), segments + 1);
        Ok((Self { warehouse, run, segment_next, anew_at: None }, lines))
    }

    /// Opens a run's ledger to make it anew: from its next segment on, nothing that was written
    /// before counts. Until then everything stays as it is. Another loader that is still writing
    /// loses its next segment to this one.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead of refusing.
    pub async fn open_anew(warehouse: &Warehouse, run: RunId, now: Instant) -> Result<Self> {
        warehouse.probe().await?;
        let last = paths(warehouse, &run).await?.last().map_or(0, |(number, _)| *number);
        Ok(Self { warehouse: warehouse.clone(), run, segment_next: last + 1, anew_at: Some(now) })
    }

    /// Whether the segment that makes it anew is still to be written.
    pub fn is_anew(&self) -> bool {
        self.anew_at.is_some()
    }

    /// Writes lines as one segment; when this returns they are durable.
    ///
    /// # Errors
    /// `Refused` when another loader has written to this run since it was opened.
    pub async fn append(&mut self, lines: &[Line]) -> Result<()> {
        let first = self.anew_at.map(|anew_at| Written::Anew { anew_at });
        let lines = lines.iter().cloned().map(Written::Line);
        let mut body = Vec::new();
        for line in first.into_iter().chain(lines) {
            serde_json::to_writer(&mut body, &line)
                .map_err(|error| Fault::bug("a ledger line cannot be written").because(error))?;
            body.push(b'\n');
        }
        let path = layout::ledger_segment(&self.run, self.segment_next);
        if !self.warehouse.put_if_absent_synced(&path, body).await? {
            return Err(Fault::refused(format!("another loader is writing to run {}", self.run))
                .coded(Code::AnotherLoader)
                .hint("let the other one finish or stop it; then run this again"));
        }
        self.segment_next += 1;
        self.anew_at = None;
        Ok(())
    }
}

/// Every line of a run's ledger that counts, in order, and the number of its last segment.
///
/// # Errors
/// `FixData` when a segment is missing or cannot be read.
pub async fn read(warehouse: &Warehouse, run: &RunId) -> Result<(Vec<Line>, u64)> {
    let mut before = 0;
    let mut lines = Vec::new();
    let mut trouble = None;
    for (number, path) in paths(warehouse, run).await? {
        let segment = warehouse.get(&path).await?.as_deref().and_then(segment);
        let is_first = segment.as_ref().is_some_and(|segment| segment.is_anew);
        if is_first {
            // What calls were made, and how long they took, stays true.
            lines.retain(|line| matches!(line, Line::Calls { .. } | Line::Time { .. }));
            trouble = None;
        } else if number != before + 1 {
            trouble.get_or_insert(format!(
                "segment {} of the ledger of run {run} is lost",
                before + 1
            ));
        }
        match segment {
            Some(segment) => lines.extend(segment.lines),
            None => {
                trouble.get_or_insert(format!("the ledger segment {path} cannot be read"));
            }
        }
        before = number;
    }
    match trouble {
        None => Ok((lines, before)),
        Some(what) => Err(Fault::data(what).coded(Code::LedgerDamaged).hint(
            "deskferry load --rebuild-ledger makes the ledger anew from what the target holds",
        )),
    }
}

/// The segments of a run with their numbers, in order.
async fn paths(warehouse: &Warehouse, run: &RunId) -> Result<Vec<(u64, Path)>> {
    let paths = warehouse.list(&layout::ledger(run)).await?.into_iter();
    let numbered = paths.filter_map(|path| {
        let number = path.filename()?.strip_suffix(".jsonl")?.parse().ok()?;
        Some((number, path))
    });
    let mut numbered: Vec<(u64, Path)> = numbered.collect();
    numbered.sort_unstable_by_key(|(number, _)| *number);
    Ok(numbered)
}

struct Segment {
    is_anew: bool,
    lines: Vec<Line>,
}

/// The lines of a segment; `None` when one cannot be read, or when there is none, because no empty
/// segment is ever written.
fn segment(body: &[u8]) -> Option<Segment> {
    let mut found = Segment { is_anew: false, lines: Vec::new() };
    for text in body.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        match serde_json::from_slice(text).ok()? {
            Written::Line(line) => found.lines.push(line),
            Written::Anew { .. } => found.is_anew = true,
        }
    }
    Some(found)
}

/// The newest entry of every record, as a table: kind, source_id, state, target_id, at, detail.
pub async fn read_table(warehouse: &Warehouse, run: &RunId) -> Result<RecordBatch> {
    let mut newest: BTreeMap<(&'static str, String), Entry> = BTreeMap::new();
    for line in read(warehouse, run).await?.0 {
        if let Line::Entry(entry) = line {
            newest.insert((entry.kind.word(), entry.source_id.clone()), entry);
        }
    }
    let text = |pick: &dyn Fn(&Entry) -> Option<String>| -> ArrayRef {
        Arc::new(newest.values().map(pick).collect::<StringArray>())
    };
    let moments = newest.values().map(|entry| entry.at.micros());
    let moments = TimestampMicrosecondArray::from_iter_values(moments).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("kind", text(&|entry| Some(entry.kind.word().to_owned())), false),
        ("source_id", text(&|entry| Some(entry.source_id.clone())), false),
        ("state", text(&|entry| Some(entry.state.word().to_owned())), false),
        ("target_id", text(&|entry| entry.target_id.clone()), true),
        ("at", Arc::new(moments), false),
        ("detail", text(&|entry| entry.detail.clone()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Fault::bug("the ledger does not fit its table").because(error))
}

/// How long all sessions took, as a table of one row: took_ms.
pub async fn read_time(warehouse: &Warehouse, run: &RunId) -> Result<RecordBatch> {
    let mut all_ms = 0;
    for line in read(warehouse, run).await?.0 {
        if let Line::Time { took_ms } = line {
            all_ms += took_ms as i64;
        }
    }
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values([all_ms]));
    RecordBatch::try_from_iter([("took_ms", column)])
        .map_err(|error| Fault::bug("the time does not fit its table").because(error))
}

/// Calls made per phase, as a table: phase, calls.
pub async fn read_calls(warehouse: &Warehouse, run: &RunId) -> Result<RecordBatch> {
    let mut calls_by_phase: BTreeMap<String, i64> = BTreeMap::new();
    for line in read(warehouse, run).await?.0 {
        if let Line::Calls { phase, calls } = line {
            *calls_by_phase.entry(phase).or_default() += calls as i64;
        }
    }
    let phases: StringArray = calls_by_phase.keys().map(|phase| Some(phase.as_str())).collect();
    let calls = Int64Array::from_iter_values(calls_by_phase.values().copied());
    let columns: Vec<(&str, ArrayRef, bool)> =
        vec![("phase", Arc::new(phases), false), ("calls", Arc::new(calls), false)];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Fault::bug("the calls do not fit their table").because(error))
}

#[cfg(test)]
mod tests {
    use kernel::ledger::{RecordKind, State};

    use super::*;

    const RUN: RunId = RunId(1);

    fn line(id: &str) -> Line {
        let at = Instant::from_millis(1);
        let (kind, state, source_id) = (RecordKind::Ticket, State::Done, id.to_owned());
        Line::Entry(Entry { kind, source_id, state, target_id: None, at, detail: None })
    }

    async fn three_segments() -> Warehouse {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let (mut log, _) = LedgerLog::open(&warehouse, RUN).await.expect("opens");
        let calls = Line::Calls { phase: "tickets_create".to_owned(), calls: 2 };
        for lines in [vec![calls, line("t1")], vec![line("t2")], vec![line("t3")]] {
            log.append(&lines).await.expect("writes");
        }
        warehouse
    }

    #[tokio::test]
    async fn a_ledger_with_a_lost_or_damaged_segment_is_not_believed() {
        for number in 1..=2 {
            for damage in [None, Some(""), Some("{\"kind\":\"tick"), Some("[]\n")] {
                let warehouse = three_segments().await;
                let path = layout::ledger_segment(&RUN, number);
                match damage {
                    None => warehouse.remove(&path).await.expect("is removed"),
                    Some(text) => warehouse.put(&path, text).await.expect("is written"),
                }
                let fault = LedgerLog::open(&warehouse, RUN).await.err().expect("is refused");
                assert!(fault.advice().contains("--rebuild-ledger"), "{fault}");
            }
        }
    }

    #[tokio::test]
    async fn a_ledger_made_anew_counts_instead_of_all_before_it() {
        let warehouse = three_segments().await;
        let (mut other, _) = LedgerLog::open(&warehouse, RUN).await.expect("opens");
        warehouse.remove(&layout::ledger_segment(&RUN, 2)).await.expect("is removed");
        let now = Instant::from_millis(2);
        let mut anew = LedgerLog::open_anew(&warehouse, RUN, now).await.expect("opens");
        assert!(read(&warehouse, &RUN).await.is_err(), "nothing was written yet");
        anew.append(&[line("t7")]).await.expect("writes");
        anew.append(&[line("t8")]).await.expect("writes");
        let (lines, last) = read(&warehouse, &RUN).await.expect("is whole again");
        assert_eq!(last, 5);
        let calls = Line::Calls { phase: "tickets_create".to_owned(), calls: 2 };
        assert_eq!(lines, [calls, line("t7"), line("t8")]);
        assert!(other.append(&[line("t4")]).await.is_err(), "who wrote before has lost");
    }
}
