//! Runs: one plan and its replay into one target, and which build is the current one.

use kernel::{BuildId, Fault, Instant, Result, RunId, SnapshotId};
use serde::{Deserialize, Serialize};

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
    /// Calls expected, by phase.
    pub forecast: Vec<(String, u64)>,
    /// When the plan was made.
    pub planned_at: Instant,
}

/// The build that `query` and `plan` take when nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentBuild {
    /// The build.
    pub build: BuildId,
    /// The chain of snapshots behind it, oldest first.
    pub snapshots: Vec<SnapshotId>,
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
