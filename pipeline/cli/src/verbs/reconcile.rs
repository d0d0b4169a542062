//! `deskferry reconcile`: reads the target back in full, compares, and closes with a summary.

use std::time::Duration;

use audit::Summary;
use kernel::{Result, SnapshotId};
use landing::Warehouse;
use landing::ledger_log::{self, Line};
use landing::run::RunFacts;
use landing::session::{Ended, Session, Standing, Work};
use transform::{Models, Reconciled, Scope};

use super::plan::{LOSS_HEADER, duration, loss_cells};
use super::transform_snapshot::print_findings;
use super::{chosen_run, clock, extract_options, now, print_own, tool};
use crate::Ending;
use crate::arguments::{Format, Reconcile};
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, arguments: &Reconcile, format: Format) -> Result<Ending> {
    let (summary, findings) = reconcile(config, arguments).await?;
    print_summary(&summary, format)?;
    Ok(Ending::of(summary.unexplained() + findings))
}

/// Reads the target back and compares, and notes how that ended. Says also how many claims about
/// the comparison do not hold.
pub(super) async fn reconcile(config: &Config, arguments: &Reconcile) -> Result<(Summary, u64)> {
    let warehouse = config.warehouse()?;
    let facts = chosen_run(&warehouse, &arguments.choice).await?;
    let session = Session::begin(&warehouse, facts.run, Work::Reconcile, &tool(), now()).await?;
    let standing = || Standing { at: Some(now()), ..Standing::default() };
    let work = converge(config, &warehouse, &facts, arguments);
    let compared = session.alive(clock().as_ref(), standing, work).await;
    let ended = match &compared {
        Ok((summary, findings)) => Ended::of(summary.unexplained() + findings, true, now()),
        Err(fault) => Ended::failed(fault, now()),
    };
    let noted = session.end(&ended).await;
    let compared = compared?;
    noted.map(|()| compared)
}

/// Reads and compares, and does both again while the target does not show yet what the load knows
/// to be there.
async fn converge(
    config: &Config,
    warehouse: &Warehouse,
    facts: &RunFacts,
    arguments: &Reconcile,
) -> Result<(Summary, u64)> {
    let models = config.models()?;
    print_own(&models);
    let (mut pause_s, mut findings) = (arguments.pause_s, 0);
    for reading in 1..=arguments.reads.max(1) {
        print::talk(&format!("reading {} back", facts.target_address));
        let read = read_back(config, warehouse, facts, &models, arguments.singly).await?;
        print_share(warehouse, facts, read.calls).await?;
        let reconciled = compare(config, warehouse, facts, &read.id).await?;
        findings = reconciled.findings.len() as u64;
        // A reading that began before an interruption shows what was there before it.
        let is_old = read.is_resumed && reconciled.unexplained > 0;
        if reading == arguments.reads.max(1) || (reconciled.lagging == 0 && !is_old) {
            break;
        }
        if is_old {
            print::talk("that reading began before an interruption; reading again");
            continue;
        }
        print::talk(&format!(
            "{} records that were loaded are not listed yet; reading again in {pause_s} s",
            reconciled.lagging
        ));
        tokio::time::sleep(Duration::from_secs(pause_s)).await;
        pause_s = pause_s.saturating_mul(2);
    }
    let scope = Scope {
        snapshots: facts.snapshots.clone(),
        build: Some(facts.build.clone()),
        run: Some(facts.run),
        mapping: config.mapping.clone(),
    };
    Ok((audit::summarize(warehouse, &scope).await?, findings))
}

/// A read-back that is sealed.
struct ReadBack {
    id: SnapshotId,
    calls: u64,
    is_resumed: bool,
}

/// Reads everything back that is compared; of what takes a call for each record, a share.
async fn read_back(
    config: &Config,
    warehouse: &Warehouse,
    facts: &RunFacts,
    models: &Models,
    percent: u8,
) -> Result<ReadBack> {
    let side = config.target()?;
    let mut options = extract_options(side)?;
    // Only what is compared is read.
    let wanted = transform::streams_read_back(side.platform(), models, &config.mapping)?;
    let others = side.manifest.stream_names().into_iter();
    options.skip_streams.extend(others.filter(|name| !wanted.contains(name)));
    let mut alone = transform::read_alone(warehouse, &facts.run, percent).await?;
    let singly = side.manifest.on_demand_streams().into_iter();
    options.only_below =
        singly.map(|name| (name.clone(), alone.remove(&name).unwrap_or_default())).collect();
    let mut manifest = side.manifest.clone();
    manifest.platform = readback_name(config)?;
    // Whoever named the target's address trusts it, and the files that it keeps.
    options.private_hosts.extend(host_of(&side.address()?));
    options.private_hosts.extend(side.files_base_url.as_deref().and_then(host_of));
    let bars = Bars::new();
    let read = extract::extract(warehouse, &manifest, &options, clock(), &bars).await;
    bars.finish();
    let read = read?;
    Ok(ReadBack { id: read.facts.id, calls: read.calls, is_resumed: read.resumed > 0 })
}

/// Under which name what is read back is landed: that of the platform, unless the source has it.
pub(super) fn readback_name(config: &Config) -> Result<String> {
    let platform = config.target()?.platform();
    let is_source = config.source().is_ok_and(|source| source.platform() == platform);
    Ok(if is_source { format!("{platform}-target") } else { platform.to_owned() })
}

async fn compare(
    config: &Config,
    warehouse: &Warehouse,
    facts: &RunFacts,
    readback: &SnapshotId,
) -> Result<Reconciled> {
    let spinner = Bars::spinner("comparing");
    let snapshots = [readback.clone()];
    let (platform, mapping, models) = (&facts.target_platform, &config.mapping, &config.models()?);
    let (build, run) = (&facts.build, &facts.run);
    let reconciled =
        transform::reconcile(warehouse, build, run, platform, &snapshots, mapping, models).await?;
    drop(spinner);
    print::talk(&format!("compared run {run} with read-back {readback}"));
    print_findings(&reconciled.findings);
    Ok(reconciled)
}

/// Says what the reading cost, beside what the load had cost.
async fn print_share(warehouse: &Warehouse, facts: &RunFacts, calls: u64) -> Result<()> {
    let mut loaded = 0;
    for line in ledger_log::read(warehouse, &facts.run).await?.0 {
        if let Line::Calls { phase, calls } = line
            && !phase.starts_with("rollback")
        {
            loaded += calls;
        }
    }
    if loaded > 0 {
        let share = calls as f64 * 100.0 / loaded as f64;
        print::talk(&format!("read with {calls} calls, {share:.1} % of the {loaded} of the load"));
    }
    Ok(())
}

/// The host of an address, as `private_hosts` names it.
fn host_of(address: &str) -> Option<String> {
    let authority = address.split_once("://")?.1.split('/').next()?;
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host.to_owned())
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

    print::heading("Verdicts");
    let verdicts = summary
        .verdicts
        .iter()
        .map(|row| vec![row.table.clone(), row.verdict.clone(), row.values.to_string()]);
    let header = ["record", "verdict", "values"];
    print::rows(format, &header, &verdicts.collect::<Vec<_>>())?;
    print::talk("by field and rule: select * from reconcile.verdicts");

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
    if summary.not_read_alone > 0 {
        print::talk(&format!(
            "{0} records have values that no list of the target shows, and were not read alone: \
             deskferry reconcile --singly 100 reads them, in {0} more calls",
            summary.not_read_alone
        ));
    }
    if summary.quarantined > 0 {
        print::talk(&format!(
            "{} records are in quarantine: select * from quarantine",
            summary.quarantined
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_found() {
        for (address, host) in [
            ("http://127.0.0.1:8711", "127.0.0.1"),
            ("https://acme.gorgias.com/api", "acme.gorgias.com"),
            ("http://[::1]:8711/", "::1"),
        ] {
            assert_eq!(host_of(address).as_deref(), Some(host));
        }
        assert_eq!(host_of("acme"), None);
    }
}
