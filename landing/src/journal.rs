//! An extraction in progress: every reply, durable soon after it came, outside the snapshot.
//!
//! The journal is a sequence of numbered segments, each created only if absent, so that a second
//! extraction of the same snapshot loses the race for a number and stops. Whoever resumes asks the
//! journal first: a question that was answered before is not asked again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::CompressionType;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use bytes::Bytes;
use kernel::{Clock, Fault, Instant, Result, SnapshotId};
use serde::{Deserialize, Serialize};

use crate::exchange::{Exchange, sha256};
use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Bytes of replies that are gathered before they are written, whatever the clock says.
const SEGMENT_BYTES_MAX: usize = 8 << 20;

/// What an extraction was begun with; it must be resumed with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Version of this format.
    pub format: u32,
    /// The account, as the source names it.
    pub account: String,
    /// SHA-256 of manifest and settings that decide what is asked.
    pub question_sha256: String,
    /// When it began.
    pub started_at: Instant,
}

/// The journal of one extraction.
pub struct Journal {
    warehouse: Warehouse,
    id: SnapshotId,
    start: Start,
    clock: Arc<dyn Clock>,
    flush_ms: u64,
    /// Where the answer to a question lies: segment number and row.
    answers: HashMap<String, (u64, usize)>,
    /// The segment that was read last; replays read in about the order of writing.
    cached: Option<(u64, RecordBatch)>,
    pending: Vec<(Exchange, Bytes)>,
    pending_bytes: usize,
    flushed_at: Instant,
    segment_next: u64,
    exchange_next: i64,
    resumed: u64,
    /// Calls to the API by day, counted in days since 1970 in UTC; files do not count.
    calls_by_day: BTreeMap<i64, u64>,
}

impl Journal {
    /// Opens the extraction in progress of `platform`, or begins one with the next free number.
    ///
    /// # Errors
    /// `FixConfig` when an extraction in progress was begun with another account or other
    /// settings.
    pub async fn open(
        warehouse: &Warehouse,
        platform: &str,
        start: Start,
        clock: Arc<dyn Clock>,
        flush_ms: u64,
    ) -> Result<Self> {
        let id = match in_progress(warehouse, platform).await? {
            Some(id) => id,
            None => next_id(warehouse, platform).await?,
        };
        let path = layout::extracting_start(&id);
        let mut begun = start.clone();
        if !warehouse.put_if_absent(&path, json_text(&start)?).await? {
            begun = warehouse.get_json(&path).await?.ok_or_else(|| another_writer(&id))?;
            check_same(&id, &begun, &start)?;
        }
        let now = clock.now();
        let mut journal = Self {
            warehouse: warehouse.clone(),
            id,
            start: begun,
            clock,
            flush_ms,
            answers: HashMap::new(),
            cached: None,
            pending: Vec::new(),
            pending_bytes: 0,
            flushed_at: now,
            segment_next: 1,
            exchange_next: 1,
            resumed: 0,
            calls_by_day: BTreeMap::new(),
        };
        journal.index().await?;
        Ok(journal)
    }

    /// The snapshot that this will become.
    pub fn id(&self) -> &SnapshotId {
        &self.id
    }

    /// What the extraction was begun with.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// Exchanges that were there when it was opened.
    pub fn resumed(&self) -> u64 {
        self.resumed
    }

    /// Calls made to the API on the UTC day of `moment`, also by earlier processes.
    pub fn calls_on_day_of(&self, moment: Instant) -> u64 {
        self.calls_by_day.get(&day_of(moment)).copied().unwrap_or(0)
    }

    /// The answer to a question, when it was answered before.
    pub async fn answer(&mut self, request_key: &str) -> Result<Option<(Exchange, Bytes)>> {
        let Some((segment, row)) = self.answers.get(request_key).copied() else {
            return Ok(None);
        };
        if segment == self.segment_next {
            return Ok(self.pending.get(row).cloned());
        }
        if self.cached.as_ref().is_none_or(|(number, _)| *number != segment) {
            self.cached = Some((segment, read_segment(&self.warehouse, &self.id, segment).await?));
        }
        let (_, batch) = self.cached.as_ref().expect("was just read");
        Ok(Some(exchange_at(batch, row)?))
    }

    /// Notes an exchange; it is durable within the bound that the journal was opened with.
    pub async fn note(&mut self, mut exchange: Exchange, body: Bytes) -> Result<()> {
        exchange.id = self.exchange_next;
        self.exchange_next += 1;
        self.count(&exchange);
        if exchange.is_answer {
            let place = (self.segment_next, self.pending.len());
            self.answers.insert(exchange.request_key.clone(), place);
        }
        self.pending_bytes += body.len();
        self.pending.push((exchange, body));
        let is_due = self.clock.now().ms_since(self.flushed_at) >= self.flush_ms;
        if is_due || self.pending_bytes >= SEGMENT_BYTES_MAX {
            self.flush().await?;
        }
        Ok(())
    }

    /// Stores the bytes of a file, once per content, and says what they are.
    pub async fn store_file(&self, body: Bytes) -> Result<(String, Option<String>)> {
        let hash = sha256(&body);
        let sniffed = infer::get(&body).map(|kind| kind.mime_type().to_owned());
        self.warehouse.put_if_absent(&layout::extracting_file(&self.id, &hash), body).await?;
        Ok((hash, sniffed))
    }

    /// Makes everything noted so far durable.
    ///
    /// # Errors
    /// `Refused` when another extraction of the same snapshot wrote in between.
    pub async fn flush(&mut self) -> Result<()> {
        self.flushed_at = self.clock.now();
        if self.pending.is_empty() {
            return Ok(());
        }
        let path = layout::journal_segment(&self.id, self.segment_next);
        let body = encode_segment(&self.pending)?;
        if !self.warehouse.put_if_absent(&path, body).await? {
            return Err(another_writer(&self.id));
        }
        self.segment_next += 1;
        self.pending.clear();
        self.pending_bytes = 0;
        Ok(())
    }

    /// Numbers of the segments written so far.
    pub(crate) fn segments(&self) -> std::ops::Range<u64> {
        1..self.segment_next
    }

    /// The exchanges of a segment.
    pub(crate) async fn segment(&self, number: u64) -> Result<Vec<(Exchange, Bytes)>> {
        let batch = read_segment(&self.warehouse, &self.id, number).await?;
        (0..batch.num_rows()).map(|row| exchange_at(&batch, row)).collect()
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    fn count(&mut self, exchange: &Exchange) {
        if exchange.download.is_none() {
            *self.calls_by_day.entry(day_of(exchange.started_at)).or_default() += 1;
        }
    }

    async fn index(&mut self) -> Result<()> {
        let found = self.warehouse.list(&layout::journal(&self.id)).await?;
        self.segment_next = found.len() as u64 + 1;
        for number in self.segments() {
            for (row, (exchange, _)) in self.segment(number).await?.into_iter().enumerate() {
                self.exchange_next = exchange.id + 1;
                self.resumed += 1;
                self.count(&exchange);
                if exchange.is_answer {
                    self.answers.insert(exchange.request_key, (number, row));
                }
            }
        }
        Ok(())
    }
}

/// The extraction of `platform` that was begun and not sealed, if there is one.
///
/// What an extraction left behind that was stopped between its seal and its clearing away is
/// cleared away now: a sealed snapshot is never sealed again.
pub async fn in_progress(warehouse: &Warehouse, platform: &str) -> Result<Option<SnapshotId>> {
    let folders = warehouse.folders(&layout::extracting_platform(platform)).await?;
    for number in folders.iter().rev().filter_map(|name| name.parse().ok()) {
        let id = SnapshotId { platform: platform.to_owned(), number };
        if crate::snapshot::is_sealed(warehouse, &id).await? {
            warehouse.remove_all(&layout::extracting(&id)).await?;
        } else if warehouse.exists(&layout::extracting_start(&id)).await? {
            // A local store keeps folders that nothing is in; only one with a start is in progress.
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn next_id(warehouse: &Warehouse, platform: &str) -> Result<SnapshotId> {
    let sealed = crate::snapshot::list_of(warehouse, platform).await?;
    let number = sealed.last().map_or(1, |id| id.number + 1);
    Ok(SnapshotId { platform: platform.to_owned(), number })
}

fn day_of(moment: Instant) -> i64 {
    moment.micros().div_euclid(86_400_000_000)
}

fn check_same(id: &SnapshotId, begun: &Start, now: &Start) -> Result<()> {
    if begun.format != now.format {
        return Err(Fault::config(format!(
            "the extraction {id} in progress was begun by another version of deskferry"
        ))
        .hint("finish it with that version, or remove its folder below extracting/"));
    }
    if begun.account != now.account || begun.question_sha256 != now.question_sha256 {
        return Err(Fault::config(format!(
            "the extraction {id} in progress was begun for another account or other settings"
        ))
        .hint("go back to those settings to finish it, or remove its folder below extracting/"));
    }
    Ok(())
}

fn another_writer(id: &SnapshotId) -> Fault {
    Fault::refused(format!("another extraction of {id} is writing to the same warehouse"))
        .hint("let the other one finish; then run this again")
}

fn segment_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("exchange", DataType::Utf8, false),
        Field::new("body", DataType::Binary, false),
    ]))
}

fn encode_segment(rows: &[(Exchange, Bytes)]) -> Result<Vec<u8>> {
    let bug = |error: &dyn std::fmt::Display| Fault::bug(format!("journal segment: {error}"));
    let texts: std::result::Result<Vec<String>, _> =
        rows.iter().map(|(exchange, _)| serde_json::to_string(exchange)).collect();
    let texts = texts.map_err(|error| bug(&error))?;
    let bodies: BinaryArray = rows.iter().map(|(_, body)| Some(body.as_ref())).collect();
    let columns: Vec<Arc<dyn Array>> = vec![Arc::new(StringArray::from(texts)), Arc::new(bodies)];
    let batch = RecordBatch::try_new(segment_schema(), columns).map_err(|error| bug(&error))?;
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::ZSTD))
        .map_err(|error| bug(&error))?;
    let mut writer = FileWriter::try_new_with_options(Vec::new(), &segment_schema(), options)
        .map_err(|error| bug(&error))?;
    writer.write(&batch).map_err(|error| bug(&error))?;
    writer.into_inner().map_err(|error| bug(&error))
}

async fn read_segment(warehouse: &Warehouse, id: &SnapshotId, number: u64) -> Result<RecordBatch> {
    let path = layout::journal_segment(id, number);
    let damaged = || {
        Fault::data(format!("segment {number} of the extraction {id} in progress is damaged"))
            .hint("remove it and all later segments; what they held is fetched again")
    };
    let body = warehouse.get(&path).await?.ok_or_else(damaged)?;
    let mut reader = FileReader::try_new(std::io::Cursor::new(body), None)
        .map_err(|error| damaged().because(error))?;
    let batch = reader.next().ok_or_else(damaged)?;
    batch.map_err(|error| damaged().because(error))
}

fn exchange_at(batch: &RecordBatch, row: usize) -> Result<(Exchange, Bytes)> {
    let text = batch.column(0).as_string::<i32>().value(row);
    let exchange = serde_json::from_str(text)
        .map_err(|error| Fault::data("an exchange in the journal is damaged").because(error))?;
    let body = batch.column(1).as_binary::<i32>().value(row);
    Ok((exchange, Bytes::copy_from_slice(body)))
}
