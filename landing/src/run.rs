//! Runs: one plan and its replay into one target, and which build is the current one.

use futures::TryStreamExt;
use kernel::{BuildId, Fault, Instant, Order, Result, RunId, SnapshotId};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::exchange::hex;
use crate::warehouse::io;
use crate::{Warehouse, layout};

/// Version of the format of a run.
pub const FORMAT: u32 = 1;

/// What a run is: its `run.json`. It is written when the plan is complete and then stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFacts {
    /// Version of the format.
    pub format: u32,
    /// Its name.
    pub run: RunId,
    /// The build that was planned from.
    pub build: BuildId,
    /// The chain of snapshots behind the build, oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// The platform that the plan is shaped for.
    pub target_platform: String,
    /// The target's address.
    pub target_address: String,
    /// Hash of everything that the plan was made from.
    pub plan_hash: String,
    /// The filters that were set, each with what it lets through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<(String, String)>,
    /// Every decision of `[mapping]` with its value; empty for runs of versions that did not note it.
    #[serde(default)]
    pub mapping: Vec<(String, String)>,
    /// In which order its tickets are replayed.
    #[serde(default)]
    pub order: Order,
    /// The run whose plan the target holds: this one makes only what changed since.
    #[serde(default)]
    pub follows: Option<RunId>,
    /// The files of the plan with the SHA-256 of each, sorted by name.
    #[serde(default)]
    pub plan_files: Vec<(String, String)>,
    /// Calls expected, by phase.
    pub forecast: Vec<(String, u64)>,
    /// The time that they are expected to take.
    #[serde(default)]
    pub forecast_time: Option<ForecastTime>,
    /// When the plan was made.
    pub planned_at: Instant,
    /// How long that took, in milliseconds.
    #[serde(default)]
    pub took_ms: Option<u64>,
}

/// How long the calls of a plan take at the rate that was configured when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForecastTime {
    /// Calls that the bucket holds.
    pub calls_per_window: u32,
    /// Time in which a full bucket drains, in seconds.
    pub window_s: u64,
    /// From the first call to the last, in milliseconds.
    pub forecast_ms: u64,
}

/// The build that `query` and `plan` take when nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentBuild {
    /// The build.
    pub build: BuildId,
    /// The chain of snapshots behind it, oldest first.
    pub snapshots: Vec<SnapshotId>,
    /// How long it took to build, in milliseconds, where that was measured.
    #[serde(default)]
    pub took_ms: Option<u64>,
}

/// Every run with a complete plan, oldest first.
pub async fn list(warehouse: &Warehouse) -> Result<Vec<RunFacts>> {
    let mut runs = Vec::new();
    for number in numbers(warehouse).await? {
        runs.extend(warehouse.get_json(&layout::run_facts(&RunId(number))).await?);
    }
    Ok(runs)
}

/// The number after the last run, complete or not.
pub async fn next(warehouse: &Warehouse) -> Result<RunId> {
    Ok(RunId(numbers(warehouse).await?.last().map_or(1, |number| number + 1)))
}

/// Notes that a run's plan is complete.
///
/// # Errors
/// `Refused` when somebody else planned the same run at the same time.
pub async fn create(warehouse: &Warehouse, facts: &RunFacts) -> Result<()> {
    let body = crate::warehouse::json_text(facts)?;
    if warehouse.put_if_absent(&layout::run_facts(&facts.run), body).await? {
        return Ok(());
    }
    Err(Fault::refused(format!("run {} was planned by somebody else", facts.run))
        .hint("run the same command again; it takes the next number"))
}

/// The files of a run's plan as they lie there now, with the SHA-256 of each, sorted by name.
pub async fn plan_files(warehouse: &Warehouse, run: &RunId) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for path in warehouse.list(&layout::plan(run)).await? {
        let name = path.filename().unwrap_or_default().to_owned();
        files.push((name, file_sha256(warehouse, &path).await?));
    }
    Ok(files)
}

/// Checks that the plan of a run is byte for byte the one that was made.
///
/// # Errors
/// `FixData` that names the first file that was changed, added or removed.
pub async fn check_plan_files(warehouse: &Warehouse, facts: &RunFacts) -> Result<()> {
    let found = plan_files(warehouse, &facts.run).await?;
    let (noted, run) = (&facts.plan_files, facts.run);
    let is_in = |files: &[(String, String)], name: &str| files.iter().any(|(one, _)| one == name);
    let what = if noted.is_empty() {
        "has no hashes of its files".to_owned()
    } else if let Some((name, _)) = found.iter().find(|file| !noted.contains(file)) {
        let was_there = is_in(noted, name);
        format!("is not as it was made: {name} was {}", if was_there { "changed" } else { "added" })
    } else if let Some((name, _)) = noted.iter().find(|file| !found.contains(file)) {
        format!("is not as it was made: {name} is gone")
    } else {
        return Ok(());
    };
    Err(Fault::data(format!("the plan of run {run} {what}"))
        .hint("deskferry plan --new makes it again, as another run"))
}

async fn file_sha256(warehouse: &Warehouse, path: &Path) -> Result<String> {
    let found = warehouse.store().get(path).await.map_err(|error| io("read", path, error))?;
    let mut chunks = found.into_stream();
    let mut hash = Sha256::new();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| io("read", path, error))? {
        hash.update(&chunk);
    }
    Ok(hex(&hash.finalize()))
}

/// Makes a build the current one.
pub async fn set_current_build(warehouse: &Warehouse, current: &CurrentBuild) -> Result<()> {
    warehouse.put_json(&layout::current_build(), current).await
}

/// The current build, if anything was built.
pub async fn current_build(warehouse: &Warehouse) -> Result<Option<CurrentBuild>> {
    warehouse.get_json(&layout::current_build()).await
}

async fn numbers(warehouse: &Warehouse) -> Result<Vec<u32>> {
    let names = warehouse.folders(&layout::runs()).await?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}
