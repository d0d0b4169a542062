//! The ledger as it lies in the warehouse: numbered segments of JSON lines.
//!
//! Each segment is created only if absent, so of two loaders of one run the second loses the race
//! for a number and stops before it calls anybody. A ledger that lost a segment, or has one that
//! cannot be read, is not believed: it has to be made anew, in segments that follow the old ones
//! and begin by saying that those count no more. Segments are many and small, so each full row of
//! them is also kept as one bundle, which is read in their place.

mod bundle;
mod tables;

use futures::TryStreamExt;
use kernel::ledger::Entry;
use kernel::{Code, Fault, Instant, Result, RunId};
use serde::{Deserialize, Serialize};

use crate::{Warehouse, layout};
use bundle::{Begun, Rows};

pub use tables::{Tables, read_tables};

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

impl Written {
    /// Adds what it says to what was said before.
    fn join(self, lines: &mut Vec<Line>) {
        match self {
            Written::Line(line) => lines.push(line),
            // What calls were made, and how long they took, stays true.
            Written::Anew { .. } => {
                lines.retain(|line| matches!(line, Line::Calls { .. } | Line::Time { .. }));
            }
        }
    }
}

/// The ledger of one run, open for writing.
pub struct LedgerLog {
    warehouse: Warehouse,
    run: RunId,
    segment_next: u64,
    /// Set until the first segment of a ledger that is made anew is written.
    anew_at: Option<Instant>,
    /// The row that its next segment belongs to.
    begun: Begun,
}

impl LedgerLog {
    /// Opens a run's ledger and reads what it holds, in order.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead of refusing; `FixData` when a segment is
    /// missing or cannot be read.
    pub async fn open(warehouse: &Warehouse, run: RunId) -> Result<(Self, Vec<Line>)> {
        warehouse.probe().await?;
        let rows = Rows::list(warehouse, &run).await?;
        rows.bundle_up().await?;
        let (lines, begun) = heard(&rows, &run).await?;
        let (warehouse, segment_next) = (warehouse.clone(), rows.last() + 1);
        Ok((Self { warehouse, run, segment_next, anew_at: None, begun }, lines))
    }

    /// Opens a run's ledger to make it anew: from its next segment on, nothing that was written
    /// before counts. Until then everything stays as it is. Another loader that is still writing
    /// loses its next segment to this one.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead of refusing.
    pub async fn open_anew(warehouse: &Warehouse, run: RunId, now: Instant) -> Result<Self> {
        warehouse.probe().await?;
        let segment_next = Rows::list(warehouse, &run).await?.last() + 1;
        let (warehouse, begun) = (warehouse.clone(), Begun::default());
        Ok(Self { warehouse, run, segment_next, anew_at: Some(now), begun })
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
        let full = self.begun.add(self.segment_next, &body);
        if !self.warehouse.put_if_absent_synced(&path, body).await? {
            return Err(Fault::refused(format!("another loader is writing to run {}", self.run))
                .coded(Code::AnotherLoader)
                .hint("let the other one finish or stop it; then run this again"));
        }
        self.segment_next += 1;
        self.anew_at = None;
        if let Some((first, last, lines)) = full {
            let path = layout::ledger_bundle(&self.run, first, last);
            // The segments are durable; a bundle that failed is made when the ledger is next opened.
            let _ = self.warehouse.put_if_absent(&path, lines).await;
        }
        Ok(())
    }
}

/// Every line of a run's ledger that counts, in order, and the number of its last segment.
///
/// # Errors
/// `FixData` when a segment is missing or cannot be read.
pub async fn read(warehouse: &Warehouse, run: &RunId) -> Result<(Vec<Line>, u64)> {
    let rows = Rows::list(warehouse, run).await?;
    Ok((heard(&rows, run).await?.0, rows.last()))
}

/// What a ledger says, and the row that its next segment belongs to.
async fn heard(rows: &Rows<'_>, run: &RunId) -> Result<(Vec<Line>, Begun)> {
    let mut before = 0;
    let (mut lines, mut begun) = (Vec::new(), Begun::default());
    let mut trouble = None;
    let mut pieces = std::pin::pin!(rows.pieces());
    while let Some(pieces) = pieces.try_next().await? {
        for piece in pieces {
            if piece.first != before + 1 {
                let lost = before + 1;
                trouble.get_or_insert(format!("segment {lost} of the ledger of run {run} is lost"));
            }
            let is_anew = |line: &Written| matches!(line, Written::Anew { .. });
            if piece.lines.iter().flatten().any(is_anew) {
                trouble = None;
            }
            before = piece.last;
            if let Some(body) = piece.segment {
                // A row that is full here has a bundle, or one that nobody can make.
                let _ = begun.add(piece.first, &body);
            }
            match piece.lines {
                Some(written) => written.into_iter().for_each(|line| line.join(&mut lines)),
                None => {
                    let path = layout::ledger_segment(run, piece.first);
                    trouble.get_or_insert(format!("the ledger segment {path} cannot be read"));
                }
            }
        }
    }
    match trouble {
        None => Ok((lines, begun)),
        Some(what) => Err(Fault::data(what).coded(Code::LedgerDamaged).hint(
            "deskferry load --rebuild-ledger makes the ledger anew from what the target holds",
        )),
    }
}

/// The lines of a segment; `None` when one cannot be read, or when there is none, because no empty
/// segment is ever written.
fn lines_in(body: &[u8]) -> Option<Vec<Written>> {
    let lines = body.strip_suffix(b"\n")?.split(|byte| *byte == b'\n');
    lines.map(|text| serde_json::from_slice(text).ok()).collect()
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

    /// A ledger of so many segments, written by two sessions.
    async fn long_ledger(segments: u64) -> (Warehouse, Vec<Line>) {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let all: Vec<Line> = (1..=segments).map(|number| line(&format!("t{number}"))).collect();
        for session in [&all[..300], &all[300..]] {
            let (mut log, _) = LedgerLog::open(&warehouse, RUN).await.expect("opens");
            for line in session {
                log.append(std::slice::from_ref(line)).await.expect("writes");
            }
        }
        (warehouse, all)
    }

    #[tokio::test]
    async fn a_long_ledger_is_read_in_bundles_that_are_no_more_than_copies() {
        let (warehouse, all) = long_ledger(600).await;
        let bundles = [(1, 256), (257, 512)];
        let path = |(first, last)| layout::ledger_bundle(&RUN, first, last);
        for bundle in bundles {
            let body = warehouse.get(&path(bundle)).await.expect("reads").expect("is there");
            assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), 257);
        }
        assert_eq!(read(&warehouse, &RUN).await.expect("reads"), (all.clone(), 600));
        // A bundle that is cut or lost is made up for by its segments, and made again.
        let body = warehouse.get(&path(bundles[0])).await.expect("reads").expect("is there");
        for cut in [0, 1, body.len() / 2, body.len() - 1] {
            warehouse.put(&path(bundles[0]), body.slice(..cut)).await.expect("is written");
            assert_eq!(read(&warehouse, &RUN).await.expect("reads"), (all.clone(), 600));
        }
        warehouse.remove(&path(bundles[0])).await.expect("is removed");
        LedgerLog::open(&warehouse, RUN).await.expect("opens");
        assert_eq!(warehouse.get(&path(bundles[0])).await.expect("reads"), Some(body));
        // What a bundle holds is not lost with its segments; what none holds is.
        warehouse.remove(&layout::ledger_segment(&RUN, 7)).await.expect("is removed");
        assert_eq!(read(&warehouse, &RUN).await.expect("reads"), (all, 600));
        warehouse.remove(&layout::ledger_segment(&RUN, 513)).await.expect("is removed");
        let fault = read(&warehouse, &RUN).await.expect_err("is refused");
        assert!(fault.to_string().contains("segment 513"), "{fault}");
    }

    #[tokio::test]
    async fn a_ledger_made_anew_in_the_middle_of_a_row_is_bundled_with_what_it_replaced() {
        let (warehouse, all) = long_ledger(400).await;
        for lost in [layout::ledger_bundle(&RUN, 1, 256), layout::ledger_segment(&RUN, 7)] {
            warehouse.remove(&lost).await.expect("is removed");
        }
        let now = Instant::from_millis(2);
        let mut anew = LedgerLog::open_anew(&warehouse, RUN, now).await.expect("opens");
        for line in &all[..200] {
            anew.append(std::slice::from_ref(line)).await.expect("writes");
        }
        assert_eq!(read(&warehouse, &RUN).await.expect("reads"), (all[..200].to_vec(), 600));
        LedgerLog::open(&warehouse, RUN).await.expect("opens");
        assert!(warehouse.exists(&layout::ledger_bundle(&RUN, 257, 512)).await.expect("asks"));
        assert_eq!(read(&warehouse, &RUN).await.expect("reads"), (all[..200].to_vec(), 600));
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
