//! What a ledger holds as tables, which SQL reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use kernel::ledger::Entry;
use kernel::{Fault, Result, RunId};

use super::{Line, read};
use crate::Warehouse;

/// What a run's ledger holds.
pub struct Tables {
    /// The newest entry of every record: kind, source_id, state, target_id, at, detail.
    pub records: RecordBatch,
    /// Calls made per phase: phase, calls.
    pub calls: RecordBatch,
    /// How long all sessions took, in one row: took_ms.
    pub time: RecordBatch,
}

/// Reads a run's ledger once and makes its tables.
///
/// # Errors
/// Those of [`read`].
pub async fn read_tables(warehouse: &Warehouse, run: &RunId) -> Result<Tables> {
    let mut newest: BTreeMap<(&'static str, String), Entry> = BTreeMap::new();
    let mut calls_by_phase: BTreeMap<String, i64> = BTreeMap::new();
    let mut all_ms = 0;
    for line in read(warehouse, run).await?.0 {
        match line {
            Line::Entry(entry) => {
                newest.insert((entry.kind.word(), entry.source_id.clone()), entry);
            }
            Line::Calls { phase, calls } => {
                *calls_by_phase.entry(phase).or_default() += calls as i64;
            }
            Line::Time { took_ms } => all_ms += took_ms as i64,
        }
    }
    let took_ms: ArrayRef = Arc::new(Int64Array::from_iter_values([all_ms]));
    let time = RecordBatch::try_from_iter([("took_ms", took_ms)])
        .map_err(|error| Fault::bug("the time does not fit its table").because(error))?;
    Ok(Tables {
        records: records(newest.into_values().collect())?,
        calls: calls(&calls_by_phase)?,
        time,
    })
}

fn records(entries: Vec<Entry>) -> Result<RecordBatch> {
    let text = |pick: &dyn Fn(&Entry) -> Option<String>| -> ArrayRef {
        Arc::new(entries.iter().map(pick).collect::<StringArray>())
    };
    let moments = entries.iter().map(|entry| entry.at.micros());
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

fn calls(calls_by_phase: &BTreeMap<String, i64>) -> Result<RecordBatch> {
    let phases: StringArray = calls_by_phase.keys().map(|phase| Some(phase.as_str())).collect();
    let calls = Int64Array::from_iter_values(calls_by_phase.values().copied());
    let columns: Vec<(&str, ArrayRef, bool)> =
        vec![("phase", Arc::new(phases), false), ("calls", Arc::new(calls), false)];
    RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Fault::bug("the calls do not fit their table").because(error))
}
