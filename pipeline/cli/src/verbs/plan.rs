//! `deskferry plan`: every call of the replay, counted before the first one is made.

use audit::{ChangeRow, LossRow, Outlook};
use kernel::{Code, Fault, Order, Result};
use landing::Warehouse;
use landing::run::{self, CurrentBuild, FORMAT, ForecastTime, RunFacts};
use transform::{Models, Recipe, Scope};

use super::{bucket, freeze, now, print_own, times, transform_snapshot};
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
    let follows = match plan.delta {
        true => Some(followed(config, &warehouse, &target.address()?).await?),
        false => None,
    };
    let recipe = recipe(config, &models, &current, plan.order.into(), follows.as_ref())?;
    let found = match plan.new {
        true => None,
        false => same(config, &warehouse, recipe).await?,
    };
    let (facts, findings) = match found {
        Some(facts) => (facts, 0),
        None => make(config, &warehouse, recipe, &current).await?,
    };
    let scope = Scope {
        snapshots: facts.snapshots.clone(),
        build: Some(facts.build.clone()),
        run: Some(facts.run),
        mapping: config.mapping.clone(),
    };
    let outlook = audit::look_ahead(&warehouse, &scope).await?;
    if let Some(follows) = &facts.follows {
        print::heading(&format!("What changed since run {follows}"));
        let header = ["records", "kind", "change", "becomes"];
        let cells = |row: &ChangeRow| {
            let (kind, change) = (row.kind.clone(), row.change.clone());
            vec![row.rows.to_string(), kind, change, row.becomes.clone()]
        };
        let changes: Vec<Vec<String>> = outlook.changes.iter().map(cells).collect();
        print_unless_empty(format, &header, &changes, "nothing")?;
        print::talk("each of them: select * from plan.changes");
    }
    print_outlook(&outlook, target, &facts, format)?;
    if facts.follows.is_some() {
        freeze::print(config, &warehouse, &current, &facts, outlook.records, format).await?;
    }
    Ok(Ending::of(findings + build.findings.len() as u64))
}

/// What a plan is made from.
pub(super) fn recipe<'a>(
    config: &'a Config,
    models: &'a Models,
    current: &'a CurrentBuild,
    order: Order,
    follows: Option<&'a RunFacts>,
) -> Result<Recipe<'a>> {
    let (build, mapping) = (&current.build, &config.mapping);
    Ok(Recipe { build, target: config.target()?.platform(), mapping, models, order, follows })
}

/// The run that a delta is planned against, made by the same decisions.
async fn followed(config: &Config, warehouse: &Warehouse, address: &str) -> Result<RunFacts> {
    let facts = load::followed(warehouse, address).await?.ok_or_else(|| {
        Fault::config(format!("no run was loaded into {address} to its end"))
            .coded(Code::NoRun)
            .hint(
                "deskferry plan, without --delta, plans everything and asks the target what it has",
            )
    })?;
    let broken = config.mapping.broken_with(&facts.mapping);
    let broken: Vec<String> =
        broken.map(|(key, then, now)| format!("{key} was {then:?} and is {now:?}")).collect();
    if broken.is_empty() {
        return Ok(facts);
    }
    let run = facts.run;
    Err(Fault::config(format!("[mapping] is not that of run {run}: {}", broken.join("; "))).hint(
        format!(
            "what run {run} brought in was made by the earlier decisions; set them back for the \
             delta, or take the run back with deskferry rollback {run} and plan without --delta"
        ),
    ))
}

/// The newest run, when it has this very plan and nobody has touched it.
async fn same(
    config: &Config,
    warehouse: &Warehouse,
    recipe: Recipe<'_>,
) -> Result<Option<RunFacts>> {
    let hash = transform::plan_hash(recipe)?;
    let address = config.target()?.address()?;
    let newest = run::list(warehouse).await?.pop();
    let same = newest.filter(|facts| facts.plan_hash == hash && facts.target_address == address);
    if let Some(facts) = &same {
        run::check_plan_files(warehouse, facts).await?;
    }
    Ok(same)
}

async fn make(
    config: &Config,
    warehouse: &Warehouse,
    recipe: Recipe<'_>,
    current: &CurrentBuild,
) -> Result<(RunFacts, u64)> {
    let (target, began_at) = (config.target()?, now());
    let id = run::next(warehouse).await?;
    let spinner = Bars::spinner("planning");
    let planned = transform::plan(warehouse, recipe, &id).await?;
    let plan_files = run::plan_files(warehouse, &id).await?;
    drop(spinner);
    let calls = planned.forecast.iter().map(|(_, calls)| calls).sum();
    let forecast_time = bucket(target).map(|shape| ForecastTime {
        calls_per_window: shape.calls,
        window_s: shape.window_ms / 1_000,
        forecast_ms: shape.last_leaves_after_ms(calls),
    });
    let facts = RunFacts {
        format: FORMAT,
        run: id,
        build: current.build.clone(),
        snapshots: current.snapshots.clone(),
        target_platform: target.platform().to_owned(),
        target_address: target.address()?,
        plan_hash: planned.hash,
        filters: filters(recipe.mapping),
        mapping: config.mapping.iter().map(owned).collect(),
        order: recipe.order,
        follows: recipe.follows.map(|facts| facts.run),
        plan_files,
        forecast: planned.forecast,
        forecast_time,
        planned_at: now(),
        took_ms: Some(now().ms_since(began_at)),
    };
    run::create(warehouse, &facts).await?;
    transform_snapshot::print_findings(&planned.findings);
    Ok((facts, planned.findings.len() as u64))
}

fn filters(mapping: &kernel::Mapping) -> Vec<(String, String)> {
    mapping.filters().map(owned).collect()
}

fn owned((key, value): (&str, &str)) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn print_outlook(outlook: &Outlook, target: &Side, facts: &RunFacts, format: Format) -> Result<()> {
    print::heading(&format!("Calls of run {} to {}", facts.run, facts.target_address));
    times::print_calls(&outlook.phases, target, format)?;
    print::talk("each of them: select * from plan.calls");

    print::heading("Time, from the first call to the last");
    times::print_times(&outlook.phases, target, format)?;

    print::heading("What the target would refuse as it is");
    let refusals = outlook.refusals.iter().map(|row| {
        let advice = row.advice.clone().unwrap_or_default();
        let (kind, rule) = (row.kind.clone(), row.rule.clone());
        vec![row.rows.to_string(), kind, row.fix.clone(), rule, advice, row.example.clone()]
    });
    let refusals: Vec<Vec<String>> = refusals.collect();
    let header = ["records", "kind", "fix", "rule", "what was or can be done", "for instance"];
    print_unless_empty(format, &header, &refusals, "nothing")?;

    print::heading("What will be lost, and where the original survives");
    let losses: Vec<Vec<String>> = outlook.losses.iter().map(loss_cells).collect();
    print_unless_empty(format, &LOSS_HEADER, &losses, "nothing")
}

/// The header over [`loss_cells`].
pub(super) const LOSS_HEADER: [&str; 4] =
    ["records", "what happened", "rule", "the original, for instance"];

/// A rule of losses as people read it.
pub(super) fn loss_cells(row: &LossRow) -> Vec<String> {
    let survives_in = row.survives_in.clone().unwrap_or_default();
    vec![row.rows.to_string(), audit::meaning(&row.rule).to_owned(), row.rule.clone(), survives_in]
}

fn print_unless_empty(
    format: Format,
    header: &[&str],
    rows: &[Vec<String>],
    otherwise: &str,
) -> Result<()> {
    if rows.is_empty() {
        print::talk(otherwise);
        return Ok(());
    }
    print::rows(format, header, rows)
}

/// A time as people say it.
pub(super) fn duration(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    match seconds {
        0..120 => format!("{:.1} s", ms as f64 / 1_000.0),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let said = [0, 20_500, 3_600_000, 200_000_000].map(duration);
        assert_eq!(said, ["0.0 s", "20.5 s", "60 min", "2 days 7 h"]);
    }
}
