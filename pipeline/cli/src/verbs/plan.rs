//! `deskferry plan`: every call of the replay, counted before the first one is made.

use kernel::bucket::Shape;
use kernel::{Mapping, Result};
use landing::Warehouse;
use landing::run::{self, CurrentBuild, FORMAT, RunFacts};
use transform::Models;

use super::{now, print_own, transform_snapshot};
use crate::Ending;
use crate::arguments::{Format, Plan};
use crate::bars::Bars;
use crate::config::{Config, Side};
use crate::print;

pub(crate) async fn run(config: &Config, plan: &Plan, format: Format) -> Result<Ending> {
    let warehouse = config.warehouse()?;
    let target = config.target()?;
    let models = config.models()?;
    print_own(&models);
    let (build, current) = transform_snapshot::stage(config, &models, &warehouse).await?;
    let found = match plan.new {
        true => None,
        false => same(config, &models, &warehouse, target, &current).await?,
    };
    let (facts, findings) = match found {
        Some(facts) => (facts, 0),
        None => make(config, &models, &warehouse, target, current).await?,
    };
    let rows: Vec<Vec<String>> = facts
        .forecast
        .iter()
        .map(|(phase, calls)| vec![phase.clone(), calls.to_string()])
        .collect();
    print::rows(format, &["phase", "calls"], &rows)?;
    print_outlook(target, &facts);
    Ok(Ending::of(findings + build.findings.len() as u64))
}

/// The newest run, when it has this very plan.
async fn same(
    config: &Config,
    models: &Models,
    warehouse: &Warehouse,
    target: &Side,
    current: &CurrentBuild,
) -> Result<Option<RunFacts>> {
    let platform = target.platform();
    let hash = transform::plan_hash(&current.build, platform, &config.mapping, models)?;
    let address = target.address()?;
    let newest = run::list(warehouse).await?.pop();
    Ok(newest.filter(|facts| facts.plan_hash == hash && facts.target_address == address))
}

async fn make(
    config: &Config,
    models: &Models,
    warehouse: &Warehouse,
    target: &Side,
    current: CurrentBuild,
) -> Result<(RunFacts, u64)> {
    let id = run::next(warehouse).await?;
    let mapping: &Mapping = &config.mapping;
    let spinner = Bars::spinner("planning");
    let (build, platform) = (&current.build, target.platform());
    let planned = transform::plan(warehouse, build, platform, mapping, models, &id).await?;
    drop(spinner);
    let facts = RunFacts {
        format: FORMAT,
        run: id,
        build: current.build,
        snapshots: current.snapshots,
        target_platform: target.platform().to_owned(),
        target_address: target.address()?,
        plan_hash: planned.hash,
        forecast: planned.forecast,
        planned_at: now(),
    };
    run::create(warehouse, &facts).await?;
    transform_snapshot::print_findings(&planned.findings);
    Ok((facts, planned.findings.len() as u64))
}

/// Time at the rate of each kind of credential, from the equation of the bucket.
fn print_outlook(target: &Side, facts: &RunFacts) {
    let calls: u64 = facts.forecast.iter().map(|(_, calls)| calls).sum();
    print::talk(&format!("run {}: {calls} calls to {}", facts.run, facts.target_address));
    let budget = &target.manifest.api_budget;
    let configured = target.calls_per_window.zip(target.window_s);
    let documented = budget.calls_per_window.zip(budget.window_s);
    let rates = [("as configured", configured), ("as the vendor documents", documented)];
    for (whose, rate) in rates {
        let Some((calls_per_window, window_s)) = rate else { continue };
        let shape = Shape { calls: calls_per_window, window_ms: window_s * 1_000 };
        let takes = duration(seconds(calls, shape));
        print::talk(&format!("{calls_per_window} calls in {window_s} s, {whose}: about {takes}"));
    }
}

/// How long so many calls take from an empty bucket: what fits leaves at once, the rest as it
/// drains.
fn seconds(calls: u64, shape: Shape) -> u64 {
    let waiting = calls.saturating_sub(u64::from(shape.calls));
    (waiting * shape.window_ms).div_ceil(u64::from(shape.calls.max(1)) * 1_000)
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_lets_its_size_through_at_once_and_the_rest_at_its_drain() {
        let key = Shape { calls: 40, window_ms: 20_000 };
        assert_eq!(seconds(40, key), 0);
        assert_eq!(seconds(42, key), 1);
        assert_eq!(seconds(7_240, key), 3_600);
        assert_eq!(duration(3_600), "60 min");
        assert_eq!(duration(200_000), "2 days 7 h");
    }
}
