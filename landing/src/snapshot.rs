//! Sealed snapshots: listing, describing and verifying them.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use kernel::{Fault, Result, SnapshotId};
use object_store::ObjectStoreExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exchange::hex;
use crate::warehouse::io;
use crate::{Warehouse, layout};

/// Version of the snapshot format; readers accept every version up to their own.
pub const FORMAT: u32 = 1;

/// What is known about a snapshot: its `snapshot.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotFacts {
    /// Version of the format.
    pub format: u32,
    /// Its name.
    pub id: SnapshotId,
    /// The snapshot that this one is a delta to.
    pub parent: Option<SnapshotId>,
    /// The account, as the source names it.
    pub account: String,
    /// When the extraction began, in UTC.
    pub started_at: String,
    /// When it was sealed, in UTC.
    pub sealed_at: String,
    /// SHA-256 of manifest and settings that decided what was asked.
    pub question_sha256: String,
    /// The program that made it.
    pub tool: String,
    /// Calls that were answered, well or badly.
    pub exchanges: u64,
    /// Bytes of all replies, files apart.
    pub body_bytes: u64,
    /// Distinct contents below `data/files/`.
    pub files: u64,
    /// Counts per stream.
    pub streams: BTreeMap<String, StreamFacts>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What shows that nothing is missing, and what cannot be shown.
    pub evidence: Vec<String>,
}

/// Counts of one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFacts {
    /// Records that were received; the same key may be received more than once.
    pub records: u64,
    /// Distinct keys.
    pub keys: u64,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The stream.
    pub stream: String,
    /// The record it belongs to, when it is not the whole stream.
    pub key: Option<String>,
    /// Why.
    pub reason: String,
}

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Files that were hashed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong, one sentence each; none means the snapshot is as it was sealed.
    pub findings: Vec<String>,
}

/// Every sealed snapshot, sorted.
pub async fn list(warehouse: &Warehouse) -> Result<Vec<SnapshotId>> {
    let mut found = Vec::new();
    for platform in warehouse.folders(&layout::landing()).await? {
        found.extend(list_of(warehouse, &platform).await?);
    }
    Ok(found)
}

/// The sealed snapshots of one platform, oldest first.
pub async fn list_of(warehouse: &Warehouse, platform: &str) -> Result<Vec<SnapshotId>> {
    let folder = layout::landing().join(platform);
    let mut found = Vec::new();
    for number in warehouse.folders(&folder).await?.iter().filter_map(|name| name.parse().ok()) {
        let id = SnapshotId { platform: platform.to_owned(), number };
        if is_sealed(warehouse, &id).await? {
            found.push(id);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a snapshot is sealed: its tag manifest, which is written last, is there.
pub async fn is_sealed(warehouse: &Warehouse, id: &SnapshotId) -> Result<bool> {
    warehouse.exists(&layout::in_snapshot(id, "tagmanifest-sha256.txt")).await
}

/// What a snapshot says about itself.
///
/// # Errors
/// `FixConfig` when there is no such snapshot.
pub async fn describe(warehouse: &Warehouse, id: &SnapshotId) -> Result<SnapshotFacts> {
    let path = layout::in_snapshot(id, "snapshot.json");
    let facts: SnapshotFacts = warehouse.get_json(&path).await?.ok_or_else(|| no_snapshot(id))?;
    if facts.format > FORMAT {
        return Err(Fault::config(format!(
            "{id} was sealed in format {}, this program reads up to {FORMAT}",
            facts.format
        ))
        .hint("use a newer deskferry"));
    }
    Ok(facts)
}

/// The streams of a snapshot that hold records.
pub async fn streams(warehouse: &Warehouse, id: &SnapshotId) -> Result<Vec<String>> {
    let folders = warehouse.folders(&layout::records(id, "")).await?;
    let inner = ["exchanges", "downloads", "files"];
    Ok(folders.into_iter().filter(|name| !inner.contains(&name.as_str())).collect())
}

/// The hash that stands for the whole snapshot: of its tag manifest.
pub async fn fingerprint(warehouse: &Warehouse, id: &SnapshotId) -> Result<String> {
    let path = layout::in_snapshot(id, "tagmanifest-sha256.txt");
    let body = warehouse.get(&path).await?.ok_or_else(|| no_snapshot(id))?;
    Ok(crate::exchange::sha256(&body))
}

/// Hashes every file again and compares it, and the listing, with both manifests.
pub async fn verify(warehouse: &Warehouse, id: &SnapshotId) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut expected = BTreeMap::new();
    for name in ["tagmanifest-sha256.txt", "manifest-sha256.txt"] {
        let path = layout::in_snapshot(id, name);
        match warehouse.get(&path).await? {
            Some(body) => read_manifest(name, &body, &mut expected, &mut verdict),
            None if name.starts_with("tag") => return Err(no_snapshot(id)),
            None => verdict.findings.push(format!("{name} is missing")),
        }
    }
    let mut present = BTreeSet::new();
    let root = format!("{}/", layout::snapshot(id));
    for path in warehouse.list(&layout::snapshot(id)).await? {
        let name = path.as_ref().trim_start_matches(&root).to_owned();
        if name != "tagmanifest-sha256.txt" {
            check_file(warehouse, &path, &name, &expected, &mut verdict).await?;
        }
        present.insert(name);
    }
    let missing = expected.keys().filter(|name| !present.contains(*name));
    verdict.findings.extend(missing.map(|name| format!("{name} is missing")));
    Ok(verdict)
}

async fn check_file(
    warehouse: &Warehouse,
    path: &object_store::path::Path,
    name: &str,
    expected: &BTreeMap<String, String>,
    verdict: &mut Verdict,
) -> Result<()> {
    let Some(wanted) = expected.get(name) else {
        verdict.findings.push(format!("{name} was added after sealing"));
        return Ok(());
    };
    let (bytes, found) = hash_object(warehouse, path).await?;
    verdict.files += 1;
    verdict.bytes += bytes;
    if found != *wanted {
        verdict.findings.push(format!("{name} was changed: sha256 {found}, sealed as {wanted}"));
    }
    Ok(())
}

async fn hash_object(
    warehouse: &Warehouse,
    path: &object_store::path::Path,
) -> Result<(u64, String)> {
    let found = warehouse.store().get(path).await.map_err(|error| io("read", path, error))?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunks = found.into_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| io("read", path, error))? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
    }
    Ok((bytes, hex(&hash.finalize())))
}

fn read_manifest(
    name: &str,
    body: &[u8],
    expected: &mut BTreeMap<String, String>,
    verdict: &mut Verdict,
) {
    let text = String::from_utf8_lossy(body);
    for (place, line) in text.lines().enumerate() {
        match line.split_once("  ") {
            Some((hash, file)) if hash.len() == 64 => {
                expected.insert(file.to_owned(), hash.to_owned());
            }
            _ => verdict.findings.push(format!("{name} line {} is no entry", place + 1)),
        }
    }
}

fn no_snapshot(id: &SnapshotId) -> Fault {
    Fault::config(format!("there is no sealed snapshot {id}"))
        .hint("deskferry snapshot list shows what there is; deskferry extract makes one")
}
