//! Sealing: a journal becomes a snapshot, which is a BagIt bag (RFC 8493) and never changes again.
//!
//! The payload is what lies below `data/`. The tag manifest is written last and makes the snapshot
//! exist: a folder without one is a seal that was interrupted and is simply done over.

use std::collections::{BTreeMap, HashSet};

use arrow::array::RecordBatch;
use bytes::Bytes;
use kernel::{Fault, Instant, Result, SnapshotId};
use object_store::path::Path;

use crate::exchange::{
    Exchange, RecordRows, downloads_batch, downloads_schema, exchanges_batch, exchanges_schema,
    records_schema, sha256,
};
use crate::journal::Journal;
use crate::snapshot::{FORMAT, Gap, SnapshotFacts, StreamFacts, is_sealed};
use crate::table::TableWriter;
use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Rows in one part of a stream.
const PART_ROWS_MAX: u64 = 1_000_000;
/// Bytes of raw text gathered for a stream before they are handed to the encoder.
const ROWS_BYTES_MAX: usize = 4 << 20;

/// What the extraction knows about a snapshot besides its journal.
#[derive(Debug, Clone, Default)]
pub struct Closing {
    /// Every stream that was asked for, also those that brought nothing.
    pub streams: Vec<String>,
    /// What could not be read, and why.
    pub gaps: Vec<Gap>,
    /// What shows that nothing is missing, and what cannot be shown, in sentences.
    pub evidence: Vec<String>,
    /// Version of the program.
    pub tool: String,
}

/// Seals an extraction that has come to its end.
///
/// # Errors
/// `Retry` when the store fails; sealing again is safe.
pub async fn seal(journal: &mut Journal, closing: Closing, now: Instant) -> Result<SnapshotFacts> {
    journal.flush().await?;
    let id = journal.id().clone();
    let warehouse = journal.warehouse().clone();
    if is_sealed(&warehouse, &id).await? {
        return Err(Fault::refused(format!("{id} is sealed and stays as it is"))
            .hint("another extraction has sealed it; run this again for a new one"));
    }
    warehouse.remove_all(&layout::snapshot(&id)).await?;
    let mut bag = Bag::new(&warehouse, &id);
    for number in journal.segments() {
        bag.add(journal.segment(number).await?).await?;
    }
    bag.copy_files().await?;
    let facts = bag.facts(journal, &closing, now);
    bag.close(&facts).await?;
    warehouse.remove_all(&layout::extracting(&id)).await?;
    Ok(facts)
}

/// A bag being filled.
struct Bag<'a> {
    warehouse: &'a Warehouse,
    id: &'a SnapshotId,
    streams: BTreeMap<String, StreamRows>,
    exchanges: Parts,
    downloads: Parts,
    downloaded: HashSet<String>,
    exchange_count: u64,
    body_bytes: u64,
    /// SHA-256 by name, for the payload manifest.
    payload: BTreeMap<String, String>,
}

struct StreamRows {
    rows: RecordRows,
    parts: Parts,
    keys: HashSet<u64>,
}

impl<'a> Bag<'a> {
    fn new(warehouse: &'a Warehouse, id: &'a SnapshotId) -> Self {
        Self {
            warehouse,
            id,
            streams: BTreeMap::new(),
            exchanges: Parts::new(id, "exchanges"),
            downloads: Parts::new(id, "downloads"),
            downloaded: HashSet::new(),
            exchange_count: 0,
            body_bytes: 0,
            payload: BTreeMap::new(),
        }
    }

    async fn add(&mut self, rows: Vec<(Exchange, Bytes)>) -> Result<()> {
        for (exchange, body) in &rows {
            self.exchange_count += 1;
            self.body_bytes += body.len() as u64;
            for place in 0..exchange.records.len() {
                self.add_record(exchange, place, body).await?;
            }
        }
        let files: Vec<&Exchange> = rows
            .iter()
            .map(|(exchange, _)| exchange)
            .filter(|exchange| {
                let url = exchange.download.as_ref().map(|file| file.url.clone());
                exchange.is_answer && url.is_some_and(|url| self.downloaded.insert(url))
            })
            .collect();
        if !files.is_empty() {
            self.downloads.write(self.warehouse, downloads_batch(&files)).await?;
        }
        self.exchanges.write(self.warehouse, exchanges_batch(&rows)).await
    }

    async fn add_record(&mut self, exchange: &Exchange, place: usize, body: &[u8]) -> Result<()> {
        let span = &exchange.records[place];
        let raw = body
            .get(span.start..span.end)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .ok_or_else(|| Fault::bug(format!("a record of {} is not text", span.stream)))?;
        let (id, stream) = (self.id, &span.stream);
        let rows = self.streams.entry(stream.clone()).or_insert_with(|| StreamRows {
            rows: RecordRows::new(&id.platform),
            parts: Parts::new(id, stream),
            keys: HashSet::new(),
        });
        rows.rows.push(exchange, place, raw);
        rows.keys.insert(key_hash(&span.key));
        if rows.rows.bytes() >= ROWS_BYTES_MAX {
            rows.parts.write(self.warehouse, rows.rows.take()).await?;
        }
        Ok(())
    }

    async fn copy_files(&mut self) -> Result<()> {
        let folder = layout::extracting_files(self.id);
        for from in self.warehouse.list(&folder).await? {
            let hash = from.filename().expect("a listed object has a name").to_owned();
            self.warehouse.copy(&from, &layout::file(self.id, &hash)).await?;
            self.payload.insert(format!("data/files/{hash}"), hash);
        }
        Ok(())
    }

    fn facts(&self, journal: &Journal, closing: &Closing, now: Instant) -> SnapshotFacts {
        let mut streams: BTreeMap<String, StreamFacts> =
            closing.streams.iter().map(|name| (name.clone(), StreamFacts::default())).collect();
        for (name, rows) in &self.streams {
            let records = rows.parts.rows_all + rows.parts.rows_open() + rows.rows.len() as u64;
            let keys = rows.keys.len() as u64;
            streams.insert(name.clone(), StreamFacts { records, keys });
        }
        SnapshotFacts {
            format: FORMAT,
            id: self.id.clone(),
            parent: None,
            account: journal.start().account.clone(),
            started_at: journal.start().started_at.to_seconds_text(),
            sealed_at: now.to_seconds_text(),
            question_sha256: journal.start().question_sha256.clone(),
            tool: closing.tool.clone(),
            exchanges: self.exchange_count,
            body_bytes: self.body_bytes,
            files: self.payload.keys().filter(|name| name.starts_with("data/files/")).count()
                as u64,
            streams,
            gaps: closing.gaps.clone(),
            evidence: closing.evidence.clone(),
        }
    }

    async fn close(mut self, facts: &SnapshotFacts) -> Result<()> {
        for (_, mut rows) in std::mem::take(&mut self.streams) {
            rows.parts.write(self.warehouse, rows.rows.take()).await?;
            self.payload.extend(rows.parts.finish().await?);
        }
        self.payload.extend(self.downloads.finish().await?);
        self.payload.extend(self.exchanges.finish().await?);
        write_tags(self.warehouse, self.id, &self.payload, facts).await
    }
}

/// Writes what describes the payload; the tag manifest, which makes the snapshot exist, comes last.
async fn write_tags(
    warehouse: &Warehouse,
    id: &SnapshotId,
    payload: &BTreeMap<String, String>,
    facts: &SnapshotFacts,
) -> Result<()> {
    let tags: [(&str, Vec<u8>); 4] = [
        ("bag-info.txt", bag_info(facts)),
        ("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_vec()),
        ("manifest-sha256.txt", manifest(payload)),
        ("snapshot.json", json_text(facts)?),
    ];
    let mut hashes = BTreeMap::new();
    for (name, body) in tags {
        hashes.insert(name.to_owned(), sha256(&body));
        warehouse.put(&layout::in_snapshot(id, name), body).await?;
    }
    let last = layout::in_snapshot(id, "tagmanifest-sha256.txt");
    warehouse.put(&last, manifest(&hashes)).await
}

/// The parts of one table of a bag: `data/<table>/part-*.parquet`.
struct Parts {
    folder: String,
    id: SnapshotId,
    open: Option<(String, TableWriter)>,
    done: Vec<(String, String)>,
    rows_all: u64,
}

impl Parts {
    fn new(id: &SnapshotId, table: &str) -> Self {
        let folder = format!("data/{table}");
        Self { folder, id: id.clone(), open: None, done: Vec::new(), rows_all: 0 }
    }

    fn rows_open(&self) -> u64 {
        self.open.as_ref().map_or(0, |(_, writer)| writer.rows())
    }

    async fn write(&mut self, warehouse: &Warehouse, batch: RecordBatch) -> Result<()> {
        if self.open.is_none() {
            let name = format!("{}/part-{:05}.parquet", self.folder, self.done.len());
            let path: Path = layout::in_snapshot(&self.id, &name);
            let plain = ["raw", "key", "sha256", "frame", "body_sha256"];
            let schema = schema_of(&self.folder);
            self.open = Some((name, TableWriter::begin(warehouse, &path, schema, &plain)?));
        }
        let (_, writer) = self.open.as_mut().expect("was just opened");
        writer.write(batch).await?;
        if writer.rows() >= PART_ROWS_MAX {
            self.close_part().await?;
        }
        Ok(())
    }

    async fn close_part(&mut self) -> Result<()> {
        if let Some((name, writer)) = self.open.take() {
            let written = writer.finish().await?;
            self.rows_all += written.rows;
            self.done.push((name, written.sha256));
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Vec<(String, String)>> {
        self.close_part().await?;
        Ok(self.done)
    }
}

fn schema_of(folder: &str) -> arrow::datatypes::SchemaRef {
    match folder {
        "data/exchanges" => exchanges_schema(),
        "data/downloads" => downloads_schema(),
        _ => records_schema(),
    }
}

/// Sixty-four bits of a key's hash: counting distinct keys needs no more, and no texts.
fn key_hash(key: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

fn manifest(hashes: &BTreeMap<String, String>) -> Vec<u8> {
    hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect::<String>().into_bytes()
}

fn bag_info(facts: &SnapshotFacts) -> Vec<u8> {
    let day = facts.sealed_at.split('T').next().unwrap_or_default();
    format!(
        "Source-Organization: {}\nExternal-Identifier: {}\nBagging-Date: {day}\n\
         Bag-Software-Agent: {}\n",
        facts.account, facts.id, facts.tool,
    )
    .into_bytes()
}
