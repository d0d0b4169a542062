//! Snapshots for tests: records given as JSON texts, landed as the extraction lands them.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    new_null_array,
};
use datafusion::arrow;
use datafusion::arrow::datatypes::DataType;
use deskferry_transform::{Models, Recipe};
use futures::stream;
use kernel::{BuildId, Mapping, Order, SnapshotId};
use landing::exchange::{deletions_schema, downloads_schema, records_schema, sha256};
use landing::{Warehouse, layout, table};

/// When every record of a test was read: 2025-01-01T00:00:00Z.
pub const FETCHED_MS: i64 = 1_735_689_600_000;

/// Rows of one file; a large stream has several.
const PART_ROWS: usize = 700;

/// What a plan for Gorgias is made from, in the usual order.
pub fn recipe<'a>(build: &'a BuildId, mapping: &'a Mapping, models: &'a Models) -> Recipe<'a> {
    Recipe { build, target: "gorgias", mapping, models, order: Order::Recent, follows: None }
}

/// One landed record.
#[derive(Debug, Clone)]
pub struct Record {
    pub stream: String,
    pub key: String,
    pub parent_key: Option<String>,
    pub raw: String,
    pub exchange_id: i64,
    pub ordinal: i32,
}

impl Record {
    pub fn new(stream: &str, key: &str, raw: impl Into<String>) -> Self {
        Self {
            stream: stream.to_owned(),
            key: key.to_owned(),
            parent_key: None,
            raw: raw.into(),
            exchange_id: 1,
            ordinal: 0,
        }
    }

    pub fn of(mut self, parent_key: &str) -> Self {
        self.parent_key = Some(parent_key.to_owned());
        self
    }

    pub fn at(mut self, exchange_id: i64, ordinal: i32) -> Self {
        self.exchange_id = exchange_id;
        self.ordinal = ordinal;
        self
    }
}

/// One file that was asked for.
#[derive(Debug, Clone)]
pub struct File {
    pub url: String,
    pub sha256: Option<String>,
    pub bytes: i64,
    pub content_type: String,
    pub reason: Option<String>,
}

impl File {
    pub fn stored(url: &str, body: &[u8], content_type: &str) -> Self {
        Self {
            url: url.to_owned(),
            sha256: Some(sha256(body)),
            bytes: body.len() as i64,
            content_type: content_type.to_owned(),
            reason: None,
        }
    }

    pub fn broken(url: &str, reason: &str) -> Self {
        Self {
            url: url.to_owned(),
            sha256: None,
            bytes: 0,
            content_type: "text/html".to_owned(),
            reason: Some(reason.to_owned()),
        }
    }
}

/// Lands records and files as snapshot `number` of a platform.
pub async fn land(
    warehouse: &Warehouse,
    platform: &str,
    number: u32,
    records: &[Record],
    files: &[File],
) -> SnapshotId {
    let id = SnapshotId { platform: platform.to_owned(), number };
    let mut streams: Vec<&str> = records.iter().map(|record| record.stream.as_str()).collect();
    streams.sort_unstable();
    streams.dedup();
    for stream in streams {
        let rows: Vec<&Record> = records.iter().filter(|record| record.stream == stream).collect();
        write(warehouse, &id, stream, records_batch(platform, &rows)).await;
    }
    if !files.is_empty() {
        write(warehouse, &id, "downloads", files_batch(files)).await;
    }
    let listing = sha256(format!("{records:?}{files:?}").as_bytes());
    let path = layout::in_snapshot(&id, "tagmanifest-sha256.txt");
    warehouse.put(&path, listing).await.expect("the manifest is written");
    id
}

/// Notes in a snapshot that a record of a stream is gone, long after everything was fetched.
pub async fn land_deletion(warehouse: &Warehouse, id: &SnapshotId, stream: &str, key: &str) {
    let noticed_at = TimestampMicrosecondArray::from_iter_values([FETCHED_MS * 2_000]);
    let columns: Vec<ArrayRef> = vec![
        texts([Some(stream)].into_iter()),
        texts([Some(key)].into_iter()),
        new_null_array(&DataType::Utf8, 1),
        texts([Some("it did not come again")].into_iter()),
        Arc::new(noticed_at.with_timezone("UTC")),
    ];
    let batch = RecordBatch::try_new(deletions_schema(), columns).expect("fits the landed columns");
    write(warehouse, id, "deletions", batch).await;
}

async fn write(warehouse: &Warehouse, id: &SnapshotId, stream: &str, batch: RecordBatch) {
    for (part, first) in (0..batch.num_rows()).step_by(PART_ROWS).enumerate() {
        let path = layout::in_snapshot(id, &format!("data/{stream}/part-{part:05}.parquet"));
        let rows = batch.slice(first, PART_ROWS.min(batch.num_rows() - first));
        table::write(warehouse, &path, rows.schema(), stream::iter([Ok(rows)]))
            .await
            .expect("the stream is written");
    }
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn moments(rows: usize) -> ArrayRef {
    let values = std::iter::repeat_n(FETCHED_MS * 1_000, rows);
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

fn records_batch(platform: &str, rows: &[&Record]) -> RecordBatch {
    let hashes: Vec<String> = rows.iter().map(|row| sha256(row.raw.as_bytes())).collect();
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|_| Some(platform))),
        texts(rows.iter().map(|row| Some(row.stream.as_str()))),
        texts(rows.iter().map(|row| Some(row.key.as_str()))),
        texts(rows.iter().map(|row| row.parent_key.as_deref())),
        texts(rows.iter().map(|row| Some(row.raw.as_str()))),
        moments(rows.len()),
        Arc::new(rows.iter().map(|row| Some(row.exchange_id)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.ordinal)).collect::<Int32Array>()),
        Arc::new(rows.iter().map(|_| Some(0)).collect::<Int64Array>()),
        texts(hashes.iter().map(|hash| Some(hash.as_str()))),
        new_null_array(&DataType::Binary, rows.len()),
        new_null_array(&DataType::Utf8, rows.len()),
    ];
    RecordBatch::try_new(records_schema(), columns).expect("fits the landed columns")
}

fn files_batch(files: &[File]) -> RecordBatch {
    let is_stored = |file: &File| file.sha256.is_some();
    let columns: Vec<ArrayRef> = vec![
        texts(files.iter().map(|file| Some(file.url.as_str()))),
        texts(files.iter().map(|file| file.sha256.as_deref())),
        Arc::new(
            files.iter().map(|file| is_stored(file).then_some(file.bytes)).collect::<Int64Array>(),
        ),
        texts(files.iter().map(|file| Some(file.content_type.as_str()))),
        texts(files.iter().map(|file| is_stored(file).then_some(file.content_type.as_str()))),
        Arc::new(
            files
                .iter()
                .map(|file| Some(if is_stored(file) { 200 } else { 404 }))
                .collect::<Int32Array>(),
        ),
        texts(files.iter().map(|file| file.reason.as_deref())),
        Arc::new(files.iter().map(|_| Some(1)).collect::<Int64Array>()),
        moments(files.len()),
    ];
    RecordBatch::try_new(downloads_schema(), columns).expect("fits the landed columns")
}
