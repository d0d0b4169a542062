//! The summary that closes a move: what was moved, what was lost and where it survives, calls made
//! against calls forecast, and every difference by its rule.

use kernel::Result;
use landing::Warehouse;
use serde::{Deserialize, Serialize};
use transform::Scope;

use crate::question::read_rows;

/// A kind of record, counted on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedRow {
    /// The kind: customers, tickets, messages, attachments.
    pub table: String,
    /// Records that were staged.
    pub staged: u64,
    /// Records that a rule keeps out.
    pub lost_by_rule: u64,
    /// Records that were planned.
    pub planned: u64,
    /// Planned records that the target has.
    pub in_target: u64,
    /// Records with a difference that no rule explains.
    pub unexplained: u64,
}

/// What a rule cut, mapped down or left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossRow {
    /// The rule.
    pub rule: String,
    /// The stream it concerns.
    pub stream: String,
    /// How many rows.
    pub rows: u64,
    /// Where the original of one of them survives.
    pub survives_in: Option<String>,
}

/// Calls of one phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// The phase.
    pub phase: String,
    /// Calls that the plan expected.
    pub forecast: u64,
    /// Calls that were made.
    pub made: u64,
}

/// The time of all calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeRow {
    /// The rate that the plan counted with: calls that the bucket holds.
    pub calls_per_window: u32,
    /// And the time in which it drains, in seconds.
    pub window_s: u64,
    /// What the plan expected, from the first call to the last, in milliseconds.
    pub forecast_ms: u64,
    /// What the sessions of the load took, in milliseconds.
    pub made_ms: u64,
}

/// Differences of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceRow {
    /// The kind of record.
    pub table: String,
    /// The field.
    pub field: String,
    /// Whether a rule explains it.
    pub verdict: String,
    /// The rule, if any.
    pub rule: Option<String>,
    /// How many.
    pub rows: u64,
}

/// Fields of one kind of record that have one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// The kind of record.
    pub table: String,
    /// The verdict.
    pub verdict: String,
    /// How many fields of how many records, in all.
    pub values: u64,
}

/// Everything that closes a move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Records on both sides.
    pub moved: Vec<MovedRow>,
    /// What was lost, by rule.
    pub losses: Vec<LossRow>,
    /// Calls, by phase.
    pub calls: Vec<CallRow>,
    /// Their time; `None` when the plan knew no rate.
    pub time: Option<TimeRow>,
    /// Fields of all records, by verdict.
    pub verdicts: Vec<VerdictRow>,
    /// Differences, by kind.
    pub differences: Vec<DifferenceRow>,
    /// Records of which a planned value was not read, because only a call for each shows it.
    pub not_read_alone: u64,
    /// Records in quarantine.
    pub quarantined: u64,
}

impl Summary {
    /// Differences that no rule explains.
    pub fn unexplained(&self) -> u64 {
        let rows = self.differences.iter().filter(|row| row.verdict == "unexplained");
        rows.map(|row| row.rows).sum()
    }
}

const MOVED: &str = "
select counts.\"table\", counts.staged, counts.lost_by_rule, counts.planned, counts.in_target,
    counts.unexplained
from reconcile.counts as counts
order by case counts.\"table\"
    when 'customers' then 1 when 'tickets' then 2 when 'messages' then 3 else 4 end";

const LOSSES: &str = "
select losses.rule, losses.stream, count(*) as \"rows\", min(losses.survives_in) as survives_in
from reconcile.losses
group by losses.rule, losses.stream
order by count(*) desc, losses.rule, losses.stream";

const CALLS: &str = "
select coalesce(forecast.phase, calls.phase) as phase, coalesce(forecast.calls, 0) as forecast,
    coalesce(calls.calls, 0) as made
from plan.forecast
full join ledger.calls on calls.phase = forecast.phase
where coalesce(forecast.calls, 0) > 0 or coalesce(calls.calls, 0) > 0
order by phase";

const TIME: &str = "select took_ms as \"rows\" from ledger.time";
const VERDICTS: &str = "
select verdicts.\"table\", verdicts.verdict, cast(sum(verdicts.records) as bigint) as \"values\"
from reconcile.verdicts
group by verdicts.\"table\", verdicts.verdict
order by verdicts.\"table\", verdicts.verdict";

const DIFFERENCES: &str = "
select differences.\"table\", differences.field, differences.verdict, differences.rule,
    count(*) as \"rows\"
from reconcile.differences
group by differences.\"table\", differences.field, differences.verdict, differences.rule
order by differences.verdict desc, count(*) desc, differences.\"table\", differences.field";

const NOT_READ_ALONE: &str = "
select count(*) as \"rows\"
from (
    select distinct unlisted.\"table\", unlisted.source_id
    from reconcile.unlisted_values as unlisted
    where not unlisted.is_read
) as records";

const QUARANTINED: &str = "select count(*) as \"rows\" from staged.quarantine";

/// Reads the summary of the scope's run, which must have been reconciled.
pub async fn summarize(warehouse: &Warehouse, scope: &Scope) -> Result<Summary> {
    #[derive(Deserialize)]
    struct Count {
        rows: u64,
    }
    let session = transform::catalog(warehouse, scope).await?;
    let counted: Vec<Count> = read_rows(&transform::select(&session, QUARANTINED).await?)?;
    let unread: Vec<Count> = read_rows(&transform::select(&session, NOT_READ_ALONE).await?)?;
    let took: Vec<Count> = read_rows(&transform::select(&session, TIME).await?)?;
    let made_ms = took.iter().map(|count| count.rows).sum();
    let runs = landing::run::list(warehouse).await?;
    let facts = runs.iter().find(|facts| Some(facts.run) == scope.run);
    let time = facts.and_then(|facts| facts.forecast_time).map(|time| TimeRow {
        calls_per_window: time.calls_per_window,
        window_s: time.window_s,
        forecast_ms: time.forecast_ms,
        made_ms,
    });
    Ok(Summary {
        moved: read_rows(&transform::select(&session, MOVED).await?)?,
        losses: read_rows(&transform::select(&session, LOSSES).await?)?,
        calls: read_rows(&transform::select(&session, CALLS).await?)?,
        time,
        verdicts: read_rows(&transform::select(&session, VERDICTS).await?)?,
        differences: read_rows(&transform::select(&session, DIFFERENCES).await?)?,
        not_read_alone: unread.iter().map(|count| count.rows).sum(),
        quarantined: counted.iter().map(|count| count.rows).sum(),
    })
}
