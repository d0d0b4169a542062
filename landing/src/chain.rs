//! A snapshot and its ancestors, read as one: the newest version of each record.
//!
//! A delta holds what changed since its parent, and says what was deleted. This module knows the
//! order in which the snapshots of a chain follow on each other, and nothing of what a record
//! means.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use futures::TryStreamExt;
use kernel::{Fault, Instant, Result, SnapshotId};
use object_store::path::Path;

use crate::columns::{moments, numbers, texts};
use crate::snapshot::{describe, is_sealed};
use crate::{Warehouse, layout, table};

/// Rows read at a time.
const BATCH_ROWS: usize = 4_096;

/// One landed version of a record.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its key within the stream.
    pub key: &'a str,
    /// The key of the record it was asked for, if any.
    pub parent_key: Option<&'a str>,
    /// Its text; where its bytes are not UTF-8, with U+FFFD for what cannot be shown.
    pub raw: &'a str,
    /// SHA-256 of its exact bytes, in hex.
    pub sha256: &'a str,
    /// When its reply was complete.
    pub fetched_at: Instant,
    /// The exchange that brought it, counted in its snapshot.
    pub exchange_id: i64,
}

/// A snapshot and its ancestors, oldest first.
///
/// # Errors
/// `FixData` when an ancestor is missing or is its own ancestor.
pub async fn chain(warehouse: &Warehouse, id: &SnapshotId) -> Result<Vec<SnapshotId>> {
    let mut found = vec![id.clone()];
    let mut parent = describe(warehouse, id).await?.parent;
    while let Some(next) = parent {
        let child = found.last().expect("begins with one");
        if found.contains(&next) {
            return Err(Fault::data(format!("{next} is an ancestor of itself"))
                .hint("deskferry snapshot verify says what was changed"));
        }
        if !is_sealed(warehouse, &next).await? {
            return Err(Fault::data(format!("{next}, the parent of {child}, is missing"))
                .hint("put it back from a copy; a delta cannot be read without its parent"));
        }
        parent = describe(warehouse, &next).await?.parent;
        found.push(next);
    }
    found.reverse();
    Ok(found)
}

/// The newest version of every key of a stream along a chain, without what was deleted.
///
/// `keep` says what is remembered of a version, and is asked for every version that may be the
/// newest; `None` forgets the key. Newest is the one in the newest snapshot, and in a snapshot
/// the one that came last. A deletion hides the versions of its own and of older snapshots, but
/// not one that was fetched after the deletion was noticed.
///
/// The text of every version is read, so this costs about as much as reading the stream.
pub async fn as_of<T>(
    warehouse: &Warehouse,
    chain: &[SnapshotId],
    stream: &str,
    mut keep: impl FnMut(Row<'_>) -> Option<T>,
) -> Result<BTreeMap<String, T>> {
    let mut newest = BTreeMap::new();
    for id in chain {
        let gone = deletions(warehouse, id, stream).await?;
        newest.retain(|key, _| !gone.contains_key(key));
        // Rows lie in a table in the order in which they came, so a later one is a newer one.
        each_batch(warehouse, &layout::records(id, stream), &Columns::NAMES, |batch| {
            let columns = Columns::of(&batch)?;
            for place in 0..batch.num_rows() {
                let row = columns.row(place);
                if gone.get(row.key).is_some_and(|noticed_at| row.fetched_at <= *noticed_at) {
                    continue;
                }
                match keep(row) {
                    Some(kept) => newest.insert(row.key.to_owned(), kept),
                    None => newest.remove(row.key),
                };
            }
            Ok(())
        })
        .await?;
    }
    Ok(newest)
}

/// Addresses of files whose bytes some snapshot of a chain has.
pub async fn landed_files(warehouse: &Warehouse, chain: &[SnapshotId]) -> Result<HashSet<String>> {
    let mut urls = HashSet::new();
    for id in chain {
        let folder = layout::records(id, "downloads");
        each_batch(warehouse, &folder, &["url", "sha256"], |batch| {
            let (url, hash) = (texts(&batch, "url")?, texts(&batch, "sha256")?);
            let stored = (0..batch.num_rows()).filter(|place| hash.is_valid(*place));
            urls.extend(stored.map(|place| url.value(place).to_owned()));
            Ok(())
        })
        .await?;
    }
    Ok(urls)
}

/// Keys of a stream that a snapshot says are gone, and when that was noticed last.
async fn deletions(
    warehouse: &Warehouse,
    id: &SnapshotId,
    stream: &str,
) -> Result<HashMap<String, Instant>> {
    let mut gone: HashMap<String, Instant> = HashMap::new();
    let folder = layout::records(id, "deletions");
    each_batch(warehouse, &folder, &["stream", "key", "noticed_at"], |batch| {
        let (streams, keys) = (texts(&batch, "stream")?, texts(&batch, "key")?);
        let moments = moments(&batch, "noticed_at")?;
        for place in (0..batch.num_rows()).filter(|place| streams.value(*place) == stream) {
            let noticed_at = Instant::from_micros(moments.value(place));
            let latest = gone.entry(keys.value(place).to_owned()).or_insert(noticed_at);
            *latest = noticed_at.max(*latest);
        }
        Ok(())
    })
    .await?;
    Ok(gone)
}

/// Hands over a table's rows, part by part, with some of its columns.
async fn each_batch(
    warehouse: &Warehouse,
    folder: &Path,
    columns: &[&str],
    mut take: impl FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    for part in warehouse.list(folder).await? {
        let mut batches = table::read_some(warehouse, &part, Some(columns), BATCH_ROWS).await?;
        while let Some(batch) = batches.try_next().await? {
            take(batch)?;
        }
    }
    Ok(())
}

/// The columns of a batch of records.
struct Columns<'a> {
    key: &'a StringArray,
    parent_key: &'a StringArray,
    raw: &'a StringArray,
    sha256: &'a StringArray,
    fetched_at: &'a TimestampMicrosecondArray,
    exchange_id: &'a Int64Array,
}

impl<'a> Columns<'a> {
    const NAMES: [&'static str; 6] =
        ["key", "parent_key", "raw", "sha256", "fetched_at", "exchange_id"];

    fn of(batch: &'a RecordBatch) -> Result<Self> {
        Ok(Self {
            key: texts(batch, "key")?,
            parent_key: texts(batch, "parent_key")?,
            raw: texts(batch, "raw")?,
            sha256: texts(batch, "sha256")?,
            fetched_at: moments(batch, "fetched_at")?,
            exchange_id: numbers(batch, "exchange_id")?,
        })
    }

    fn row(&self, place: usize) -> Row<'a> {
        let parent_key = self.parent_key;
        Row {
            key: self.key.value(place),
            parent_key: parent_key.is_valid(place).then(|| parent_key.value(place)),
            raw: self.raw.value(place),
            sha256: self.sha256.value(place),
            fetched_at: Instant::from_micros(self.fetched_at.value(place)),
            exchange_id: self.exchange_id.value(place),
        }
    }
}
