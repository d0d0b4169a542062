//! Every reply body put together again from its frame and its records, and every file that a call
//! brought, against what was noted when they arrived.
//!
//! The rows of every table are in the order of their exchanges, so the tables are merged as they
//! are read: a few batches are held, however large the snapshot is.

use std::collections::VecDeque;
use std::ops::Range;

use arrow::array::{Array, BinaryArray, Int64Array, RecordBatch, StringArray};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kernel::Result;
use object_store::path::Path;

use super::Verdict;
use super::files::{Files, at};
use crate::columns::{binaries, numbers, texts};
use crate::exchange::{rebuild, sha256};
use crate::snapshot::{INNER_TABLES, SnapshotFacts};
use crate::{Warehouse, table};

/// Rows of a table read at a time.
const BATCH_ROWS: usize = 1_024;
/// Findings that are named one by one; the rest is counted.
const NAMED_MAX: usize = 100;

/// Checks every body, record and download of a bag whose tables have their hashes.
pub(super) async fn check(
    warehouse: &Warehouse,
    root: &Path,
    files: &Files,
    facts: Option<&SnapshotFacts>,
    verdict: &mut Verdict,
) -> Result<()> {
    let tables = files.tables();
    let parts = |table: &str| -> VecDeque<Path> {
        tables.get(table).into_iter().flatten().map(|name| at(root, name)).collect()
    };
    let mut found = Found::default();
    let streams = tables.keys().filter(|name| !INNER_TABLES.contains(name));
    let mut records: Vec<Records> =
        streams.map(|name| Records::new(warehouse, name, parts(name))).collect();
    let exchanges = check_exchanges(warehouse, parts("exchanges"), &mut records, files, &mut found);
    let exchanges = exchanges.await?;
    for stream in &mut records {
        stream.take(i64::MAX, &mut Body::default(), &mut found).await?;
    }
    check_downloads(warehouse, parts("downloads"), files, &mut found).await?;
    if let Some(facts) = facts {
        check_counts(facts, exchanges, &records, &mut found);
    }
    found.report(verdict);
    Ok(())
}

#[derive(Default)]
struct Found {
    bodies: u64,
    records: u64,
    named: Vec<String>,
    more: u64,
}

impl Found {
    fn add(&mut self, finding: String) {
        if self.named.len() < NAMED_MAX {
            self.named.push(finding);
        } else {
            self.more += 1;
        }
    }

    fn report(self, verdict: &mut Verdict) {
        verdict.bodies += self.bodies;
        verdict.records += self.records;
        verdict.findings.extend(self.named);
        if self.more > 0 {
            verdict.findings.push(format!("{} more bodies and records are wrong", self.more));
        }
    }
}

/// Goes through the exchanges; says how many there are.
async fn check_exchanges(
    warehouse: &Warehouse,
    parts: VecDeque<Path>,
    records: &mut [Records],
    files: &Files,
    found: &mut Found,
) -> Result<u64> {
    let columns = &["exchange_id", "body_bytes", "body_sha256", "frame"];
    let mut batches = Batches::new(warehouse, parts, columns);
    let (mut count, mut last) = (0, i64::MIN);
    let mut body = Body::default();
    while let Some(batch) = batches.next().await? {
        let ids = numbers(&batch, "exchange_id")?;
        let lengths = numbers(&batch, "body_bytes")?;
        let hashes = texts(&batch, "body_sha256")?;
        let frames = binaries(&batch, "frame")?;
        for place in 0..batch.num_rows() {
            let id = ids.value(place);
            if id <= last {
                found.add(format!("data/exchanges is not in order at exchange {id}"));
            }
            last = id;
            count += 1;
            body.clear();
            for stream in records.iter_mut() {
                stream.take(id, &mut body, found).await?;
            }
            let noted = Noted { bytes: lengths.value(place), sha256: hashes.value(place) };
            match body.check(frames.value(place), &noted, files) {
                None => found.bodies += 1,
                Some(why) => found.add(format!("exchange {id}: {why}")),
            }
        }
    }
    Ok(count)
}

/// What was noted of a body when it arrived.
struct Noted<'a> {
    bytes: i64,
    sha256: &'a str,
}

/// The records of one body, one after the other.
#[derive(Default)]
struct Body {
    text: Vec<u8>,
    records: Vec<(usize, Range<usize>)>,
}

impl Body {
    fn clear(&mut self) {
        self.text.clear();
        self.records.clear();
    }

    fn push(&mut self, offset: usize, raw: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(raw);
        self.records.push((offset, start..self.text.len()));
    }

    /// What is wrong with it, if anything.
    fn check(&self, frame: &[u8], noted: &Noted<'_>, files: &Files) -> Option<String> {
        let mut records: Vec<(usize, &[u8])> = self
            .records
            .iter()
            .map(|(offset, range)| (*offset, &self.text[range.clone()]))
            .collect();
        let Some(body) = rebuild(frame, &mut records) else {
            return Some("its records do not fit into the frame of its body".to_owned());
        };
        let found = sha256(&body);
        if found == noted.sha256 && body.len() as i64 == noted.bytes {
            return None;
        }
        // The bytes of a file are kept as a file, and nothing of them in the frame.
        let is_file =
            body.is_empty() && files.stored(noted.sha256) == u64::try_from(noted.bytes).ok();
        (!is_file).then(|| {
            format!(
                "its body comes back with {} bytes and sha256 {found}, noted as {} bytes and {}",
                body.len(),
                noted.bytes,
                noted.sha256
            )
        })
    }
}

/// The records of one stream, in the order of their exchanges.
struct Records {
    table: String,
    batches: Batches,
    open: Option<Open>,
    place: usize,
    count: u64,
}

/// The columns of the batch that is being gone through.
struct Open {
    ids: Int64Array,
    offsets: Int64Array,
    raw: StringArray,
    exact: Option<BinaryArray>,
    hashes: StringArray,
}

impl Open {
    fn new(batch: &RecordBatch) -> Result<Self> {
        let is_exact = batch.column_by_name("raw_bytes").is_some();
        Ok(Self {
            ids: numbers(batch, "exchange_id")?.clone(),
            offsets: numbers(batch, "offset")?.clone(),
            raw: texts(batch, "raw")?.clone(),
            exact: if is_exact { Some(binaries(batch, "raw_bytes")?.clone()) } else { None },
            hashes: texts(batch, "sha256")?.clone(),
        })
    }

    fn bytes(&self, place: usize) -> &[u8] {
        match &self.exact {
            Some(exact) if exact.is_valid(place) => exact.value(place),
            _ => self.raw.value(place).as_bytes(),
        }
    }
}

impl Records {
    fn new(warehouse: &Warehouse, table: &str, parts: VecDeque<Path>) -> Self {
        let columns = &["exchange_id", "offset", "raw", "raw_bytes", "sha256"];
        Self {
            table: table.to_owned(),
            batches: Batches::new(warehouse, parts, columns),
            open: None,
            place: 0,
            count: 0,
        }
    }

    /// Moves the records of exchange `id` into `body`; those of earlier ones have none.
    async fn take(&mut self, id: i64, body: &mut Body, found: &mut Found) -> Result<()> {
        while self.fill().await? {
            let open = self.open.as_ref().expect("was just filled");
            let place = self.place;
            let owner = open.ids.value(place);
            if owner > id {
                return Ok(());
            }
            self.place += 1;
            self.count += 1;
            if owner < id {
                let what = "which is not in data/exchanges at that place";
                found.add(format!("data/{} has a record of exchange {owner}, {what}", self.table));
                continue;
            }
            let raw = open.bytes(place);
            if sha256(raw) != open.hashes.value(place) {
                let row = self.count - 1;
                found.add(format!("data/{} row {row} does not have its sha256", self.table));
            } else if raw != open.raw.value(place).as_bytes()
                && String::from_utf8_lossy(raw) != open.raw.value(place)
            {
                let row = self.count - 1;
                found.add(format!("data/{} row {row}: raw is not its raw_bytes", self.table));
            } else {
                found.records += 1;
            }
            body.push(usize::try_from(open.offsets.value(place)).unwrap_or(usize::MAX), raw);
        }
        Ok(())
    }

    /// Sees to it that there is a current row; says whether there is one.
    async fn fill(&mut self) -> Result<bool> {
        while self.open.as_ref().is_none_or(|open| self.place >= open.ids.len()) {
            let Some(batch) = self.batches.next().await? else {
                return Ok(false);
            };
            self.open = Some(Open::new(&batch)?);
            self.place = 0;
        }
        Ok(true)
    }
}

/// The rows of a table's parts, one part after the other.
struct Batches {
    warehouse: Warehouse,
    parts: VecDeque<Path>,
    columns: &'static [&'static str],
    open: Option<BoxStream<'static, Result<RecordBatch>>>,
}

impl Batches {
    fn new(warehouse: &Warehouse, parts: VecDeque<Path>, columns: &'static [&'static str]) -> Self {
        Self { warehouse: warehouse.clone(), parts, columns, open: None }
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(open) = &mut self.open
                && let Some(batch) = open.try_next().await?
            {
                return Ok(Some(batch));
            }
            let Some(part) = self.parts.pop_front() else {
                return Ok(None);
            };
            let columns = Some(self.columns);
            let rows = table::read_some(&self.warehouse, &part, columns, BATCH_ROWS).await?;
            self.open = Some(rows.boxed());
        }
    }
}

async fn check_downloads(
    warehouse: &Warehouse,
    parts: VecDeque<Path>,
    files: &Files,
    found: &mut Found,
) -> Result<()> {
    let mut batches = Batches::new(warehouse, parts, &["sha256", "bytes", "exchange_id"]);
    while let Some(batch) = batches.next().await? {
        let (hashes, bytes) = (texts(&batch, "sha256")?, numbers(&batch, "bytes")?);
        let ids = numbers(&batch, "exchange_id")?;
        for place in (0..batch.num_rows()).filter(|place| hashes.is_valid(*place)) {
            let (hash, id) = (hashes.value(place), ids.value(place));
            match files.stored(hash) {
                None => {
                    found
                        .add(format!("data/files/{hash}, which exchange {id} brought, is missing"));
                }
                Some(size) if bytes.is_valid(place) && size as i64 != bytes.value(place) => {
                    let noted = bytes.value(place);
                    found.add(format!("data/files/{hash} has {size} bytes, {noted} were received"));
                }
                Some(_) => {}
            }
        }
    }
    Ok(())
}

/// What the snapshot says about itself against what it holds.
fn check_counts(facts: &SnapshotFacts, exchanges: u64, records: &[Records], found: &mut Found) {
    if facts.exchanges != exchanges {
        let said = facts.exchanges;
        found.add(format!("snapshot.json counts {said} exchanges, the table has {exchanges}"));
    }
    for (name, stream) in &facts.streams {
        let held = records.iter().find(|table| table.table == *name).map_or(0, |table| table.count);
        if stream.records != held {
            let said = stream.records;
            found.add(format!("snapshot.json counts {said} records of {name}, there are {held}"));
        }
    }
    for table in records.iter().filter(|table| !facts.streams.contains_key(&table.table)) {
        found.add(format!("snapshot.json does not name the stream {}", table.table));
    }
}
