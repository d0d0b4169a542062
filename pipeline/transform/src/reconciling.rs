//! What should be in the target against what is: staged rows, the ledger and a read-back.
//!
//! It writes only below the run's report and calls nobody.

use std::collections::BTreeSet;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use futures::StreamExt;
use kernel::{BuildId, Fault, Mapping, Result, RunId, SnapshotId};
use landing::{Warehouse, layout};

use crate::catalog;
use crate::graph::{self, Known};
use crate::landed::Landed;
use crate::models::{Layer, Model, Models};
use crate::session::Session;
use crate::staging;
use crate::tables::{self, Finding};

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciled {
    /// How many records of each kind there are on each side.
    pub counts: Vec<TableCounts>,
    /// Differences that no rule explains.
    pub unexplained: u64,
    /// Differences that a rule explains.
    pub explained: u64,
    /// Records that the ledger knows to be in the target and that its lists do not show, or not
    /// with all their messages. They may show them later.
    pub lagging: u64,
    /// Tables that were written, with their rows.
    pub tables: Vec<(String, u64)>,
    /// Claims about the comparison itself that do not hold.
    pub findings: Vec<Finding>,
}

/// The row of one kind of record in `reconcile.counts`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableCounts {
    /// The kind: customers, tickets, messages, attachments, sections, articles.
    pub table: String,
    /// Records that were staged.
    pub staged: u64,
    /// Records that were planned.
    pub planned: u64,
    /// Planned records that the target has.
    pub in_target: u64,
    /// Staged records that a rule keeps out of the plan.
    pub lost_by_rule: u64,
    /// Records with a difference that no rule explains.
    pub unexplained: u64,
    /// Records of the target that are not ours.
    pub others: u64,
}

/// Compares a run with what was read back from its target, snapshots oldest first, and writes the
/// comparison into the run's report.
///
/// # Errors
/// `FixConfig` when build, run or read-back do not exist, `FixData` for SQL that fails.
pub async fn reconcile(
    warehouse: &Warehouse,
    build: &BuildId,
    run: &RunId,
    target: &str,
    readback: &[SnapshotId],
    mapping: &Mapping,
    models: &Models,
) -> Result<Reconciled> {
    let session = Session::open(warehouse)?;
    let mut known = catalog::register_build(&session, build).await?;
    let plan = layout::plan_table(run, "any");
    let planned = catalog::register_folder(&session, &plan, "plan").await?;
    if planned.is_empty() {
        return Err(
            Fault::config(format!("run {run} has no plan")).hint("deskferry plan makes one")
        );
    }
    known.extend(planned);
    known.extend(catalog::register_ledger(&session, run).await?);
    tables::register_mapping(&session, mapping)?;
    known.push("config.mapping".to_owned());
    let known = Known { tables: known.into_iter().collect() };
    let ordered = graph::in_order(wanted_models(target, models)?, schema_of, &known)?;
    let landed = Landed { session: &session, snapshots: readback };
    let streams: BTreeSet<String> = staging::landed_streams(&ordered)?;
    landed.register(&streams).await?;
    let place = |model: &Model| match model.layer {
        Layer::Readback(_) => layout::report_table(run, &format!("readback/{}", model.name)),
        _ => layout::report_table(run, &model.name),
    };
    let (tables, findings) = staging::run(&session, &ordered, &[], schema_of, place).await?;
    let counts = counts_of(&session).await?;
    let [explained, unexplained] = numbers(&session, VERDICTS).await?;
    let [lagging] = numbers(&session, LAGGING).await?;
    Ok(Reconciled { counts, unexplained, explained, lagging, tables, findings })
}

fn wanted_models(target: &str, models: &Models) -> Result<Vec<Model>> {
    let wanted = models.of(|layer| match layer {
        Layer::Readback(of) | Layer::ReconcileFor(of) => of == target,
        Layer::Reconcile => true,
        other => other.checks("reconcile", target),
    })?;
    if wanted.iter().any(|model| matches!(model.layer, Layer::Readback(_))) {
        Ok(wanted)
    } else {
        Err(Fault::config(format!("there are no models that read {target:?} back")))
    }
}

/// The streams of a target that a comparison reads. A help center into which nothing is carried is
/// somebody else's, and takes many calls.
///
/// # Errors
/// `FixConfig` when the target is unknown.
pub fn streams_read_back(
    target: &str,
    models: &Models,
    mapping: &Mapping,
) -> Result<BTreeSet<String>> {
    let wanted = wanted_models(target, models)?;
    let is_carried = mapping.get("help_center") != "skip";
    let reading = wanted.into_iter().filter(|model| {
        matches!(model.layer, Layer::Readback(_)) && (is_carried || !is_of_help_center(&model.name))
    });
    let mut streams = staging::landed_streams(&reading.collect::<Vec<_>>())?;
    streams.remove("downloads");
    Ok(streams)
}

fn is_of_help_center(name: &str) -> bool {
    name == "sections" || name == "articles" || name.starts_with("help_center_")
}

fn schema_of(layer: &Layer) -> &'static str {
    match layer {
        Layer::Readback(_) => "readback",
        _ => "reconcile",
    }
}

const VERDICTS: &str = "select count(*) filter (where verdict <> 'unexplained'), \
    count(*) filter (where verdict = 'unexplained') from reconcile.differences";

const LAGGING: &str = "select count(distinct differences.source_id) \
    from reconcile.differences \
    inner join ledger.records \
        on differences.source_id = records.source_id \
        and differences.\"table\" = concat(records.kind, 's') \
    where records.state in ('done', 'matched') and differences.verdict = 'unexplained' \
        and (differences.field = 'existence' and differences.found = 'missing' \
            or differences.field = 'messages')";

async fn counts_of(session: &Session) -> Result<Vec<TableCounts>> {
    let columns = ["staged", "planned", "in_target", "lost_by_rule", "unexplained", "others"];
    let sql = format!(
        "select \"table\", {} from reconcile.counts order by \"table\"",
        columns.map(|name| format!("cast({name} as bigint)")).join(", ")
    );
    let mut counts = Vec::new();
    let mut rows = crate::select::select_stream(&session.context, &sql).await?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            let number = |column: usize| {
                let numbers = batch.column(column).as_primitive::<Int64Type>();
                let is_known = !numbers.is_null(row);
                u64::try_from(if is_known { numbers.value(row) } else { 0 }).unwrap_or(0)
            };
            counts.push(TableCounts {
                table: batch.column(0).as_string::<i32>().value(row).to_owned(),
                staged: number(1),
                planned: number(2),
                in_target: number(3),
                lost_by_rule: number(4),
                unexplained: number(5),
                others: number(6),
            });
        }
    }
    Ok(counts)
}

/// The numbers in the one row that a question answers with.
async fn numbers<const COLUMNS: usize>(session: &Session, sql: &str) -> Result<[u64; COLUMNS]> {
    let rows = crate::select::select(&session.context, sql).await?;
    let batch = rows.iter().find(|batch| batch.num_rows() > 0);
    Ok(std::array::from_fn(|column| {
        let number = batch.map(|batch| batch.column(column).as_primitive::<Int64Type>().value(0));
        number.and_then(|number| u64::try_from(number).ok()).unwrap_or(0)
    }))
}

fn unreadable(error: datafusion::error::DataFusionError) -> Fault {
    Fault::data("the comparison cannot be read back").because(error)
}
