//! `deskferry snapshot list|show|verify`: what was landed, and the proof that it is unchanged.

use kernel::{Result, SnapshotId};
use landing::Warehouse;
use landing::snapshot::{describe, list, verify};

use super::extract_source::print_streams;
use super::newest_snapshot;
use crate::Ending;
use crate::arguments::{Format, Snapshot, SnapshotChoice};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, what: &Snapshot, format: Format) -> Result<Ending> {
    let warehouse = config.warehouse()?;
    match what {
        Snapshot::List => show_list(&warehouse, format).await,
        Snapshot::Show(choice) => {
            show(&warehouse, &chosen(config, &warehouse, choice).await?, format).await
        }
        Snapshot::Verify(choice) => {
            check(&warehouse, &chosen(config, &warehouse, choice).await?, format).await
        }
    }
}

async fn chosen(
    config: &Config,
    warehouse: &Warehouse,
    choice: &SnapshotChoice,
) -> Result<SnapshotId> {
    match &choice.snapshot {
        Some(text) => text.parse(),
        None => newest_snapshot(warehouse, config.source()?.platform()).await,
    }
}

async fn show_list(warehouse: &Warehouse, format: Format) -> Result<Ending> {
    let mut rows = Vec::new();
    for id in list(warehouse).await? {
        let facts = describe(warehouse, &id).await?;
        let records: u64 = facts.streams.values().map(|stream| stream.keys).sum();
        rows.push(vec![
            id.to_string(),
            facts.account,
            facts.started_at,
            facts.sealed_at,
            records.to_string(),
            facts.files.to_string(),
            facts.gaps.len().to_string(),
        ]);
    }
    let header = ["snapshot", "account", "started_at", "sealed_at", "records", "files", "gaps"];
    print::rows(format, &header, &rows)?;
    Ok(Ending::Done)
}

async fn show(warehouse: &Warehouse, id: &SnapshotId, format: Format) -> Result<Ending> {
    let facts = describe(warehouse, id).await?;
    print_streams(&facts, format)?;
    print::talk(&format!("snapshot {id} of account {}, made by {}", facts.account, facts.tool));
    print::talk(&format!("began {}, sealed {}", facts.started_at, facts.sealed_at));
    for gap in &facts.gaps {
        let key = gap.key.as_deref().unwrap_or("the whole stream");
        print::talk(&format!("gap in {}: {key}: {}", gap.stream, gap.reason));
    }
    for sentence in &facts.evidence {
        print::talk(&format!("evidence: {sentence}"));
    }
    Ok(Ending::Done)
}

async fn check(warehouse: &Warehouse, id: &SnapshotId, format: Format) -> Result<Ending> {
    let verdict = verify(warehouse, id).await?;
    let rows: Vec<Vec<String>> =
        verdict.findings.iter().map(|finding| vec![id.to_string(), finding.clone()]).collect();
    if !rows.is_empty() {
        print::rows(format, &["snapshot", "finding"], &rows)?;
    }
    let outcome = if rows.is_empty() { "is as it was sealed" } else { "was changed" };
    print::talk(&format!(
        "snapshot {id} {outcome}: {} files, {} bytes hashed again",
        verdict.files, verdict.bytes
    ));
    Ok(Ending::of(rows.len() as u64))
}
