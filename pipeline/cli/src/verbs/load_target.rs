//! `deskferry load`: replays the plan into the target.

use std::sync::Arc;

use kernel::{Code, Fault, Result};
use landing::Warehouse;
use landing::run::{self, RunFacts};
use landing::session::Standing;
use load::preflight::Permission;
use load::{Outcome, Patience, Stop, Target};

use super::{chosen_run, clock, plan, target, tool};
use crate::Ending;
use crate::arguments::{Format, Load};
use crate::bars::Bars;
use crate::config::Config;
use crate::metrics::Gauges;
use crate::print;
use crate::signals::Signals;

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
        .coded(Code::OtherTarget)
        .hint("deskferry plan makes a run for the target of the configuration"));
    }
    check_plan(config, &warehouse, &facts).await?;
    let target: Arc<dyn Target> = target::open(config)?;
    let stop = Stop::default();
    let signals = Signals::listen(stop.clone())?;
    let options = load::Options {
        run: facts.run,
        snapshots: facts.snapshots.clone(),
        mapping: config.mapping.clone(),
        limit: arguments.limit,
        only: arguments.only.clone(),
        sample: arguments.sample,
        rebuild_ledger: arguments.rebuild_ledger,
        lookup: side.lookup_s.map(Patience::seconds).unwrap_or_default(),
        stop,
        tickets_in_flight: TICKETS_IN_FLIGHT,
        permission: Some(Permission {
            acknowledge: arguments.acknowledge.clone(),
            by: user(),
            calls_per_window: side.calls_per_window,
        }),
        tool: tool(),
    };
    print::talk(&format!("loading run {} into {address}", facts.run));
    let progress = Told { bars: Bars::new(), gauges: Gauges::new(&facts.run) };
    let serving = match arguments.metrics {
        None => None,
        Some(address) => Some(progress.gauges.serve(address).await?),
    };
    let outcome = load::load(&warehouse, target, &options, clock(), &progress).await;
    drop(serving);
    progress.bars.finish();
    let outcome = outcome?;
    print_outcome(&outcome, format)?;
    if outcome.stopped {
        print::talk(&format!("stopped as asked; to go on: {}", same_command()));
        return Ok(Ending::Stopped(signals.exit_code()));
    }
    Ok(Ending::of(outcome.findings.len() as u64))
}

/// The command that goes on; a ledger that was made anew is not made anew again.
fn same_command() -> String {
    let words = std::env::args().filter(|word| word != "--rebuild-ledger");
    words.collect::<Vec<_>>().join(" ")
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
    let runs = run::list(warehouse).await?;
    let follows = runs.iter().find(|earlier| Some(earlier.run) == facts.follows);
    let recipe = plan::recipe(config, &models, &current, facts.order, follows)?;
    if transform::plan_hash(recipe)? != facts.plan_hash {
        return Err(Fault::config(format!(
            "[mapping], [target] or the models changed since run {} was planned",
            facts.run
        ))
        .hint(hint));
    }
    run::check_plan_files(warehouse, facts).await
}

/// Tells the terminal and whoever scrapes.
struct Told {
    bars: Bars,
    gauges: Gauges,
}

impl load::Progress for Told {
    fn phase(&self, phase: &str, total: u64) {
        load::Progress::phase(&self.bars, phase, total);
    }

    fn advance(&self, phase: &str, by: u64) {
        load::Progress::advance(&self.bars, phase, by);
    }

    fn standing(&self, standing: &Standing) {
        self.gauges.set(standing);
    }
}

/// The user of this machine, who answers for what is acknowledged.
#[expect(clippy::disallowed_methods, reason = "the program is who reads the environment")]
fn user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"].into_iter();
    let mut names = names.filter_map(|name| std::env::var(name).ok());
    names.find(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned())
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
