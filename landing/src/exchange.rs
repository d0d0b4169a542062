//! What is noted of each call: the exchange, the records found in its reply, the file it brought.
//!
//! A reply's body is kept as its records plus a *frame*: the body with every record cut out. Each
//! record knows its offset, so the body can be put together again byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, Int32Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use kernel::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One call and its reply, without the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Rises in the order in which replies were noted, from 1; unique in a snapshot.
    #[serde(default)]
    pub id: i64,
    /// The stream it was made for.
    pub stream: String,
    /// What was asked for: the same text for the same question, also in a later process.
    pub request_key: String,
    /// HTTP method.
    pub method: String,
    /// Address without secrets.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// The reply's headers that are worth keeping, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// When the call left.
    pub started_at: Instant,
    /// When the reply was complete.
    pub ended_at: Instant,
    /// Which try this was, from 1.
    pub attempt: u32,
    /// Whether the reply settles the question; a refusal that is tried again does not.
    pub is_answer: bool,
    /// The records in the body, in the order of their offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordSpan>,
    /// What became of the file, where the call was for one; its bytes are not in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
}

/// Where a record lies in a reply's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSpan {
    /// The stream it belongs to.
    pub stream: String,
    /// Its key within the stream.
    pub key: String,
    /// The key of the record it was asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key: Option<String>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// What became of a file that a record points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The address, as the record spells it.
    pub url: String,
    /// SHA-256 of the bytes, in hex; none when they could not be had.
    pub sha256: Option<String>,
    /// Length of the bytes.
    pub bytes: Option<u64>,
    /// What the file server calls it.
    pub content_type: Option<String>,
    /// What its first bytes say it is.
    pub sniffed_type: Option<String>,
    /// HTTP status, where there was a reply.
    pub status: Option<u16>,
    /// Why there are no bytes.
    pub reason: Option<String>,
}

impl Download {
    /// A row for a file without bytes.
    pub fn missing(url: &str, status: Option<u16>, reason: &str) -> Self {
        Self {
            url: url.to_owned(),
            sha256: None,
            bytes: None,
            content_type: None,
            sniffed_type: None,
            status,
            reason: Some(reason.to_owned()),
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of some bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

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
    stream: StringBuilder,
    platforms: StringBuilder,
    key: StringBuilder,
    parent_key: StringBuilder,
    raw: StringBuilder,
    fetched_at: TimestampMicrosecondBuilder,
    exchange_id: Int64Builder,
    ordinal: Int32Builder,
    offset: Int64Builder,
    sha256: StringBuilder,
    bytes: usize,
}

impl RecordRows {
    pub(crate) fn new(platform: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            stream: StringBuilder::new(),
            platforms: StringBuilder::new(),
            key: StringBuilder::new(),
            parent_key: StringBuilder::new(),
            raw: StringBuilder::new(),
            fetched_at: moments(),
            exchange_id: Int64Builder::new(),
            ordinal: Int32Builder::new(),
            offset: Int64Builder::new(),
            sha256: StringBuilder::new(),
            bytes: 0,
        }
    }

    /// Adds a record; `raw` is the exact text between its span's borders.
    pub(crate) fn push(&mut self, exchange: &Exchange, place: usize, raw: &str) {
        let span = &exchange.records[place];
        self.platforms.append_value(&self.platform);
        self.stream.append_value(&span.stream);
        self.key.append_value(&span.key);
        self.parent_key.append_option(span.parent_key.as_deref());
        self.raw.append_value(raw);
        self.fetched_at.append_value(exchange.ended_at.micros());
        self.exchange_id.append_value(exchange.id);
        self.ordinal.append_value(i32::try_from(place).unwrap_or(i32::MAX));
        self.offset.append_value(span.start as i64);
        self.sha256.append_value(sha256(raw.as_bytes()));
        self.bytes += raw.len();
    }

    /// Rows gathered since the last batch was taken.
    pub(crate) fn len(&self) -> usize {
        use arrow::array::ArrayBuilder;
        self.key.len()
    }

    /// Bytes of raw text gathered since the last batch was taken.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what was gathered as a batch.
    pub(crate) fn take(&mut self) -> RecordBatch {
        self.bytes = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.platforms.finish()),
            Arc::new(self.stream.finish()),
            Arc::new(self.key.finish()),
            Arc::new(self.parent_key.finish()),
            Arc::new(self.raw.finish()),
            Arc::new(self.fetched_at.finish()),
            Arc::new(self.exchange_id.finish()),
            Arc::new(self.ordinal.finish()),
            Arc::new(self.offset.finish()),
            Arc::new(self.sha256.finish()),
        ];
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
        Arc::new(rows.iter().map(|(_, file)| pick(file)).collect::<arrow::array::StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        text(&|file| Some(file.url.clone())),
        text(&|file| file.sha256.clone()),
        Arc::new(
            rows.iter()
                .map(|(_, file)| file.bytes.map(|bytes| bytes as i64))
                .collect::<arrow::array::Int64Array>(),
        ),
        text(&|file| file.content_type.clone()),
        text(&|file| file.sniffed_type.clone()),
        Arc::new(
            rows.iter()
                .map(|(_, file)| file.status.map(i32::from))
                .collect::<arrow::array::Int32Array>(),
        ),
        text(&|file| file.reason.clone()),
        Arc::new(rows.iter().map(|(row, _)| Some(row.id)).collect::<arrow::array::Int64Array>()),
        Arc::new(fetched_at.finish()),
    ];
    RecordBatch::try_new(downloads_schema(), columns).expect("columns follow the schema")
}

/// One row of `data/exchanges/` for each exchange.
pub(crate) fn exchanges_batch(rows: &[(Exchange, bytes::Bytes)]) -> RecordBatch {
    let mut started_at = moments();
    let mut ended_at = moments();
    let mut frames = BinaryBuilder::new();
    for (row, body) in rows {
        started_at.append_value(row.started_at.micros());
        ended_at.append_value(row.ended_at.micros());
        frames.append_value(frame(body, &row.records));
    }
    let text = |pick: &dyn Fn(&Exchange, &[u8]) -> String| -> ArrayRef {
        let values = rows.iter().map(|(row, body)| Some(pick(row, body)));
        Arc::new(values.collect::<arrow::array::StringArray>())
    };
    let number = |pick: &dyn Fn(&Exchange) -> i32| -> ArrayRef {
        let values = rows.iter().map(|(row, _)| Some(pick(row)));
        Arc::new(values.collect::<arrow::array::Int32Array>())
    };
    let headers = |row: &Exchange| serde_json::to_string(&row.headers).unwrap_or_default();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|(row, _)| Some(row.id)).collect::<arrow::array::Int64Array>()),
        text(&|row, _| row.stream.clone()),
        text(&|row, _| row.request_key.clone()),
        text(&|row, _| row.method.clone()),
        text(&|row, _| row.url.clone()),
        number(&|row| i32::from(row.status)),
        text(&|row, _| headers(row)),
        Arc::new(started_at.finish()),
        Arc::new(ended_at.finish()),
        number(&|row| i32::try_from(row.attempt).unwrap_or(i32::MAX)),
        Arc::new(
            rows.iter()
                .map(|(row, body)| Some(received_bytes(row, body) as i64))
                .collect::<arrow::array::Int64Array>(),
        ),
        text(&received_sha256),
        Arc::new(frames.finish()),
    ];
    RecordBatch::try_new(exchanges_schema(), columns).expect("columns follow the schema")
}

/// Length of what was received: of the file, where the call brought one.
fn received_bytes(row: &Exchange, body: &[u8]) -> u64 {
    row.download.as_ref().and_then(|file| file.bytes).unwrap_or(body.len() as u64)
}

fn received_sha256(row: &Exchange, body: &[u8]) -> String {
    let file = row.download.as_ref().and_then(|file| file.sha256.clone());
    file.unwrap_or_else(|| sha256(body))
}

/// The body with its records cut out.
pub fn frame(body: &[u8], records: &[RecordSpan]) -> Vec<u8> {
    let mut frame = Vec::new();
    let mut at = 0;
    for span in records {
        frame.extend_from_slice(&body[at..span.start]);
        at = span.end;
    }
    frame.extend_from_slice(&body[at..]);
    frame
}

/// The body again, from its frame and its records as pairs of offset and text, in any order.
pub fn rebuild(frame: &[u8], records: &mut [(usize, &str)]) -> Vec<u8> {
    records.sort_unstable_by_key(|(offset, _)| *offset);
    let mut body = Vec::with_capacity(frame.len());
    let mut rest = frame;
    for (offset, raw) in records.iter() {
        let (before, after) = rest.split_at((offset - body.len()).min(rest.len()));
        body.extend_from_slice(before);
        body.extend_from_slice(raw.as_bytes());
        rest = after;
    }
    body.extend_from_slice(rest);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_from_its_frame_and_its_records() {
        let body = br#"{"data":[{"a":1.0},{"a":"\u0000"}],"error":false}"#;
        let text = std::str::from_utf8(body).expect("is text");
        let spans: Vec<RecordSpan> = [(9, 18), (19, 33)]
            .into_iter()
            .map(|(start, end)| RecordSpan {
                stream: "s".into(),
                key: start.to_string(),
                parent_key: None,
                start,
                end,
            })
            .collect();
        let cut = frame(body, &spans);
        assert_eq!(cut, br#"{"data":[,],"error":false}"#);
        let mut records = [(19, &text[19..33]), (9, &text[9..18])];
        assert_eq!(rebuild(&cut, &mut records), body);
    }
}
