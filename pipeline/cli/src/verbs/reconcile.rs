//! `deskferry reconcile`: reads the target back in full, compares, and closes with a summary.

use audit::Summary;
use kernel::Result;
use landing::Warehouse;
use landing::run::RunFacts;
use landing::session::{Ended, Session, Standing, Work};
use transform::Scope;

use super::plan::{LOSS_HEADER, duration, loss_cells};
use super::{chosen_run, clock, extract_options, now, print_own, tool};
use crate::Ending;
use crate::arguments::{Format, RunChoice};
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, choice: &RunChoice, format: Format) -> Result<Ending> {
    let summary = reconcile(config, choice).await?;
    print_summary(&summary, format)?;
    Ok(Ending::of(summary.unexplained()))
}

/// Reads the target back and compares, and notes how that ended.
pub(super) async fn reconcile(config: &Config, choice: &RunChoice) -> Result<Summary> {
    let warehouse = config.warehouse()?;
    let facts = chosen_run(&warehouse, choice).await?;
    let session = Session::begin(&warehouse, facts.run, Work::Reconcile, &tool(), now()).await?;
    let standing = || Standing { at: Some(now()), ..Standing::default() };
    let work = compare(config, &warehouse, &facts);
    let compared = session.alive(clock().as_ref(), standing, work).await;
    let ended = match &compared {
        Ok(summary) => Ended::of(summary.unexplained(), true, now()),
        Err(fault) => Ended::failed(fault, now()),
    };
    let noted = session.end(&ended).await;
    let summary = compared?;
    noted.map(|()| summary)
}

async fn compare(config: &Config, warehouse: &Warehouse, facts: &RunFacts) -> Result<Summary> {
    let side = config.target()?;
    let (models, mapping) = (config.models()?, &config.mapping);
    print_own(&models);
    let options = extract_options(side)?;
    print::talk(&format!("reading {} back", facts.target_address));
    let bars = Bars::new();
    let read = extract::extract(warehouse, &side.manifest, &options, clock(), &bars).await;
    bars.finish();
    let readback = read?.facts.id;
    let spinner = Bars::spinner("comparing");
    let platform = side.platform();
    let snapshots = [readback.clone()];
    let (build, run) = (&facts.build, &facts.run);
    transform::reconcile(warehouse, build, run, platform, &snapshots, mapping, &models).await?;
    drop(spinner);
    print::talk(&format!("compared run {} with read-back {readback}", facts.run));
    let scope = Scope {
        snapshots: facts.snapshots.clone(),
        build: Some(facts.build.clone()),
        run: Some(facts.run),
        mapping: config.mapping.clone(),
    };
    audit::summarize(warehouse, &scope).await
}

/// The summary that a support lead reads.
pub(super) fn print_summary(summary: &Summary, format: Format) -> Result<()> {
    print::heading("What was moved");
    let moved = summary.moved.iter().map(|row| {
        let counts = [row.staged, row.lost_by_rule, row.planned, row.in_target, row.unexplained];
        let counts = counts.iter().map(ToString::to_string);
        std::iter::once(row.table.clone()).chain(counts).collect()
    });
    let header = ["record", "staged", "left out", "planned", "in target", "unexplained"];
    print::rows(format, &header, &moved.collect::<Vec<_>>())?;

    print::heading("What was lost, and where the original survives");
    let losses: Vec<Vec<String>> = summary.losses.iter().map(loss_cells).collect();
    print::rows(format, &LOSS_HEADER, &losses)?;
    print::talk("all of them: select * from reconcile.losses");

    print::heading("Calls");
    let total = |pick: fn(&audit::CallRow) -> u64| summary.calls.iter().map(pick).sum::<u64>();
    let mut calls: Vec<Vec<String>> = summary
        .calls
        .iter()
        .map(|row| vec![row.phase.clone(), row.forecast.to_string(), row.made.to_string()])
        .collect();
    let (forecast, made) = (total(|row| row.forecast), total(|row| row.made));
    calls.push(vec!["all".to_owned(), forecast.to_string(), made.to_string()]);
    print::rows(format, &["phase", "forecast", "made"], &calls)?;
    if let Some(time) = &summary.time {
        print::talk(&format!(
            "time at {} calls in {} s: forecast {}, made in {}",
            time.calls_per_window,
            time.window_s,
            duration(time.forecast_ms),
            duration(time.made_ms)
        ));
    }

    print::heading("Differences");
    let differences = summary.differences.iter().map(|row| {
        let rule = row.rule.clone().unwrap_or_default();
        let (table, field) = (row.table.clone(), row.field.clone());
        vec![table, field, row.verdict.clone(), rule, row.rows.to_string()]
    });
    let differences: Vec<Vec<String>> = differences.collect();
    if !differences.is_empty() {
        let header = ["record", "field", "verdict", "rule", "records"];
        print::rows(format, &header, &differences)?;
    }
    let unexplained = summary.unexplained();
    print::talk(&match unexplained {
        0 => "no difference is unexplained".to_owned(),
        _ => format!(
            "{unexplained} differences are unexplained: select * from reconcile.differences \
             where verdict = 'unexplained'"
        ),
    });
    if summary.quarantined > 0 {
        print::talk(&format!(
            "{} records are in quarantine: select * from quarantine",
            summary.quarantined
        ));
    }
    Ok(())
}
