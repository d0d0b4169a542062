//! What a plan says before anything is written: its calls by phase, what the target would refuse,
//! and what will be lost.
//!
//! It reads the tables of the plan. How long the calls take is not its business.

use kernel::Result;
use landing::Warehouse;
use serde::{Deserialize, Serialize};
use transform::Scope;

use crate::LossRow;
use crate::question::read_rows;

/// Calls of one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseRow {
    /// The phase.
    pub phase: String,
    /// Calls that it will take.
    pub calls: u64,
    /// At most how many bytes their bodies have.
    pub bytes: u64,
    /// The same calls with packing auto.
    pub auto_calls: u64,
    /// The same calls with packing seed.
    pub seed_calls: u64,
}

/// Records that the target would not take as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalRow {
    /// Whether the plan holds what fits already: `applied` or `proposed`.
    pub fix: String,
    /// What they break.
    pub rule: String,
    /// What kind of record.
    pub kind: String,
    /// How many.
    pub rows: u64,
    /// What was done, or what to do.
    pub advice: Option<String>,
    /// The id of one of them.
    pub example: String,
}

/// Records that changed at the source since the run that a plan follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// What kind of record.
    pub kind: String,
    /// What changed.
    pub change: String,
    /// What is done about it.
    pub becomes: String,
    /// How many.
    pub rows: u64,
}

/// Everything that a plan says beforehand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// Calls, in the order of the phases.
    pub phases: Vec<PhaseRow>,
    /// What the target would refuse, by rule.
    pub refusals: Vec<RefusalRow>,
    /// What will be lost, by rule.
    pub losses: Vec<LossRow>,
    /// What changed since the run that it follows.
    pub changes: Vec<ChangeRow>,
    /// Records that the target holds afterwards.
    pub records: u64,
}

const PHASES: &str = "
select phase, calls, bytes, auto_calls, seed_calls
from plan.forecast
order by place";

const REFUSALS: &str = "
select fix, rule, kind, count(*) as \"rows\", min(advice) as advice, min(source_id) as example
from plan.refusals
group by fix, rule, kind
order by fix desc, count(*) desc, rule, kind";

const LOSSES: &str = "
select rule, stream, count(*) as \"rows\", min(survives_in) as survives_in
from losses.records
where stage <> 'loaded'
group by rule, stream
order by count(*) desc, rule, stream";

const CHANGES: &str = "
select kind, change, becomes, count(*) as \"rows\"
from plan.changes
group by kind, change, becomes
order by kind desc, change, becomes";

const RECORDS: &str = "
select (select count(*) from plan.customers) + (select count(*) from plan.tickets)
    + (select count(*) from plan.messages) as records";

#[derive(Deserialize)]
struct RecordsRow {
    records: u64,
}

/// Reads what the plan of the scope's run says.
pub async fn look_ahead(warehouse: &Warehouse, scope: &Scope) -> Result<Outlook> {
    let session = transform::catalog(warehouse, scope).await?;
    let records: Vec<RecordsRow> = read_rows(&transform::select(&session, RECORDS).await?)?;
    Ok(Outlook {
        phases: read_rows(&transform::select(&session, PHASES).await?)?,
        refusals: read_rows(&transform::select(&session, REFUSALS).await?)?,
        losses: read_rows(&transform::select(&session, LOSSES).await?)?,
        changes: read_rows(&transform::select(&session, CHANGES).await?)?,
        records: records.first().map_or(0, |row| row.records),
    })
}
