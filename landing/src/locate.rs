//! Where a record lies, down to its row, with its bytes hashed again.
//!
//! It finds records by their keys in the parts of a stream, and the replies that brought them. It
//! knows nothing of what a record means, nor which of several versions holds.

mod replies;

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::Int32Type;
use futures::TryStreamExt;
use kernel::{Fault, Instant, Result, SnapshotId};
use object_store::path::Path;

use crate::columns::{binaries, moments, numbers, texts};
use crate::exchange::sha256;
use crate::verify::hash_object;
use crate::{Warehouse, layout, table};

pub use replies::{Reply, replies};

/// Rows whose keys are looked at in one go.
const BATCH_ROWS: usize = 8_192;
/// The list of a snapshot's files with their hashes.
const MANIFEST: &str = "manifest-sha256.txt";

/// One landed version of a record, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The snapshot that holds it.
    pub snapshot: SnapshotId,
    /// The stream it belongs to.
    pub stream: String,
    /// Its key within the stream.
    pub key: String,
    /// The key of the record it was asked for, if any.
    pub parent_key: Option<String>,
    /// In a delta, its class of change.
    pub change: Option<String>,
    /// Its file, from the root of the warehouse.
    pub file: String,
    /// SHA-256 that the file was sealed with, in hex.
    pub file_sha256: Option<String>,
    /// Its row in the file, from 0.
    pub row: u64,
    /// The row group that the row lies in, from 0.
    pub row_group: usize,
    /// Its row in that row group, from 0.
    pub row_in_group: u64,
    /// When its reply was complete.
    pub fetched_at: Instant,
    /// The exchange that brought it, counted in its snapshot.
    pub exchange_id: i64,
    /// Its place among the records of that reply, from 0.
    pub ordinal: i64,
    /// Its first byte in the body of that reply.
    pub offset: i64,
    /// SHA-256 that was noted when it was landed, in hex.
    pub noted_sha256: String,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
}

impl Located {
    /// SHA-256 of the bytes as they are now, in hex.
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

/// Which records are looked for: those with one of these keys, and those that were asked for one
/// of these parents.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Keys of the records themselves.
    pub keys: BTreeSet<String>,
    /// Keys of the records that they belong to.
    pub parent_keys: BTreeSet<String>,
}

/// Every version of the wanted records that a snapshot has in one of its streams, in the order in
/// which they came. Only keys are read until one is found.
///
/// # Errors
/// `FixData` when a part cannot be read.
pub async fn locate(
    warehouse: &Warehouse,
    id: &SnapshotId,
    stream: &str,
    wanted: &Wanted,
) -> Result<Vec<Located>> {
    let mut found = Vec::new();
    let mut sealed: Option<BTreeMap<String, String>> = None;
    for part in warehouse.list(&layout::records(id, stream)).await? {
        let rows = rows_with(warehouse, &part, &["key", "parent_key"], |batch, place| {
            let (key, parent_key) = (texts(batch, "key")?, texts(batch, "parent_key")?);
            let is_child =
                parent_key.is_valid(place) && wanted.parent_keys.contains(parent_key.value(place));
            Ok(is_child || wanted.keys.contains(key.value(place)))
        })
        .await?;
        if rows.is_empty() {
            continue;
        }
        let sealed = match &mut sealed {
            Some(sealed) => sealed,
            empty => empty.insert(sealed_hashes(warehouse, id).await?),
        };
        let name = name_in(id, &part);
        let groups = table::group_rows(warehouse, &part).await?;
        let batch = table::read_rows(warehouse, &part, &rows).await?;
        for (place, row) in rows.iter().enumerate() {
            let mut record = record_of(&batch, place)?;
            (record.snapshot, record.stream) = (id.clone(), stream.to_owned());
            (record.file, record.row) = (part.to_string(), *row);
            (record.row_group, record.row_in_group) = group_of(&groups, *row);
            record.file_sha256 = sealed.get(&name).cloned();
            found.push(record);
        }
    }
    Ok(found)
}

/// Length and SHA-256 of the bytes of a landed file as they are now; `None` when it is not there.
///
/// # Errors
/// `Retry` when the store fails.
pub async fn file_hash(
    warehouse: &Warehouse,
    id: &SnapshotId,
    sha256: &str,
) -> Result<Option<(u64, String)>> {
    let path = layout::file(id, sha256);
    if !warehouse.exists(&path).await? {
        return Ok(None);
    }
    hash_object(warehouse, &path).await.map(Some)
}

/// The rows of a table, from 0, that are wanted; only some of its columns are read.
async fn rows_with(
    warehouse: &Warehouse,
    part: &Path,
    columns: &[&str],
    is_wanted: impl Fn(&RecordBatch, usize) -> Result<bool>,
) -> Result<Vec<u64>> {
    let mut rows = Vec::new();
    let mut before = 0;
    let mut batches = table::read_some(warehouse, part, Some(columns), BATCH_ROWS).await?;
    while let Some(batch) = batches.try_next().await? {
        for place in 0..batch.num_rows() {
            if is_wanted(&batch, place)? {
                rows.push(before + place as u64);
            }
        }
        before += batch.num_rows() as u64;
    }
    Ok(rows)
}

/// A record without its place in the snapshot.
fn record_of(batch: &RecordBatch, place: usize) -> Result<Located> {
    let text = |name: &str| -> Result<String> { Ok(texts(batch, name)?.value(place).to_owned()) };
    let number = |name: &str| -> Result<i64> { Ok(numbers(batch, name)?.value(place)) };
    let ordinal = batch.column_by_name("ordinal");
    let ordinal = ordinal.and_then(|column| column.as_primitive_opt::<Int32Type>());
    let ordinal = ordinal.ok_or_else(|| Fault::data("a landed record has no ordinal"))?;
    Ok(Located {
        snapshot: SnapshotId { platform: String::new(), number: 0 },
        stream: String::new(),
        key: text("key")?,
        parent_key: optional(batch, "parent_key", place)?,
        change: optional(batch, "change", place)?,
        file: String::new(),
        file_sha256: None,
        row: 0,
        row_group: 0,
        row_in_group: 0,
        fetched_at: Instant::from_micros(moments(batch, "fetched_at")?.value(place)),
        exchange_id: number("exchange_id")?,
        ordinal: i64::from(ordinal.value(place)),
        offset: number("offset")?,
        noted_sha256: text("sha256")?,
        bytes: exact_bytes(batch, place)?,
    })
}

/// The bytes of a record: as text, except where they are none.
fn exact_bytes(batch: &RecordBatch, place: usize) -> Result<Vec<u8>> {
    let raw: &StringArray = texts(batch, "raw")?;
    if batch.column_by_name("raw_bytes").is_some() {
        let exact: &BinaryArray = binaries(batch, "raw_bytes")?;
        if exact.is_valid(place) {
            return Ok(exact.value(place).to_vec());
        }
    }
    Ok(raw.value(place).as_bytes().to_vec())
}

/// A text that may be missing, of a column that may be missing.
fn optional(batch: &RecordBatch, name: &str, place: usize) -> Result<Option<String>> {
    if batch.column_by_name(name).is_none() {
        return Ok(None);
    }
    let column = texts(batch, name)?;
    Ok(column.is_valid(place).then(|| column.value(place).to_owned()))
}

/// The row group that a row lies in, and its row there.
fn group_of(groups: &[u64], row: u64) -> (usize, u64) {
    let mut before = 0;
    for (group, rows) in groups.iter().enumerate() {
        if row < before + rows {
            return (group, row - before);
        }
        before += rows;
    }
    (groups.len(), row - before)
}

/// A file's name as the snapshot's own lists spell it.
fn name_in(id: &SnapshotId, part: &Path) -> String {
    let inner = part.prefix_match(&layout::snapshot(id));
    inner.map_or_else(|| part.to_string(), |parts| parts.collect::<Path>().to_string())
}

/// The hashes that the files of a snapshot were sealed with, by name.
async fn sealed_hashes(warehouse: &Warehouse, id: &SnapshotId) -> Result<BTreeMap<String, String>> {
    let body = warehouse.get(&layout::in_snapshot(id, MANIFEST)).await?.unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    Ok(lines.map(|(hash, name)| (name.to_owned(), hash.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_counted_within_its_row_group() {
        let groups = [100, 100, 7];
        for (row, place) in [(0, (0, 0)), (99, (0, 99)), (100, (1, 0)), (206, (2, 6))] {
            assert_eq!(group_of(&groups, row), place, "row {row}");
        }
    }
}
