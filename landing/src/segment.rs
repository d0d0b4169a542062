//! One segment of a journal: some exchanges with their bodies, as one Arrow file.
//!
//! What opening a journal needs stands in columns of its own, so that it reads neither exchanges
//! nor bodies. Which segments there are, and who may write the next, is the journal's.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryBuilder, Int64Array, RecordBatch, StringArray};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use bytes::Bytes;
use kernel::{Fault, Result, SnapshotId};

use crate::exchange::{Arrived, Exchange};
use crate::{Warehouse, layout};

/// The first columns of a segment: what opening a journal reads of it.
pub(crate) const INDEX_COLUMNS: Range<usize> = 0..2;

/// A segment is written once, read once and removed, so speed counts for more than size. Of 636-byte
/// records, LZ4 takes 673 MB/s to write and 2,051 to read at a ratio of 3.3; Zstandard takes 381
/// and 1,144 at 6.2.
const CODEC: CompressionType = CompressionType::LZ4_FRAME;

/// Columns of a segment. `answers` is the question that the exchange settles, if it does; the day
/// of the call counts towards its quota. Length and hash are those that the body arrived with.
fn schema(writer: &str) -> SchemaRef {
    let columns = vec![
        Field::new("answers", DataType::Utf8, true),
        Field::new("called_on", DataType::Int64, true),
        Field::new("exchange", DataType::Utf8, false),
        Field::new("body_bytes", DataType::Int64, false),
        Field::new("body_sha256", DataType::Utf8, false),
        Field::new("body", DataType::Binary, false),
    ];
    let metadata = [("writer".to_owned(), writer.to_owned())];
    Arc::new(Schema::new_with_metadata(columns, metadata.into()))
}

/// A segment as it is stored.
pub(crate) fn encode(rows: &[Arrived], writer: &str) -> Result<Vec<u8>> {
    let bug = |error: &dyn std::fmt::Display| Fault::bug(format!("journal segment: {error}"));
    let settles = |exchange: &Exchange| exchange.is_answer.then(|| exchange.request_key.clone());
    let answers: StringArray = rows.iter().map(|row| settles(&row.exchange)).collect();
    let days: Int64Array = rows.iter().map(|row| called_on(&row.exchange)).collect();
    let texts: std::result::Result<Vec<String>, _> =
        rows.iter().map(|row| serde_json::to_string(&row.exchange)).collect();
    let texts = texts.map_err(|error| bug(&error))?;
    let lengths = Int64Array::from_iter_values(rows.iter().map(|row| row.body.len() as i64));
    let hashes = StringArray::from_iter_values(rows.iter().map(|row| &row.sha256));
    let body_bytes = rows.iter().map(|row| row.body.len()).sum();
    let mut bodies = BinaryBuilder::with_capacity(rows.len(), body_bytes);
    rows.iter().for_each(|row| bodies.append_value(&row.body));
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(answers),
        Arc::new(days),
        Arc::new(StringArray::from(texts)),
        Arc::new(lengths),
        Arc::new(hashes),
        Arc::new(bodies.finish()),
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

/// What arrived, in a row of a segment; the body shares the segment's memory.
///
/// # Errors
/// `FixData` when the body has another length than it arrived with, or a record lies outside it.
pub(crate) fn arrived_at(batch: &RecordBatch, row: usize) -> Result<Arrived> {
    let text = batch.column(2).as_string::<i32>().value(row);
    let exchange: Exchange =
        serde_json::from_str(text).map_err(|error| damaged_exchange(row).because(error))?;
    let body = body_at(batch, row);
    let has_its_length =
        batch.column(3).as_primitive::<Int64Type>().value(row) == body.len() as i64;
    if !has_its_length || exchange.records.iter().any(|span| span.end > body.len()) {
        return Err(damaged_exchange(row));
    }
    let sha256 = batch.column(4).as_string::<i32>().value(row).to_owned();
    Ok(Arrived { exchange, body, sha256 })
}

fn damaged_exchange(row: usize) -> Fault {
    Fault::data(format!("exchange {row} of a segment of the journal is damaged"))
        .hint("remove the extraction's folder below extracting/ and extract again")
}

fn body_at(batch: &RecordBatch, row: usize) -> Bytes {
    let bodies = batch.column(5).as_binary::<i32>();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::{Clock, Instant};

    use super::*;
    use crate::bag::{Closing, seal};
    use crate::exchange::RecordSpan;
    use crate::journal::{Journal, Start};
    use crate::snapshot::verify;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Instant {
            Instant::from_millis(1_700_000_000_000)
        }
    }

    fn reply(number: usize) -> (Exchange, Bytes) {
        let body = Bytes::from(format!("{{\"data\":[{{\"id\":{number}}}]}}"));
        let span = RecordSpan {
            stream: "things".into(),
            key: number.to_string(),
            parent_key: None,
            start: 9,
            end: body.len() - 2,
            change: None,
        };
        let exchange = Exchange {
            id: 0,
            stream: "things".into(),
            request_key: format!("things|{number}"),
            method: "GET".into(),
            url: "https://api.example/things".into(),
            status: 200,
            headers: BTreeMap::new(),
            started_at: Still.now(),
            ended_at: Still.now(),
            attempt: 1,
            is_answer: true,
            records: vec![span],
            download: None,
        };
        (exchange, body)
    }

    async fn open(warehouse: &Warehouse) -> Journal {
        let start = Start {
            format: 1,
            account: "shop".into(),
            question_sha256: "q".into(),
            started_at: Still.now(),
        };
        let clock = Arc::new(Still);
        Journal::open(warehouse, "crisp", start, clock, 1_000).await.expect("opens")
    }

    /// Three replies, the second of which is changed between its arrival and the seal.
    async fn sealed_after(change: impl Fn(&mut Arrived)) -> (Warehouse, Result<SnapshotId>) {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let mut journal = open(&warehouse).await;
        for number in 1..=3 {
            let (exchange, body) = reply(number);
            journal.note(exchange, body).await.expect("is noted");
        }
        journal.flush().await.expect("is flushed");
        let mut rows = journal.segment(1).await.expect("reads");
        change(&mut rows[1]);
        let path = layout::journal_segment(journal.id(), 1);
        let altered = encode(&rows, "somebody else").expect("is encoded");
        warehouse.put(&path, altered).await.expect("is written over");
        let facts = seal(&mut journal, Closing::default(), Still.now()).await;
        (warehouse, facts.map(|facts| facts.id))
    }

    #[tokio::test]
    async fn a_body_that_was_changed_after_it_arrived_is_named() {
        let (warehouse, sealed) = sealed_after(|_| {}).await;
        let verdict = verify(&warehouse, &sealed.expect("is sealed")).await.expect("verifies");
        assert_eq!(verdict.findings, Vec::<String>::new());
        assert_eq!(verdict.bodies, 3);
        let (_, body) = reply(2);
        for at in [0, 14, body.len() - 1] {
            let mut other = body.to_vec();
            other[at] ^= 1;
            let other = Bytes::from(other);
            let (warehouse, sealed) = sealed_after(|row| row.body = other.clone()).await;
            let verdict = verify(&warehouse, &sealed.expect("is sealed")).await.expect("verifies");
            assert_eq!(verdict.findings.len(), 1, "{:?}", verdict.findings);
            assert!(verdict.findings[0].starts_with("exchange 2: "), "{:?}", verdict.findings);
        }
    }

    #[tokio::test]
    async fn records_outside_of_a_body_are_not_sealed() {
        let (warehouse, sealed) = sealed_after(|row| row.body.truncate(12)).await;
        assert_eq!(sealed.expect_err("is refused").kind(), kernel::fault::Kind::FixData);
        let folder = layout::snapshot(&SnapshotId { platform: "crisp".into(), number: 1 });
        assert_eq!(warehouse.list(&folder).await.expect("lists"), []);
    }

    #[tokio::test]
    async fn a_body_of_another_length_than_it_arrived_with_is_refused() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let mut journal = open(&warehouse).await;
        let (exchange, body) = reply(1);
        journal.note(exchange, body.clone()).await.expect("is noted");
        journal.flush().await.expect("is flushed");
        let batch = read(&warehouse, journal.id(), 1, None).await.expect("reads");
        assert_eq!(arrived_at(&batch, 0).expect("is whole").body, body);
        let mut columns = batch.columns().to_vec();
        columns[3] = Arc::new(Int64Array::from(vec![body.len() as i64 + 1]));
        let other = RecordBatch::try_new(batch.schema(), columns).expect("has its columns");
        let fault = arrived_at(&other, 0).expect_err("is refused");
        assert!(fault.to_string().contains("journal is damaged"), "{fault}");
    }
}
