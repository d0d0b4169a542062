//! One segment of a journal: some exchanges with their bodies, as one Arrow file.
//!
//! What opening a journal needs stands in columns of its own, so that it reads neither exchanges
//! nor bodies. Which segments there are, and who may write the next, is the journal's.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use bytes::Bytes;
use kernel::{Fault, Result, SnapshotId};

use crate::exchange::Exchange;
use crate::{Warehouse, layout};

/// The first columns of a segment: what opening a journal reads of it.
pub(crate) const INDEX_COLUMNS: Range<usize> = 0..2;

/// A segment is written once, read once and removed, so speed counts for more than size. Of 636-byte
/// records, LZ4 takes 673 MB/s to write and 2,051 to read at a ratio of 3.3; Zstandard takes 381
/// and 1,144 at 6.2.
const CODEC: CompressionType = CompressionType::LZ4_FRAME;

/// Columns of a segment. `answers` is the question that the exchange settles, if it does; the day
/// of the call counts towards its quota.
fn schema(writer: &str) -> SchemaRef {
    let columns = vec![
        Field::new("answers", DataType::Utf8, true),
        Field::new("called_on", DataType::Int64, true),
        Field::new("exchange", DataType::Utf8, false),
        Field::new("body", DataType::Binary, false),
    ];
    let metadata = [("writer".to_owned(), writer.to_owned())];
    Arc::new(Schema::new_with_metadata(columns, metadata.into()))
}

/// A segment as it is stored.
pub(crate) fn encode(rows: &[(Exchange, Bytes)], writer: &str) -> Result<Vec<u8>> {
    let bug = |error: &dyn std::fmt::Display| Fault::bug(format!("journal segment: {error}"));
    let texts: std::result::Result<Vec<String>, _> =
        rows.iter().map(|(exchange, _)| serde_json::to_string(exchange)).collect();
    let texts = texts.map_err(|error| bug(&error))?;
    let settles = |exchange: &Exchange| exchange.is_answer.then(|| exchange.request_key.clone());
    let answers: StringArray = rows.iter().map(|(exchange, _)| settles(exchange)).collect();
    let days: Int64Array = rows.iter().map(|(exchange, _)| called_on(exchange)).collect();
    let bodies: BinaryArray = rows.iter().map(|(_, body)| Some(body.as_ref())).collect();
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(answers),
        Arc::new(days),
        Arc::new(StringArray::from(texts)),
        Arc::new(bodies),
    ];
    let schema = schema(writer);
    let batch = RecordBatch::try_new(schema.clone(), columns).map_err(|error| bug(&error))?;
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CODEC))
        .map_err(|error| bug(&error))?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &schema, options)
        .map_err(|error| bug(&error))?;
    writer.write(&batch).map_err(|error| bug(&error))?;
    writer.into_inner().map_err(|error| bug(&error))
}

/// Reads a segment, or some of its columns; the others are not decoded.
pub(crate) async fn read(
    warehouse: &Warehouse,
    id: &SnapshotId,
    number: u64,
    columns: Option<Range<usize>>,
) -> Result<RecordBatch> {
    let path = layout::journal_segment(id, number);
    let damaged = || {
        Fault::data(format!("segment {number} of the extraction {id} in progress is damaged"))
            .hint("remove it and all later segments; what they held is fetched again")
    };
    let body = warehouse.get(&path).await?.ok_or_else(damaged)?;
    let columns = columns.map(Vec::from_iter);
    let mut reader = FileReader::try_new(std::io::Cursor::new(body), columns)
        .map_err(|error| damaged().because(error))?;
    let batch = reader.next().ok_or_else(damaged)?;
    batch.map_err(|error| damaged().because(error))
}

/// The exchange in a row of a segment.
pub(crate) fn exchange_at(batch: &RecordBatch, row: usize) -> Result<Exchange> {
    let text = batch.column(2).as_string::<i32>().value(row);
    serde_json::from_str(text)
        .map_err(|error| Fault::data("an exchange in the journal is damaged").because(error))
}

/// The body in a row of a segment; it shares the segment's memory.
pub(crate) fn body_at(batch: &RecordBatch, row: usize) -> Bytes {
    let bodies = batch.column(3).as_binary::<i32>();
    let (from, to) = (bodies.value_offsets()[row] as usize, bodies.value_offsets()[row + 1]);
    Bytes::from_owner(Shared(bodies.values().clone())).slice(from..to as usize)
}

/// Memory of a batch that the bodies cut from it share.
struct Shared(Buffer);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The UTC day of a call to the API, in days since 1970; none for a file.
pub(crate) fn called_on(exchange: &Exchange) -> Option<i64> {
    exchange.download.is_none().then(|| exchange.started_at.day())
}
