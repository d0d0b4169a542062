//! Sealed snapshots: which there are, and what each says about itself.

use std::collections::BTreeMap;

use kernel::{Code, Fault, Result, SnapshotId};
use serde::{Deserialize, Serialize};

pub use crate::verify::{Verdict, verify};
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
    #[serde(default)]
    pub parent: Option<SnapshotId>,
    /// The parent's [`fingerprint`] when this one was sealed.
    #[serde(default)]
    pub parent_sha256: Option<String>,
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
    /// Calls to the API by UTC day, as `2026-08-26`; files do not count.
    #[serde(default)]
    pub calls_by_day: BTreeMap<String, u64>,
    /// Bytes of all replies, files apart.
    pub body_bytes: u64,
    /// Distinct contents below `data/files/`.
    pub files: u64,
    /// Counts per stream.
    pub streams: BTreeMap<String, StreamFacts>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// What shows that nothing is missing.
    pub evidence: Vec<String>,
    /// What cannot be proven, in sentences.
    #[serde(default)]
    pub unproven: Vec<String>,
    /// What was left out on purpose: by name of the filter, its value.
    #[serde(default)]
    pub filters: BTreeMap<String, String>,
}

/// Counts of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamFacts {
    /// Records that were received; the same key may be received more than once.
    pub records: u64,
    /// Distinct keys.
    pub keys: u64,
    /// Whether the extraction claims that no record is missing.
    #[serde(default)]
    pub complete: bool,
    /// Records of a delta by class of change; `deleted` counts what is no longer at the source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<String, u64>,
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

/// Tables of a snapshot that hold no records; no stream may have one of these names.
pub(crate) const INNER_TABLES: [&str; 4] = ["deletions", "downloads", "exchanges", "files"];

/// The streams of a snapshot that hold records.
pub async fn streams(warehouse: &Warehouse, id: &SnapshotId) -> Result<Vec<String>> {
    let folders = warehouse.folders(&layout::records(id, "")).await?;
    Ok(folders.into_iter().filter(|name| !INNER_TABLES.contains(&name.as_str())).collect())
}

/// The hash that stands for the whole snapshot: of its tag manifest.
pub async fn fingerprint(warehouse: &Warehouse, id: &SnapshotId) -> Result<String> {
    let path = layout::in_snapshot(id, "tagmanifest-sha256.txt");
    let body = warehouse.get(&path).await?.ok_or_else(|| no_snapshot(id))?;
    Ok(crate::exchange::sha256(&body))
}

pub(crate) fn no_snapshot(id: &SnapshotId) -> Fault {
    Fault::config(format!("there is no sealed snapshot {id}"))
        .coded(Code::NoSnapshot)
        .hint("deskferry snapshot list shows what there is; deskferry extract makes one")
}
