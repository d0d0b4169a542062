//! `deskferry rollback`: takes a run back out of the target, or says what that would remove.

use kernel::{Fault, Result};
use load::Patience;
use load::rollback::{Fate, Options, Outcome, rollback};

use super::{chosen_run, clock, target};
use crate::Ending;
use crate::arguments::{Format, Rollback, RunChoice};
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

/// Records that are worked on at the same time.
const IN_FLIGHT: usize = 8;

pub(crate) async fn run(config: &Config, arguments: &Rollback, format: Format) -> Result<Ending> {
    let warehouse = config.warehouse()?;
    let side = config.target()?;
    let choice = RunChoice { run: Some(arguments.run.clone()) };
    let facts = chosen_run(&warehouse, &choice).await?;
    let address = side.address()?;
    if facts.target_address != address || facts.target_platform != side.platform() {
        return Err(Fault::config(format!(
            "run {} went into {}, [target] is {address}",
            facts.run, facts.target_address
        ))
        .hint("a run is taken back out of the target that it was planned for"));
    }
    let target = target::recognized(config).await?;
    let options = Options {
        run: facts.run,
        mapping: config.mapping.clone(),
        execute: arguments.execute,
        with_adopted: arguments.adopted,
        in_flight: IN_FLIGHT,
        patience: Patience::default(),
    };
    print::talk(&match arguments.execute {
        true => format!("taking run {} back out of {address}", facts.run),
        false => format!("what taking run {} back out of {address} would remove", facts.run),
    });
    let bars = Bars::new();
    let outcome = rollback(&warehouse, target, &options, clock(), &bars).await;
    bars.finish();
    let outcome = outcome?;
    print_outcome(&outcome, arguments.execute, format)?;
    Ok(Ending::of(outcome.left.len() as u64))
}

fn print_outcome(outcome: &Outcome, is_executed: bool, format: Format) -> Result<()> {
    let fates = outcome.fates.iter().filter(|(_, count)| **count > 0);
    let rows: Vec<Vec<String>> = fates
        .map(|((kind, fate), count)| {
            vec![kind.word().to_owned(), fate.word().to_owned(), count.to_string()]
        })
        .collect();
    print::rows(format, &["record", "fate", "count"], &rows)?;
    if !outcome.left.is_empty() {
        print::heading("Touched or refused, so they stay");
        let left = outcome.left.iter().map(|left| {
            let (kind, reasons) = (left.kind.word().to_owned(), left.reasons.join(", "));
            vec![kind, left.source_id.clone(), left.target_id.clone(), reasons]
        });
        let header = ["record", "source_id", "target_id", "why"];
        print::rows(format, &header, &left.collect::<Vec<_>>())?;
    }
    let has = |fate: Fate| outcome.fates.iter().any(|((_, one), count)| *one == fate && *count > 0);
    if has(Fate::Permanent) {
        print::talk("uploaded files stay: the target has no call that removes one");
    }
    let calls: u64 = outcome.calls_now.values().sum();
    print::talk(&match is_executed {
        true => format!("done with {calls} calls; what was removed can be loaded again"),
        false => format!("{calls} calls, all of them reading; --execute removes for good"),
    });
    Ok(())
}
