//! `deskferry transform`: the newest snapshot becomes staged tables, checked.

use kernel::Result;
use landing::Warehouse;
use landing::run::CurrentBuild;
use transform::{Build, Finding, Models};

use super::{newest_snapshot, now, print_own};
use crate::Ending;
use crate::arguments::Format;
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, format: Format) -> Result<Ending> {
    let warehouse = config.warehouse()?;
    let models = config.models()?;
    print_own(&models);
    for (filter, value) in config.mapping.filters() {
        print::talk(&format!("only tickets that the filter {filter} lets through: {value}"));
    }
    let (build, current) = stage(config, &models, &warehouse).await?;
    let rows: Vec<Vec<String>> = build
        .tables
        .iter()
        .filter(|(name, _)| name.starts_with("staged."))
        .map(|(name, rows)| vec![name.clone(), rows.to_string()])
        .collect();
    print::rows(format, &["table", "rows"], &rows)?;
    let how = if build.reused { "was there already" } else { "was built" };
    let from: Vec<String> = current.snapshots.iter().map(ToString::to_string).collect();
    print::talk(&format!("build {} of {} {how}", build.id, from.join(", ")));
    print_findings(&build.findings);
    Ok(Ending::of(build.findings.len() as u64))
}

/// Builds the staged tables, unless they are there, and makes them the current ones.
pub(super) async fn stage(
    config: &Config,
    models: &Models,
    warehouse: &Warehouse,
) -> Result<(Build, CurrentBuild)> {
    let platform = config.source()?.platform();
    let newest = newest_snapshot(warehouse, platform).await?;
    let snapshots = landing::chain::chain(warehouse, &newest).await?;
    let spinner = Bars::spinner("building the staged tables");
    let began_at = now();
    let build = transform::stage(warehouse, platform, &snapshots, &config.mapping, models).await?;
    drop(spinner);
    // A build that was there already took as long as it took then.
    let took_ms = match build.reused {
        false => Some(now().ms_since(began_at)),
        true => landing::run::current_build(warehouse)
            .await?
            .filter(|known| known.build == build.id)
            .and_then(|known| known.took_ms),
    };
    let current = CurrentBuild { build: build.id.clone(), snapshots, took_ms };
    landing::run::set_current_build(warehouse, &current).await?;
    Ok((build, current))
}

/// Says which claims do not hold; the rows that break one only where they say nothing of a person.
pub(super) fn print_findings(findings: &[Finding]) {
    for finding in findings {
        print::talk(&format!("finding: {} has {} offenders", finding.check, finding.offenders));
        if finding.is_printable {
            for row in &finding.samples {
                print::talk(&format!("  {row}"));
            }
            let rest = finding.offenders.saturating_sub(finding.samples.len() as u64);
            if rest > 0 {
                print::talk(&format!("  and {rest} more"));
            }
        }
        if let Some(hint) = &finding.hint {
            print::talk(&format!("hint: {hint}"));
        }
    }
    if findings.is_empty() {
        print::talk("every check passed");
    }
}
