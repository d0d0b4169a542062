//! `deskferry load`: replays the plan into the target.

use std::sync::Arc;

use kernel::{Code, Fault, Result};
use landing::session::Standing;
use load::preflight::Permission;
use load::{Gorgias, Outcome};

use super::{chosen_run, clock, target_client, tool};
use crate::Ending;
use crate::arguments::{Format, Load};
use crate::bars::Bars;
use crate::config::Config;
use crate::metrics::Gauges;
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
        .coded(Code::OtherTarget)
        .hint("deskferry plan makes a run for the target of the configuration"));
    }
    let settings = side.settings()?;
    let email = settings.get("email").map(String::as_str).unwrap_or_default();
    let target = Gorgias::new(target_client(side)?, &address, email);
    let options = load::Options {
        run: facts.run,
        snapshots: facts.snapshots.clone(),
        mapping: config.mapping.clone(),
        limit: arguments.limit,
        only: arguments.only.clone(),
        tickets_in_flight: TICKETS_IN_FLIGHT,
        permission: Some(Permission {
            acknowledge: arguments.acknowledge.clone(),
            by: user(),
            calls_per_window: side.calls_per_window,
        }),
        tool: tool(),
        ..load::Options::default()
    };
    print::talk(&format!("loading run {} into {address}", facts.run));
    let progress = Told { bars: Bars::new(), gauges: Gauges::new(&facts.run) };
    let serving = match arguments.metrics {
        None => None,
        Some(address) => Some(progress.gauges.serve(address).await?),
    };
    let outcome = load::load(&warehouse, Arc::new(target), &options, clock(), &progress).await;
    drop(serving);
    progress.bars.finish();
    let outcome = outcome?;
    print_outcome(&outcome, format)?;
    Ok(Ending::of(outcome.findings.len() as u64))
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
