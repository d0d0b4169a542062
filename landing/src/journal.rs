//! An extraction in progress: every reply, durable soon after it came, outside the snapshot.
//!
//! The journal is a sequence of numbered segments, each created only if absent, so that a second
//! extraction of the same snapshot loses the race for a number and stops. Whoever resumes asks the
//! journal first: a question that was answered before is not asked again.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use kernel::{Clock, Fault, Instant, Result, SnapshotId};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::exchange::{Arrived, Exchange, sha256, short_hash};
use crate::lease::Lease;
use crate::segment::{self, INDEX_COLUMNS, arrived_at, called_on};
use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Bytes of replies that are gathered before they are written, whatever the clock says.
const SEGMENT_BYTES_MAX: usize = 8 << 20;
/// Segments read at a time when a journal is opened; each is smaller than the bound above.
const INDEX_READS: usize = 8;
/// How long another extraction may go without a sign of life, in real time.
const LEASE_PATIENCE: Duration = Duration::from_secs(3);
/// Looks at the bound for each time that it allows; see [`Journal::flush_if_due`].
const LOOKS_PER_FLUSH: u64 = 4;

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
    lease: Option<Lease>,
    /// Named in every segment, so that a segment is known for one's own.
    writer: String,
    /// Where the answer to a question lies, by the question's short hash: segment number and row.
    answers: HashMap<u64, (u64, usize)>,
    /// The segment that was read last; replays read in about the order of writing.
    cached: Option<(u64, RecordBatch)>,
    /// What goes into the next segment that is begun.
    pending: Vec<Arrived>,
    pending_bytes: usize,
    /// When the first of what is pending was noted.
    pending_since: Instant,
    /// The segment being written. It stays here, the same bytes under the same number, until the
    /// store has it, also when a write fails or is cancelled.
    writing: Option<Segment>,
    segment_next: u64,
    exchange_next: i64,
    resumed: u64,
    /// Calls to the API by day, counted in days since 1970 in UTC; files do not count.
    calls_by_day: BTreeMap<i64, u64>,
}

struct Segment {
    rows: Vec<Arrived>,
    body: Bytes,
}

impl Journal {
    /// Opens the extraction in progress of `platform`, or begins one with the next free number.
    /// Takes about three seconds where an earlier process did not close it.
    ///
    /// # Errors
    /// `FixConfig` when an extraction in progress was begun with another account or other
    /// settings, or when the store overwrites instead of refusing. `Refused` when another process
    /// is at work on the same extraction.
    pub async fn open(
        warehouse: &Warehouse,
        platform: &str,
        start: Start,
        clock: Arc<dyn Clock>,
        flush_ms: u64,
    ) -> Result<Self> {
        warehouse.probe().await?;
        let (id, lease) = take_lease(warehouse, platform).await?;
        let begun = match begin(warehouse, &id, start).await {
            Ok(begun) => begun,
            Err(fault) => {
                lease.release().await?;
                return Err(fault);
            }
        };
        let mut journal = Self {
            warehouse: warehouse.clone(),
            id,
            start: begun,
            pending_since: clock.now(),
            clock,
            flush_ms,
            writer: lease.owner().to_owned(),
            lease: Some(lease),
            answers: HashMap::new(),
            cached: None,
            pending: Vec::new(),
            pending_bytes: 0,
            writing: None,
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
        self.calls_by_day.get(&moment.day()).copied().unwrap_or(0)
    }

    /// The answer to a question, when it was answered before.
    pub async fn answer(&mut self, request_key: &str) -> Result<Option<(Exchange, Bytes)>> {
        let Some((number, row)) = self.answers.get(&short_hash(request_key)).copied() else {
            return Ok(None);
        };
        let found = self.noted_at(number, row).await?;
        // Of two questions with the same short hash, the earlier one is simply asked again.
        let found = found.filter(|found| found.exchange.request_key == request_key);
        Ok(found.map(|found| (found.exchange, found.body)))
    }

    async fn noted_at(&mut self, number: u64, row: usize) -> Result<Option<Arrived>> {
        if number == self.pending_number() {
            return Ok(self.pending.get(row).cloned());
        }
        if let Some(writing) = self.writing.as_ref().filter(|_| number == self.segment_next) {
            return Ok(writing.rows.get(row).cloned());
        }
        if self.cached.as_ref().is_none_or(|(cached, _)| *cached != number) {
            let batch = segment::read(&self.warehouse, &self.id, number, None).await?;
            self.cached = Some((number, batch));
        }
        let (_, batch) = self.cached.as_ref().expect("was just read");
        arrived_at(batch, row).map(Some)
    }

    /// Notes an exchange; it is durable within the bound that the journal was opened with, as long
    /// as [`keep_durable`] is at work.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub async fn note(&mut self, mut exchange: Exchange, body: Bytes) -> Result<()> {
        exchange.id = self.exchange_next;
        self.exchange_next += 1;
        if let Some(day) = called_on(&exchange) {
            *self.calls_by_day.entry(day).or_default() += 1;
        }
        if exchange.is_answer {
            let place = (self.pending_number(), self.pending.len());
            self.answers.insert(short_hash(&exchange.request_key), place);
        }
        if self.pending.is_empty() {
            self.pending_since = self.clock.now();
        }
        self.pending_bytes += body.len();
        self.pending.push(Arrived::new(exchange, body));
        if self.pending_bytes >= SEGMENT_BYTES_MAX {
            return self.flush().await;
        }
        self.flush_if_due().await
    }

    /// Stores the bytes of a file, once per content, and says what they are.
    pub async fn store_file(&self, body: Bytes) -> Result<(String, Option<String>)> {
        let hash = sha256(&body);
        let sniffed = infer::get(&body).map(|kind| kind.mime_type().to_owned());
        self.warehouse.put_if_absent(&layout::extracting_file(&self.id, &hash), body).await?;
        Ok((hash, sniffed))
    }

    /// Makes what was noted durable where it would otherwise wait longer than the bound allows
    /// before somebody asks again, which [`keep_durable`] does several times within the bound.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub async fn flush_if_due(&mut self) -> Result<()> {
        let now = self.clock.now();
        let waited_ms = self.clock.machine_ms(now.ms_since(self.pending_since));
        // A clock that was set back says nothing about how long it was.
        let is_late = waited_ms + self.look_ms() >= self.flush_ms || now < self.pending_since;
        if self.writing.is_some() || (is_late && !self.pending.is_empty()) {
            self.flush().await?;
        }
        Ok(())
    }

    /// Makes everything noted so far durable. Calling it again after it failed, or was cancelled,
    /// goes on with the same segment.
    ///
    /// # Errors
    /// `Refused` when another extraction of the same snapshot wrote in between, `Retry` when the
    /// store fails.
    pub async fn flush(&mut self) -> Result<()> {
        if self.lease.as_ref().is_some_and(Lease::is_lost) {
            return Err(another_writer(&self.id));
        }
        self.write_segment().await?;
        if !self.pending.is_empty() {
            let body = segment::encode(&self.pending, &self.writer)?.into();
            self.writing = Some(Segment { rows: std::mem::take(&mut self.pending), body });
            self.pending_bytes = 0;
            self.write_segment().await?;
        }
        Ok(())
    }

    /// Flushes and lets go, so that whoever resumes does not have to wait. To be called where an
    /// extraction stops before its seal.
    ///
    /// # Errors
    /// As [`Journal::flush`].
    pub async fn close(mut self) -> Result<()> {
        let flushed = self.flush().await;
        self.release().await?;
        flushed
    }

    /// Lets go of the extraction. The seal calls it before it clears the extraction away.
    pub(crate) async fn release(&mut self) -> Result<()> {
        match self.lease.take() {
            Some(lease) => lease.release().await,
            None => Ok(()),
        }
    }

    /// Numbers of the segments written so far.
    pub(crate) fn segments(&self) -> Range<u64> {
        1..self.segment_next
    }

    /// What a segment holds.
    pub(crate) async fn segment(&self, number: u64) -> Result<Vec<Arrived>> {
        let batch = segment::read(&self.warehouse, &self.id, number, None).await?;
        (0..batch.num_rows()).map(|row| arrived_at(&batch, row)).collect()
    }

    pub(crate) fn warehouse(&self) -> &Warehouse {
        &self.warehouse
    }

    /// The number of the segment that what is pending will lie in.
    fn pending_number(&self) -> u64 {
        self.segment_next + u64::from(self.writing.is_some())
    }

    /// How long until somebody looks at the bound again, in milliseconds.
    fn look_ms(&self) -> u64 {
        (self.flush_ms / LOOKS_PER_FLUSH).max(1)
    }

    async fn write_segment(&mut self) -> Result<()> {
        let Some(segment) = &self.writing else { return Ok(()) };
        let path = layout::journal_segment(&self.id, self.segment_next);
        if !self.warehouse.put_if_absent(&path, segment.body.clone()).await? {
            // An earlier try may have arrived although its reply was lost.
            let found = self.warehouse.get(&path).await?;
            if found.as_ref() != Some(&segment.body) {
                return Err(another_writer(&self.id));
            }
        }
        self.writing = None;
        self.segment_next += 1;
        Ok(())
    }

    async fn index(&mut self) -> Result<()> {
        let found = self.warehouse.list(&layout::journal(&self.id)).await?;
        self.segment_next = found.len() as u64 + 1;
        let (warehouse, id) = (self.warehouse.clone(), self.id.clone());
        let read = |number| {
            let (warehouse, id) = (&warehouse, &id);
            async move {
                let batch = segment::read(warehouse, id, number, Some(INDEX_COLUMNS)).await?;
                Ok::<_, Fault>((number, batch))
            }
        };
        let mut batches = futures::stream::iter(self.segments()).map(read).buffered(INDEX_READS);
        while let Some((number, batch)) = batches.try_next().await? {
            self.index_segment(number, &batch);
        }
        Ok(())
    }

    fn index_segment(&mut self, number: u64, batch: &RecordBatch) {
        let answers = batch.column(0).as_string::<i32>().iter();
        for (row, key) in answers.enumerate().filter_map(|(row, key)| Some((row, key?))) {
            self.answers.insert(short_hash(key), (number, row));
        }
        for day in batch.column(1).as_primitive::<Int64Type>().iter().flatten() {
            *self.calls_by_day.entry(day).or_default() += 1;
        }
        // Every exchange is numbered in the order in which it was noted, from 1.
        self.exchange_next += batch.num_rows() as i64;
        self.resumed += batch.num_rows() as u64;
    }
}

/// Does some work and, all the while, keeps what it notes durable within the journal's bound, also
/// while the work waits for a slow server.
///
/// # Errors
/// Those of the work, and those of [`Journal::flush`], which end it.
pub async fn keep_durable<T>(
    journal: &Mutex<Journal>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let look = Duration::from_millis(journal.lock().await.look_ms());
    let flushing = async {
        loop {
            tokio::time::sleep(look).await;
            if let Err(fault) = journal.lock().await.flush_if_due().await {
                return fault;
            }
        }
    };
    tokio::select! {
        done = work => done,
        fault = flushing => Err(fault),
    }
}

/// Chooses the snapshot to work on and keeps everybody else away from it.
async fn take_lease(warehouse: &Warehouse, platform: &str) -> Result<(SnapshotId, Lease)> {
    loop {
        let id = match in_progress(warehouse, platform).await? {
            Some(id) => id,
            None => next_id(warehouse, platform).await?,
        };
        let what = format!("extraction of {id}");
        let lease = Lease::take(warehouse, layout::lease(&id), &what, LEASE_PATIENCE).await?;
        if !crate::snapshot::is_sealed(warehouse, &id).await? {
            return Ok((id, lease));
        }
        // Whoever held the lease has sealed it in the meantime.
        lease.release().await?;
    }
}

/// Notes what an extraction is begun with, or reads what it was begun with.
async fn begin(warehouse: &Warehouse, id: &SnapshotId, start: Start) -> Result<Start> {
    let path = layout::extracting_start(id);
    if warehouse.put_if_absent(&path, json_text(&start)?).await? {
        return Ok(start);
    }
    let begun = warehouse.get_json(&path).await?.ok_or_else(|| another_writer(id))?;
    check_same(id, &begun, &start)?;
    Ok(begun)
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
