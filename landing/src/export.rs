//! A sealed snapshot for other tools: as one tar, or as JSON lines.
//!
//! Both read the snapshot as it lies and change nothing. The tar holds the bag with all its files;
//! the lines hold the records only.

use std::io::Write;

use arrow::array::{Array, RecordBatch};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use kernel::{Fault, Instant, Result, SnapshotId};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tar::{EntryType, Header};

use crate::columns::{binaries, moments, numbers, texts};
use crate::warehouse::io;
use crate::{Warehouse, layout, snapshot, table};

/// A tar is written in blocks of so many bytes.
const BLOCK: usize = 512;

/// Writes a snapshot as a tar of one folder, as in `crisp-0001/bagit.txt`; says how many bytes it
/// has. The same snapshot gives the same bytes. Files are read piece by piece.
///
/// # Errors
/// `FixConfig` when there is no such snapshot or `out` cannot be written to; `Retry` when the store
/// fails.
pub async fn export_tar(
    warehouse: &Warehouse,
    id: &SnapshotId,
    mut out: impl Write,
) -> Result<u64> {
    let facts = snapshot::describe(warehouse, id).await?;
    let sealed_at = Instant::parse(&facts.sealed_at).map_or(0, |at| at.micros() / 1_000_000);
    let folder = layout::snapshot(id);
    let top = format!("{}-{:04}", id.platform, id.number);
    let mut bytes = 0;
    for path in warehouse.list(&folder).await? {
        let inner: Path = path.prefix_match(&folder).expect("was listed below it").collect();
        let name = format!("{top}/{inner}");
        bytes += add_file(warehouse, &path, &name, sealed_at.unsigned_abs(), &mut out).await?;
    }
    // A tar ends with two empty blocks.
    out.write_all(&[0; 2 * BLOCK]).and_then(|()| out.flush()).map_err(unwritable)?;
    Ok(bytes + 2 * BLOCK as u64)
}

async fn add_file(
    warehouse: &Warehouse,
    path: &Path,
    name: &str,
    sealed_at: u64,
    out: &mut impl Write,
) -> Result<u64> {
    let found = warehouse.store().get(path).await.map_err(|error| io("read", path, error))?;
    let size = found.meta.size;
    out.write_all(header(name, size, sealed_at)?.as_bytes()).map_err(unwritable)?;
    let mut written = 0;
    let mut chunks = found.into_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| io("read", path, error))? {
        out.write_all(&chunk).map_err(unwritable)?;
        written += chunk.len() as u64;
    }
    if written != size {
        return Err(Fault::data(format!("{path} changed while it was read"))
            .hint("deskferry snapshot verify says whether a snapshot is as it was sealed"));
    }
    let padding = size.next_multiple_of(BLOCK as u64) - size;
    out.write_all(&[0; BLOCK][..padding as usize]).map_err(unwritable)?;
    Ok(BLOCK as u64 + size + padding)
}

/// The head of an entry that says nothing about the machine it was written on.
fn header(name: &str, size: u64, sealed_at: u64) -> Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(name).map_err(|error| {
        Fault::data(format!("{name} has a name that no tar can hold")).because(error)
    })?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o444);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(sealed_at);
    header.set_cksum();
    Ok(header)
}

/// One line of the records.
#[derive(Serialize)]
struct Line<'a> {
    snapshot: &'a str,
    stream: &'a str,
    key: &'a str,
    parent_key: Option<&'a str>,
    fetched_at: String,
    exchange_id: i64,
    sha256: &'a str,
    #[serde(flatten)]
    content: Content,
}

/// A record as JSON or, where it is none, as its bytes.
#[derive(Serialize)]
enum Content {
    #[serde(rename = "raw")]
    Json(Box<RawValue>),
    #[serde(rename = "raw_base64")]
    Bytes(String),
}

/// Writes one line for each record of a snapshot, or of one of its streams; says how many. `raw` is
/// the record's JSON as it was received, except that line breaks between its parts become spaces;
/// a record that is no JSON, or no UTF-8, has `raw_base64` instead.
///
/// # Errors
/// `FixConfig` when there is no such snapshot or stream, or `out` cannot be written to; `Retry` when
/// the store fails.
pub async fn export_jsonl(
    warehouse: &Warehouse,
    id: &SnapshotId,
    stream: Option<&str>,
    mut out: impl Write,
) -> Result<u64> {
    let facts = snapshot::describe(warehouse, id).await?;
    if let Some(stream) = stream.filter(|stream| !facts.streams.contains_key(*stream)) {
        let known: Vec<&str> = facts.streams.keys().map(String::as_str).collect();
        return Err(Fault::config(format!("{id} has no stream {stream:?}"))
            .hint(format!("its streams are {}", known.join(", "))));
    }
    let mut lines = 0;
    for name in snapshot::streams(warehouse, id).await? {
        if stream.is_some_and(|stream| stream != name) {
            continue;
        }
        for part in warehouse.list(&layout::records(id, &name)).await? {
            let mut batches = table::read(warehouse, &part).await?;
            while let Some(batch) = batches.try_next().await? {
                write_lines(&id.to_string(), &batch, &mut out)?;
                lines += batch.num_rows() as u64;
            }
        }
    }
    out.flush().map_err(unwritable)?;
    Ok(lines)
}

fn write_lines(snapshot: &str, batch: &RecordBatch, out: &mut impl Write) -> Result<()> {
    let (stream, key) = (texts(batch, "stream")?, texts(batch, "key")?);
    let (parent_key, sha256) = (texts(batch, "parent_key")?, texts(batch, "sha256")?);
    let raw = texts(batch, "raw")?;
    let exact = binaries(batch, "raw_bytes")?;
    let fetched_at = moments(batch, "fetched_at")?;
    let exchange_id = numbers(batch, "exchange_id")?;
    for row in 0..batch.num_rows() {
        let line = Line {
            snapshot,
            stream: stream.value(row),
            key: key.value(row),
            parent_key: parent_key.is_valid(row).then(|| parent_key.value(row)),
            fetched_at: Instant::from_micros(fetched_at.value(row)).rfc3339(),
            exchange_id: exchange_id.value(row),
            sha256: sha256.value(row),
            content: content(raw.value(row), exact.is_valid(row).then(|| exact.value(row))),
        };
        serde_json::to_writer(&mut *out, &line).map_err(|error| unwritable(error.into()))?;
        out.write_all(b"\n").map_err(unwritable)?;
    }
    Ok(())
}

fn content(raw: &str, exact: Option<&[u8]>) -> Content {
    if let Some(bytes) = exact {
        return Content::Bytes(STANDARD.encode(bytes));
    }
    // JSON has line breaks between its parts only: within a text they are spelled \n.
    let is_json = serde_json::from_str::<IgnoredAny>(raw).is_ok();
    match RawValue::from_string(raw.replace(['\n', '\r'], " ")) {
        Ok(value) if is_json => Content::Json(value),
        _ => Content::Bytes(STANDARD.encode(raw)),
    }
}

fn unwritable(error: std::io::Error) -> Fault {
    Fault::config("the export could not be written")
        .hint("make room where it goes, or give another place; then run this again")
        .because(error)
}
