//! The ledger as it lies in the warehouse: numbered segments of JSON lines.
//!
//! Each segment is created only if absent, so of two loaders of one run the second loses the race
//! for a number and stops before it calls anybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use kernel::ledger::Entry;
use kernel::{Code, Fault, Result, RunId};
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
}

/// The ledger of one run, open for writing.
pub struct LedgerLog {
    warehouse: Warehouse,
    run: RunId,
    segment_next: u64,
}

impl LedgerLog {
    /// Opens a run's ledger and reads what it holds, in order.
    ///
    /// # Errors
    /// `FixConfig` when the store overwrites instead of refusing.
    pub async fn open(warehouse: &Warehouse, run: RunId) -> Result<(Self, Vec<Line>)> {
        warehouse.probe().await?;
        let (lines, segments) = read(warehouse, &run).await?;
        let log = Self { warehouse: warehouse.clone(), run, segment_next: segments + 1 };
        Ok((log, lines))
    }

    /// Writes lines as one segment; when this returns they are durable.
    ///
    /// # Errors
    /// `Refused` when another loader has written to this run since it was opened.
    pub async fn append(&mut self, lines: &[Line]) -> Result<()> {
        let mut body = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut body, line)
                .map_err(|error| Fault::bug("a ledger line cannot be written").because(error))?;
            body.push(b'\n');
        }
        let path = layout::ledger_segment(&self.run, self.segment_next);
        if !self.warehouse.put_if_absent(&path, body).await? {
            return Err(Fault::refused(format!("another loader is writing to run {}", self.run))
                .coded(Code::AnotherLoader)
                .hint("let the other one finish or stop it; then run this again"));
        }
        self.segment_next += 1;
        Ok(())
    }
}

/// Every line of a run's ledger, in order, and the number of segments.
pub async fn read(warehouse: &Warehouse, run: &RunId) -> Result<(Vec<Line>, u64)> {
    let paths = warehouse.list(&layout::ledger(run)).await?;
    let mut lines = Vec::new();
    for path in &paths {
        let body = warehouse.get(path).await?.unwrap_or_default();
        for text in body.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
            lines.push(serde_json::from_slice(text).map_err(|error| {
                Fault::data(format!("the ledger segment {path} is damaged"))
                    .coded(Code::LedgerDamaged)
                    .because(error)
            })?);
        }
    }
    Ok((lines, paths.len() as u64))
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
