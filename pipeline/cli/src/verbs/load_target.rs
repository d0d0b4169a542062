//! `deskferry load`: replays the plan into the target.

use std::sync::Arc;

use kernel::{Fault, Result};
use landing::Warehouse;
use landing::run::{self, RunFacts};
use load::{Gorgias, Outcome, Patience};

use super::{chosen_run, clock, plan, target_client};
use crate::Ending;
use crate::arguments::{Format, Load};
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

/// Tickets that are replayed at the same time.
const TICKETS_IN_FLIGHT: usize = 8;
/// Findings that are printed one by one; `query` shows all.
const FINDINGS_SHOWN_MAX: usize = 20;

pub(crate) async fn run(config: &Config, arguments: &Load, format: Format) -> Result<Ending> {
    let warehouse = config.warehouse()?;
    let side = config.target()?;
    let facts = chosen_run(&warehouse, &arguments.choice).await?;
    let address = side.address()?;
    if facts.target_address != address || facts.target_platform != side.platform() {
        return Err(Fault::config(format!(
            "run {} was planned for {}, [target] is {address}",
            facts.run, facts.target_address
        ))
        .hint("deskferry plan makes a run for the target of the configuration"));
    }
    check_plan(config, &warehouse, &facts).await?;
    let settings = side.settings()?;
    let email = settings.get("email").map(String::as_str).unwrap_or_default();
    let target = Gorgias::new(target_client(side)?, &address, email);
    target.recognize().await?;
    let options = load::Options {
        run: facts.run,
        snapshots: facts.snapshots.clone(),
        mapping: config.mapping.clone(),
        limit: arguments.limit,
        only: arguments.only.clone(),
        tickets_in_flight: TICKETS_IN_FLIGHT,
        lookup: side.lookup_s.map(Patience::of_seconds).unwrap_or_default(),
    };
    print::talk(&format!("loading run {} into {address}", facts.run));
    let bars = Bars::new();
    let outcome = load::load(&warehouse, Arc::new(target), &options, clock(), &bars).await;
    bars.finish();
    let outcome = outcome?;
    print_outcome(&outcome, format)?;
    Ok(Ending::of(outcome.findings.len() as u64))
}

/// Whether the plan of a run is still what would be planned now, and nobody has touched it.
async fn check_plan(config: &Config, warehouse: &Warehouse, facts: &RunFacts) -> Result<()> {
    let models = config.models()?;
    let hint = "deskferry plan makes a run of what holds now; what is in the target is recognized";
    let current = run::current_build(warehouse).await?.filter(|now| now.build == facts.build);
    let current = current.ok_or_else(|| {
        Fault::config(format!("the staged tables changed since run {} was planned", facts.run))
            .hint(hint)
    })?;
    let recipe = plan::recipe(config, &models, &current, facts.order)?;
    if transform::plan_hash(recipe)? != facts.plan_hash {
        return Err(Fault::config(format!(
            "[mapping], [target] or the models changed since run {} was planned",
            facts.run
        ))
        .hint(hint));
    }
    run::check_plan_files(warehouse, facts).await
}

fn print_outcome(outcome: &Outcome, format: Format) -> Result<()> {
    let rows: Vec<Vec<String>> = outcome
        .settled
        .iter()
        .map(|((kind, state), count)| {
            vec![kind.word().to_owned(), (*state).to_owned(), count.to_string()]
        })
        .collect();
    print::rows(format, &["record", "state", "count"], &rows)?;
    for finding in outcome.findings.iter().take(FINDINGS_SHOWN_MAX) {
        print::talk(&format!(
            "finding: {} {}: {}",
            finding.kind.word(),
            finding.source_id,
            finding.reason
        ));
    }
    let calls: u64 = outcome.calls_now.values().sum();
    let end = if outcome.complete { "the plan is loaded" } else { "more of the plan remains" };
    print::talk(&format!("{end}: {calls} calls now, {} findings", outcome.findings.len()));
    Ok(())
}
