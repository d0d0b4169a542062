//! The proof that a snapshot is as it was sealed, or the names of what is not.
//!
//! Three things are proved: every file has its hash ([`files`]), every reply body can be put
//! together again and has the hash that was noted of it ([`bodies`]), and every ancestor of a delta
//! is the one that it was made against. What somebody did to a snapshot becomes a finding, never
//! an error.

mod bodies;
mod files;
#[cfg(test)]
mod tests;

use kernel::fault::Kind;
use kernel::{Result, SnapshotId};
use object_store::path::Path;
use serde::Serialize;

pub(crate) use files::hash_object;

use crate::exchange::sha256;
use crate::snapshot::{SnapshotFacts, no_snapshot};
use crate::{Warehouse, layout};

/// What verifying found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Snapshots that were looked at: the one asked for and its ancestors.
    pub snapshots: u64,
    /// Files that were hashed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Reply bodies that were put together again and have their hash.
    pub bodies: u64,
    /// Records that have their hash.
    pub records: u64,
    /// What is wrong, one sentence each; none means all is as it was sealed.
    pub findings: Vec<String>,
    /// What is not wrong and was not proved either, one sentence each.
    pub notes: Vec<String>,
}

/// Verifies a snapshot and all its ancestors. Findings in an ancestor begin with its name.
///
/// # Errors
/// `FixConfig` when there is no such snapshot; `Retry` when the store fails.
pub async fn verify(warehouse: &Warehouse, id: &SnapshotId) -> Result<Verdict> {
    let (mut verdict, mut facts) = verify_one(warehouse, &layout::snapshot(id)).await?;
    if verdict.files == 0 {
        return Err(no_snapshot(id));
    }
    let mut seen = vec![id.clone()];
    while let Some(parent) = facts.as_ref().and_then(|facts| facts.parent.clone()) {
        let child = seen.last().expect("begins with one");
        if seen.contains(&parent) {
            verdict.findings.push(format!("{parent}, the parent of {child}, descends from it"));
            break;
        }
        let noted = facts.and_then(|facts| facts.parent_sha256);
        check_parent(warehouse, child, &parent, noted, &mut verdict).await?;
        let (found, its_facts) = verify_one(warehouse, &layout::snapshot(&parent)).await?;
        verdict.add_ancestor(&parent, found);
        seen.push(parent);
        facts = its_facts;
    }
    Ok(verdict)
}

/// Verifies the bag at `root` alone, wherever it lies: a parent is named in a note and not looked
/// for.
///
/// # Errors
/// `Retry` when the store fails. Where there is no bag, that is a finding.
pub async fn verify_bag(warehouse: &Warehouse, root: &Path) -> Result<Verdict> {
    let (mut verdict, facts) = verify_one(warehouse, root).await?;
    if let Some((parent, id)) = facts.and_then(|facts| Some((facts.parent?, facts.id))) {
        verdict.notes.push(format!("{id} is a delta to {parent}, which was not looked at"));
    }
    Ok(verdict)
}

async fn verify_one(
    warehouse: &Warehouse,
    root: &Path,
) -> Result<(Verdict, Option<SnapshotFacts>)> {
    let mut verdict = Verdict { snapshots: 1, ..Verdict::default() };
    let files = files::check(warehouse, root, &mut verdict).await?;
    let facts = match files::read(warehouse, root, "snapshot.json").await? {
        Some(body) => serde_json::from_slice::<SnapshotFacts>(&body).ok(),
        None => None,
    };
    if facts.is_none() && verdict.findings.is_empty() {
        verdict.findings.push("snapshot.json cannot be read".to_owned());
    }
    if files.tables_are_whole {
        // Only files that have their hashes are decoded: others may hold anything.
        let outcome = bodies::check(warehouse, root, &files, facts.as_ref(), &mut verdict).await;
        match outcome {
            Err(fault) if fault.kind() == Kind::FixData => verdict.findings.push(fault.to_string()),
            outcome => outcome?,
        }
    } else {
        verdict.notes.push("bodies were not put together again: a table was changed".to_owned());
    }
    Ok((verdict, facts))
}

async fn check_parent(
    warehouse: &Warehouse,
    child: &SnapshotId,
    parent: &SnapshotId,
    noted: Option<String>,
    verdict: &mut Verdict,
) -> Result<()> {
    let tags = files::read(warehouse, &layout::snapshot(parent), files::TAG_MANIFEST).await?;
    match (tags.map(|body| sha256(&body)), noted) {
        (None, _) => {
            verdict.findings.push(format!("{parent}, the parent of {child}, is missing"));
        }
        (Some(_), None) => {
            let note = format!("{child} does not say which {parent} it was made against");
            verdict.notes.push(note);
        }
        (Some(found), Some(noted)) if found != noted => verdict.findings.push(format!(
            "{parent} is not the one that {child} was made against: its tag manifest has sha256 \
             {found}, noted as {noted}"
        )),
        _ => {}
    }
    Ok(())
}

impl Verdict {
    fn add_ancestor(&mut self, id: &SnapshotId, found: Verdict) {
        // One that is not there at all was named before.
        if found.files == 0 {
            return;
        }
        self.snapshots += found.snapshots;
        self.files += found.files;
        self.bytes += found.bytes;
        self.bodies += found.bodies;
        self.records += found.records;
        let named = |sentence: String| format!("{id}: {sentence}");
        self.findings.extend(found.findings.into_iter().map(named));
        self.notes.extend(found.notes.into_iter().map(named));
    }
}
