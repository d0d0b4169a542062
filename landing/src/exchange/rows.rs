//! Columns of the landed tables, and their rows from exchanges.
//!
//! It knows which columns there are and how a value is put into one; neither files nor paths.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, Int32Array, Int32Builder, Int64Array, Int64Builder,
    RecordBatch, StringArray, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kernel::{Fault, Result};

use super::{Arrived, Deletion, Download, Exchange, frame, sha256};

/// Hexadecimal digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

fn moment() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn field(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, false)
}

fn nullable(name: &str, kind: DataType) -> Field {
    Field::new(name, kind, true)
}

/// Columns of `data/<stream>/`.
///
/// `raw` is the record as text. Where its bytes are not UTF-8 they are in `raw_bytes`, and `raw`
/// shows U+FFFD for what cannot be shown; `sha256` is always of the exact bytes. `change` is the
/// class of change in a delta.
pub fn records_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        field("platform", DataType::Utf8),
        field("stream", DataType::Utf8),
        field("key", DataType::Utf8),
        nullable("parent_key", DataType::Utf8),
        field("raw", DataType::Utf8),
        field("fetched_at", moment()),
        field("exchange_id", DataType::Int64),
        field("ordinal", DataType::Int32),
        field("offset", DataType::Int64),
        field("sha256", DataType::Utf8),
        nullable("raw_bytes", DataType::Binary),
        nullable("change", DataType::Utf8),
    ]))
}

/// Columns of `data/deletions/`, which only a delta has.
pub fn deletions_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        field("stream", DataType::Utf8),
        field("key", DataType::Utf8),
        nullable("parent_key", DataType::Utf8),
        field("reason", DataType::Utf8),
        field("noticed_at", moment()),
    ]))
}

/// Columns of `data/downloads/`.
pub fn downloads_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        field("url", DataType::Utf8),
        nullable("sha256", DataType::Utf8),
        nullable("bytes", DataType::Int64),
        nullable("content_type", DataType::Utf8),
        nullable("sniffed_type", DataType::Utf8),
        nullable("status", DataType::Int32),
        nullable("reason", DataType::Utf8),
        field("exchange_id", DataType::Int64),
        field("fetched_at", moment()),
    ]))
}

/// Columns of `data/exchanges/`.
pub fn exchanges_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        field("exchange_id", DataType::Int64),
        field("stream", DataType::Utf8),
        field("request_key", DataType::Utf8),
        field("method", DataType::Utf8),
        field("url", DataType::Utf8),
        field("status", DataType::Int32),
        field("headers", DataType::Utf8),
        field("started_at", moment()),
        field("ended_at", moment()),
        field("attempt", DataType::Int32),
        field("body_bytes", DataType::Int64),
        field("body_sha256", DataType::Utf8),
        field("frame", DataType::Binary),
    ]))
}

fn moments() -> TimestampMicrosecondBuilder {
    TimestampMicrosecondBuilder::new().with_timezone("UTC")
}

/// Rows of one stream, being gathered.
pub(crate) struct RecordRows {
    platform: String,
    stream: String,
    key: StringBuilder,
    parent_key: StringBuilder,
    raw: StringBuilder,
    fetched_at: TimestampMicrosecondBuilder,
    exchange_id: Int64Builder,
    ordinal: Int32Builder,
    offset: Int64Builder,
    sha256: StringBuilder,
    raw_bytes: BinaryBuilder,
    change: StringBuilder,
    bytes: usize,
}

impl RecordRows {
    pub(crate) fn new(platform: &str, stream: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            stream: stream.to_owned(),
            key: StringBuilder::new(),
            parent_key: StringBuilder::new(),
            raw: StringBuilder::new(),
            fetched_at: moments(),
            exchange_id: Int64Builder::new(),
            ordinal: Int32Builder::new(),
            offset: Int64Builder::new(),
            sha256: StringBuilder::new(),
            raw_bytes: BinaryBuilder::new(),
            change: StringBuilder::new(),
            bytes: 0,
        }
    }

    /// Adds a record; `raw` is what lies between its span's borders.
    pub(crate) fn push(&mut self, exchange: &Exchange, place: usize, raw: &[u8]) {
        let span = &exchange.records[place];
        self.key.append_value(&span.key);
        self.parent_key.append_option(span.parent_key.as_deref());
        match std::str::from_utf8(raw) {
            Ok(text) => {
                self.raw.append_value(text);
                self.raw_bytes.append_null();
            }
            Err(_) => {
                self.raw.append_value(String::from_utf8_lossy(raw));
                self.raw_bytes.append_value(raw);
            }
        }
        self.fetched_at.append_value(exchange.ended_at.micros());
        self.exchange_id.append_value(exchange.id);
        self.ordinal.append_value(i32::try_from(place).unwrap_or(i32::MAX));
        self.offset.append_value(span.start as i64);
        self.sha256.append_value(sha256(raw));
        self.change.append_option(span.change.as_deref());
        self.bytes += raw.len();
    }

    /// Rows gathered since the last batch was taken.
    pub(crate) fn len(&self) -> usize {
        self.key.len()
    }

    /// Bytes of records gathered since the last batch was taken.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what was gathered as a batch.
    pub(crate) fn take(&mut self) -> RecordBatch {
        let (rows, raw_bytes) = (self.len(), std::mem::take(&mut self.bytes));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::new_repeated(&self.platform, rows)),
            Arc::new(StringArray::new_repeated(&self.stream, rows)),
            Arc::new(self.key.finish()),
            Arc::new(self.parent_key.finish()),
            Arc::new(self.raw.finish()),
            Arc::new(self.fetched_at.finish()),
            Arc::new(self.exchange_id.finish()),
            Arc::new(self.ordinal.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.sha256.finish()),
            Arc::new(self.raw_bytes.finish()),
            Arc::new(self.change.finish()),
        ];
        // The next batch will be about as large; growing to that size again would copy it all.
        self.raw = StringBuilder::with_capacity(rows, raw_bytes);
        self.sha256 = StringBuilder::with_capacity(rows, rows * SHA256_DIGITS);
        RecordBatch::try_new(records_schema(), columns).expect("columns follow the schema")
    }
}

/// One row of `data/downloads/` for each exchange that was for a file.
pub(crate) fn downloads_batch(exchanges: &[&Exchange]) -> RecordBatch {
    let rows: Vec<(&Exchange, &Download)> =
        exchanges.iter().filter_map(|row| Some((*row, row.download.as_ref()?))).collect();
    let mut fetched_at = moments();
    rows.iter().for_each(|(row, _)| fetched_at.append_value(row.ended_at.micros()));
    let text = |pick: &dyn Fn(&Download) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, file)| pick(file)).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|file| Some(file.url.clone())),
        text(&|file| file.sha256.clone()),
        Arc::new(
            rows.iter()
                .map(|(_, file)| file.bytes.map(|bytes| bytes as i64))
                .collect::<Int64Array>(),
        ),
        text(&|file| file.content_type.clone()),
        text(&|file| file.sniffed_type.clone()),
        Arc::new(rows.iter().map(|(_, file)| file.status.map(i32::from)).collect::<Int32Array>()),
        text(&|file| file.reason.clone()),
        Arc::new(rows.iter().map(|(row, _)| Some(row.id)).collect::<Int64Array>()),
        Arc::new(fetched_at.finish()),
    ];
    RecordBatch::try_new(downloads_schema(), columns).expect("columns follow the schema")
}

/// One row of `data/exchanges/` for each exchange.
///
/// # Errors
/// `Bug` when the records of an exchange do not lie one after the other in its body.
pub(crate) fn exchanges_batch(arrived: &[Arrived]) -> Result<RecordBatch> {
    let mut started_at = moments();
    let mut ended_at = moments();
    let mut frames = BinaryBuilder::new();
    for Arrived { exchange: row, body, .. } in arrived {
        started_at.append_value(row.started_at.micros());
        ended_at.append_value(row.ended_at.micros());
        frames.append_value(frame(body, &row.records).ok_or_else(|| {
            Fault::bug(format!("the records of exchange {} overlap in its body", row.id))
        })?);
    }
    let text = |pick: &dyn Fn(&Exchange) -> String| -> ArrayRef {
        Arc::new(arrived.iter().map(|row| Some(pick(&row.exchange))).collect::<StringArray>())
    };
    let number = |pick: &dyn Fn(&Exchange) -> i32| -> ArrayRef {
        Arc::new(arrived.iter().map(|row| Some(pick(&row.exchange))).collect::<Int32Array>())
    };
    let ids = arrived.iter().map(|row| Some(row.exchange.id));
    let lengths = arrived.iter().map(|row| Some(received_bytes(row) as i64));
    let hashes = arrived.iter().map(|row| Some(received_sha256(row)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(ids.collect::<Int64Array>()),
        text(&|row| row.stream.clone()),
        text(&|row| row.request_key.clone()),
        text(&|row| row.method.clone()),
        text(&|row| row.url.clone()),
        number(&|row| i32::from(row.status)),
        text(&|row| serde_json::to_string(&row.headers).expect("texts by name are JSON")),
        Arc::new(started_at.finish()),
        Arc::new(ended_at.finish()),
        number(&|row| i32::try_from(row.attempt).unwrap_or(i32::MAX)),
        Arc::new(lengths.collect::<Int64Array>()),
        Arc::new(hashes.collect::<StringArray>()),
        Arc::new(frames.finish()),
    ];
    Ok(RecordBatch::try_new(exchanges_schema(), columns).expect("columns follow the schema"))
}

/// One row of `data/deletions/` for each deletion.
pub(crate) fn deletions_batch(rows: &[Deletion]) -> RecordBatch {
    let mut noticed_at = moments();
    rows.iter().for_each(|row| noticed_at.append_value(row.noticed_at.micros()));
    let text = |pick: &dyn Fn(&Deletion) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(pick).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|row| Some(row.stream.clone())),
        text(&|row| Some(row.key.clone())),
        text(&|row| row.parent_key.clone()),
        text(&|row| Some(row.reason.clone())),
        Arc::new(noticed_at.finish()),
    ];
    RecordBatch::try_new(deletions_schema(), columns).expect("columns follow the schema")
}

/// Length of what was received: of the file, where the call brought one.
fn received_bytes(row: &Arrived) -> u64 {
    let file = row.exchange.download.as_ref().and_then(|file| file.bytes);
    file.unwrap_or(row.body.len() as u64)
}

fn received_sha256(row: &Arrived) -> &str {
    let file = row.exchange.download.as_ref().and_then(|file| file.sha256.as_deref());
    file.unwrap_or(&row.sha256)
}
