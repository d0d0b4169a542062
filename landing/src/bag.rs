//! Sealing: a journal becomes a snapshot, which is a BagIt bag (RFC 8493) and never changes again.
//!
//! The payload is what lies below `data/`. The tag manifest is written last and makes the snapshot
//! exist: a folder without one is a seal that was interrupted and is simply done over.

mod tags;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::{Stream, StreamExt, TryStreamExt};
use kernel::{Fault, Instant, Result, SnapshotId};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::exchange::{
    Arrived, Deletion, Exchange, RecordRows, deletions_batch, deletions_schema, downloads_batch,
    downloads_schema, exchanges_batch, exchanges_schema, records_schema, short_hash,
};
use crate::journal::{Journal, Start};
use crate::segment::called_on;
use crate::snapshot::{
    FORMAT, Gap, INNER_TABLES, SnapshotFacts, StreamFacts, fingerprint, is_sealed,
};
use crate::table::shape::{Kind, ROW_GROUP_ROWS, Shape};
use crate::table::{BATCH_ROWS, Piece, TableWriter, Written};
use crate::warehouse::io;
use crate::{Warehouse, layout};

/// Rows in one part of a table.
const PART_ROWS_MAX: u64 = 1_000_000;
/// Bytes of records gathered for a stream before they are handed to the encoder.
const GATHERED_BYTES_MAX: usize = 8 << 20;

/// Columns of the tables of a bag that a dictionary gains nothing for.
const COLUMNS: [(&str, Kind); 13] = [
    ("raw", Kind::Long),
    ("raw_bytes", Kind::Long),
    ("frame", Kind::Long),
    ("key", Kind::Key),
    ("parent_key", Kind::Key),
    ("request_key", Kind::Key),
    ("url", Kind::Key),
    ("sha256", Kind::Random),
    ("body_sha256", Kind::Random),
    ("exchange_id", Kind::Number),
    ("ordinal", Kind::Number),
    ("offset", Kind::Number),
    ("fetched_at", Kind::Number),
];

/// What the extraction knows about a snapshot besides its journal.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// Every stream that was asked for, also those that brought nothing.
    pub streams: Vec<String>,
    /// Those of them of which no record is missing.
    pub complete: BTreeSet<String>,
    /// What could not be read, and why.
    pub gaps: Vec<Gap>,
    /// What shows that nothing is missing, in sentences.
    pub evidence: Vec<String>,
    /// What cannot be proven, in sentences.
    pub unproven: Vec<String>,
    /// What was left out on purpose: by name of the filter, its value.
    pub filters: BTreeMap<String, String>,
    /// Version of the program.
    pub tool: String,
    /// The snapshot that this one is a delta to.
    pub parent: Option<SnapshotId>,
    /// Records of the parent and its ancestors that are no longer at the source.
    pub deletions: Vec<Deletion>,
}

/// How the tables of a bag are cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) group_rows: usize,
    pub(crate) part_rows: u64,
    /// Bytes of records gathered for a stream before they are handed to the encoder.
    pub(crate) gathered_bytes: usize,
}

impl Default for Cut {
    fn default() -> Self {
        Self {
            group_rows: ROW_GROUP_ROWS,
            part_rows: PART_ROWS_MAX,
            gathered_bytes: GATHERED_BYTES_MAX,
        }
    }
}

/// Seals an extraction that has come to its end.
///
/// # Errors
/// `Retry` when the store fails; sealing again is safe. `Refused` when it was sealed before.
/// `FixConfig` when a stream has the name of an inner table, or the parent is not sealed.
pub async fn seal(journal: &mut Journal, closing: Closing, now: Instant) -> Result<SnapshotFacts> {
    seal_cut(journal, closing, now, Cut::default()).await
}

/// Like [`seal`], with tables that are cut in another way.
pub(crate) async fn seal_cut(
    journal: &mut Journal,
    closing: Closing,
    now: Instant,
    cut: Cut,
) -> Result<SnapshotFacts> {
    journal.flush().await?;
    let id = journal.id().clone();
    let warehouse = journal.warehouse().clone();
    let segments = futures::stream::iter(journal.segments()).then(|n| journal.segment(n));
    let bag = Bag::new(&warehouse, &id, cut);
    let facts = bag.seal(journal.start(), segments, closing, now).await?;
    journal.release().await?;
    warehouse.remove_all(&layout::extracting(&id)).await?;
    Ok(facts)
}

/// Seals what comes from memory, exchanges in the order of their ids, as [`seal`] seals a journal.
/// For the bench, which measures it apart from the journal.
///
/// # Errors
/// As [`seal`], and those of the stream.
#[doc(hidden)]
pub async fn seal_arrived(
    warehouse: &Warehouse,
    id: &SnapshotId,
    start: &Start,
    arrived: impl Stream<Item = Result<Vec<Arrived>>>,
    now: Instant,
) -> Result<SnapshotFacts> {
    let bag = Bag::new(warehouse, id, Cut::default());
    bag.seal(start, arrived, Closing::default(), now).await
}

/// A bag being filled.
struct Bag<'a> {
    warehouse: &'a Warehouse,
    id: &'a SnapshotId,
    cut: Cut,
    streams: BTreeMap<String, StreamRows>,
    exchanges: Parts,
    downloads: Parts,
    deletions: Parts,
    downloaded: HashSet<String>,
    exchange_count: u64,
    calls_by_day: BTreeMap<i64, u64>,
    body_bytes: u64,
    payload: Payload,
}

struct StreamRows {
    rows: RecordRows,
    parts: Parts,
    /// The short hash of each record's key: to count distinct keys needs no texts.
    keys: Vec<u64>,
    changes: BTreeMap<String, u64>,
}

/// What lies below `data/`.
#[derive(Default)]
struct Payload {
    /// SHA-256 by name, for the payload manifest.
    hashes: BTreeMap<String, String>,
    /// Row groups and footer of each table's part, by name.
    pieces: BTreeMap<String, Vec<Piece>>,
    files: u64,
    bytes: u64,
}

impl Payload {
    fn add_parts(&mut self, parts: Vec<(String, Written)>) {
        for (name, written) in parts {
            self.bytes += written.bytes;
            self.pieces.insert(name.clone(), written.pieces);
            self.hashes.insert(name, written.sha256);
        }
    }
}

impl StreamRows {
    fn new(id: &SnapshotId, stream: &str, cut: Cut) -> Self {
        Self {
            rows: RecordRows::new(&id.platform, stream),
            parts: Parts::new(id, stream, cut),
            keys: Vec::new(),
            changes: BTreeMap::new(),
        }
    }

    fn push(&mut self, exchange: &Exchange, place: usize, raw: &[u8]) {
        let span = &exchange.records[place];
        self.keys.push(short_hash(&span.key));
        if let Some(change) = &span.change {
            *self.changes.entry(change.clone()).or_default() += 1;
        }
        self.rows.push(exchange, place, raw);
    }
}

impl<'a> Bag<'a> {
    fn new(warehouse: &'a Warehouse, id: &'a SnapshotId, cut: Cut) -> Self {
        Self {
            warehouse,
            id,
            cut,
            streams: BTreeMap::new(),
            exchanges: Parts::new(id, "exchanges", cut),
            downloads: Parts::new(id, "downloads", cut),
            deletions: Parts::new(id, "deletions", cut),
            downloaded: HashSet::new(),
            exchange_count: 0,
            calls_by_day: BTreeMap::new(),
            body_bytes: 0,
            payload: Payload::default(),
        }
    }

    async fn seal(
        mut self,
        start: &Start,
        arrived: impl Stream<Item = Result<Vec<Arrived>>>,
        closing: Closing,
        now: Instant,
    ) -> Result<SnapshotFacts> {
        let (warehouse, id) = (self.warehouse, self.id);
        if is_sealed(warehouse, id).await? {
            return Err(sealed_before(id));
        }
        let parent_sha256 = match &closing.parent {
            Some(parent) => Some(fingerprint(warehouse, parent).await?),
            None => None,
        };
        warehouse.remove_all(&layout::snapshot(id)).await?;
        let mut arrived = std::pin::pin!(arrived);
        while let Some(rows) = arrived.try_next().await? {
            self.add(&rows).await?;
        }
        self.delete(&closing.deletions).await?;
        self.copy_files().await?;
        let facts = self.facts(start, closing, parent_sha256, now)?;
        self.close(&facts).await?;
        warehouse.protect(&layout::snapshot(id)).await?;
        Ok(facts)
    }

    async fn add(&mut self, rows: &[Arrived]) -> Result<()> {
        for Arrived { exchange, body, .. } in rows {
            self.exchange_count += 1;
            if let Some(day) = called_on(exchange) {
                *self.calls_by_day.entry(day).or_default() += 1;
            }
            self.body_bytes += body.len() as u64;
            for place in 0..exchange.records.len() {
                self.add_record(exchange, place, body).await?;
            }
        }
        let files: Vec<&Exchange> = rows
            .iter()
            .map(|row| &row.exchange)
            .filter(|exchange| {
                let url = exchange.download.as_ref().map(|file| file.url.clone());
                exchange.is_answer && url.is_some_and(|url| self.downloaded.insert(url))
            })
            .collect();
        if !files.is_empty() {
            self.downloads.write(self.warehouse, downloads_batch(&files)).await?;
        }
        self.exchanges.write(self.warehouse, exchanges_batch(rows)?).await
    }

    async fn add_record(&mut self, exchange: &Exchange, place: usize, body: &[u8]) -> Result<()> {
        let span = &exchange.records[place];
        let raw = body.get(span.start..span.end).ok_or_else(|| {
            Fault::bug(format!("a record of {} lies outside its body", span.stream))
        })?;
        let rows = match self.streams.get_mut(&span.stream) {
            Some(rows) => rows,
            None => {
                check_name(&span.stream)?;
                let rows = StreamRows::new(self.id, &span.stream, self.cut);
                self.streams.entry(span.stream.clone()).or_insert(rows)
            }
        };
        rows.push(exchange, place, raw);
        if rows.rows.len() >= BATCH_ROWS || rows.rows.bytes() >= self.cut.gathered_bytes {
            rows.parts.write(self.warehouse, rows.rows.take()).await?;
        }
        Ok(())
    }

    async fn delete(&mut self, deletions: &[Deletion]) -> Result<()> {
        if !deletions.is_empty() {
            self.deletions.write(self.warehouse, deletions_batch(deletions)).await?;
        }
        Ok(())
    }

    async fn copy_files(&mut self) -> Result<()> {
        let folder = layout::extracting_files(self.id);
        let store = self.warehouse.store();
        let mut found = store.list(Some(&folder));
        while let Some(from) = found.try_next().await.map_err(|error| io("list", &folder, error))? {
            let hash = from.location.filename().expect("a listed object has a name").to_owned();
            self.warehouse.copy(&from.location, &layout::file(self.id, &hash)).await?;
            self.payload.files += 1;
            self.payload.bytes += from.size;
            self.payload.hashes.insert(format!("data/files/{hash}"), hash);
        }
        Ok(())
    }

    fn facts(
        &mut self,
        start: &Start,
        closing: Closing,
        parent_sha256: Option<String>,
        now: Instant,
    ) -> Result<SnapshotFacts> {
        Ok(SnapshotFacts {
            format: FORMAT,
            id: self.id.clone(),
            parent_sha256,
            account: start.account.clone(),
            started_at: start.started_at.to_seconds_text(),
            sealed_at: now.to_seconds_text(),
            question_sha256: start.question_sha256.clone(),
            exchanges: self.exchange_count,
            calls_by_day: self
                .calls_by_day
                .iter()
                .map(|(day, calls)| (Instant::start_of_day(*day).to_date_text(), *calls))
                .collect(),
            body_bytes: self.body_bytes,
            files: self.payload.files,
            streams: self.stream_facts(&closing)?,
            tool: closing.tool,
            parent: closing.parent,
            gaps: closing.gaps,
            evidence: closing.evidence,
            unproven: closing.unproven,
            filters: closing.filters,
        })
    }

    fn stream_facts(&mut self, closing: &Closing) -> Result<BTreeMap<String, StreamFacts>> {
        let mut streams: BTreeMap<String, StreamFacts> = BTreeMap::new();
        for name in &closing.streams {
            check_name(name)?;
            streams.entry(name.clone()).or_default();
        }
        for (name, rows) in &mut self.streams {
            let facts = streams.entry(name.clone()).or_default();
            facts.records = rows.keys.len() as u64;
            rows.keys.sort_unstable();
            rows.keys.dedup();
            facts.keys = rows.keys.len() as u64;
            facts.changes.clone_from(&rows.changes);
        }
        for row in &closing.deletions {
            let facts = streams.entry(row.stream.clone()).or_default();
            *facts.changes.entry("deleted".to_owned()).or_default() += 1;
        }
        for (name, facts) in &mut streams {
            facts.complete = closing.complete.contains(name);
        }
        Ok(streams)
    }

    async fn close(mut self, facts: &SnapshotFacts) -> Result<()> {
        for (_, mut rows) in std::mem::take(&mut self.streams) {
            rows.parts.write(self.warehouse, rows.rows.take()).await?;
            self.payload.add_parts(rows.parts.finish().await?);
        }
        for parts in [self.deletions, self.downloads, self.exchanges] {
            self.payload.add_parts(parts.finish().await?);
        }
        tags::write(self.warehouse, self.id, &self.payload, facts).await
    }
}

fn sealed_before(id: &SnapshotId) -> Fault {
    Fault::refused(format!("{id} is sealed and stays as it is"))
        .hint("another extraction has sealed it; run this again for a new one")
}

/// The parts of one table of a bag: `data/<table>/part-*.parquet`.
struct Parts {
    table: String,
    id: SnapshotId,
    cut: Cut,
    open: Option<(String, TableWriter)>,
    done: Vec<(String, Written)>,
}

impl Parts {
    fn new(id: &SnapshotId, table: &str, cut: Cut) -> Self {
        Self { table: table.to_owned(), id: id.clone(), cut, open: None, done: Vec::new() }
    }

    async fn write(&mut self, warehouse: &Warehouse, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if self.open.is_none() {
            self.open = Some(self.begin(warehouse)?);
        }
        let (_, writer) = self.open.as_mut().expect("was just opened");
        writer.write(batch).await?;
        if writer.rows() >= self.cut.part_rows {
            self.close_part().await?;
        }
        Ok(())
    }

    fn begin(&self, warehouse: &Warehouse) -> Result<(String, TableWriter)> {
        let name = format!("data/{}/part-{:05}.parquet", self.table, self.done.len());
        let path: Path = layout::in_snapshot(&self.id, &name);
        let shape = Shape { group_rows: self.cut.group_rows, columns: &COLUMNS };
        let writer = TableWriter::begin(warehouse.store(), &path, schema_of(&self.table), shape)?;
        Ok((name, writer))
    }

    async fn close_part(&mut self) -> Result<()> {
        if let Some((name, writer)) = self.open.take() {
            self.done.push((name, writer.finish().await?));
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<(String, Written)>> {
        self.close_part().await?;
        Ok(self.done)
    }
}

fn schema_of(table: &str) -> SchemaRef {
    match table {
        "deletions" => deletions_schema(),
        "downloads" => downloads_schema(),
        "exchanges" => exchanges_schema(),
        _ => records_schema(),
    }
}

fn check_name(stream: &str) -> Result<()> {
    if INNER_TABLES.contains(&stream) {
        return Err(Fault::config(format!("no stream may be called {stream:?}"))
            .hint("a snapshot has a table of its own of that name; rename the stream"));
    }
    Ok(())
}
