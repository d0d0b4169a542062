//! How long a helpdesk has to stand still at cutover: the last delta, from its extraction to the
//! end of its comparison. Measured where it was measured, else counted; it says which.

use kernel::bucket::Shape;
use kernel::{Instant, Result};
use landing::Warehouse;
use landing::run::{CurrentBuild, RunFacts};
use landing::snapshot::{self, SnapshotFacts};

use super::bucket;
use super::plan::duration;
use super::reconcile::readback_name;
use crate::arguments::Format;
use crate::config::Config;
use crate::print;

/// Records of one page of the target's lists.
const PAGE_RECORDS: u64 = 100;

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;

/// One step of the freeze.
struct Step {
    name: &'static str,
    calls: Option<u64>,
    ms: Option<u64>,
    basis: String,
}

/// Prints the steps of the freeze and their sum.
pub(super) async fn print(
    config: &Config,
    warehouse: &Warehouse,
    current: &CurrentBuild,
    facts: &RunFacts,
    records: u64,
    format: Format,
) -> Result<()> {
    let target = config.target()?;
    // A daily quota is a bucket that drains in a day.
    let quota = target.quota().and_then(|calls| u32::try_from(calls).ok());
    let shape = bucket(target).or(quota.map(|calls| Shape { calls, window_ms: DAY_MS }));
    let forecast = facts.forecast.iter().map(|(_, calls)| calls).sum();
    let steps = [
        extraction(warehouse, current).await?,
        measured("transform", current.took_ms, "of the build that is planned from"),
        measured("plan --delta", facts.took_ms, "of this plan"),
        paced("load", forecast, shape, "the calls above"),
        reading(warehouse, &readback_name(config)?, records, shape).await?,
    ];
    print::heading("How long the freeze at cutover takes");
    let cells = |step: &Step| {
        let calls = step.calls.map(|calls| calls.to_string()).unwrap_or_default();
        let time = step.ms.map_or("not known".to_owned(), duration);
        vec![step.name.to_owned(), calls, time, step.basis.clone()]
    };
    let mut rows: Vec<Vec<String>> = steps.iter().map(cells).collect();
    let known_ms: u64 = steps.iter().filter_map(|step| step.ms).sum();
    let unknown = steps.iter().filter(|step| step.ms.is_none()).count();
    let minutes = format!("{:.1} min", known_ms as f64 / 60_000.0);
    let basis = match unknown {
        0 => "all of it".to_owned(),
        _ => format!("without the {unknown} steps that are not known"),
    };
    rows.push(vec!["all".to_owned(), String::new(), minutes, basis]);
    print::rows(format, &["step", "calls", "time", "from"], &rows)
}

async fn extraction(warehouse: &Warehouse, current: &CurrentBuild) -> Result<Step> {
    let mut step = Step {
        name: "extract --delta",
        calls: None,
        ms: None,
        basis: "there was no delta yet".to_owned(),
    };
    let Some(id) = current.snapshots.last() else { return Ok(step) };
    let facts = snapshot::describe(warehouse, id).await?;
    if facts.parent.is_some() {
        step.calls = Some(facts.exchanges);
        step.ms = took_ms(&facts);
        step.basis = format!("measured with {id}");
    }
    Ok(step)
}

fn took_ms(facts: &SnapshotFacts) -> Option<u64> {
    let at = |text: &str| Instant::parse(text);
    Some(at(&facts.sealed_at)?.ms_since(at(&facts.started_at)?))
}

fn measured(name: &'static str, ms: Option<u64>, of: &str) -> Step {
    let basis = match ms {
        Some(_) => format!("measured, {of}"),
        None => "nobody measured it".to_owned(),
    };
    Step { name, calls: None, ms, basis }
}

fn paced(name: &'static str, calls: u64, shape: Option<Shape>, calls_of: &str) -> Step {
    let ms = shape.map(|shape| shape.last_leaves_after_ms(calls));
    let basis = match shape {
        Some(shape) => {
            format!("{calls_of} at {} in {} s", shape.calls, shape.window_ms / 1_000)
        }
        None => "how fast [target] may be called is not known".to_owned(),
    };
    Step { name, calls: Some(calls), ms, basis }
}

/// The read-back takes what the last one took; before there was one, its pages are counted.
async fn reading(
    warehouse: &Warehouse,
    platform: &str,
    records: u64,
    shape: Option<Shape>,
) -> Result<Step> {
    let last = snapshot::list_of(warehouse, platform).await?.pop();
    let (calls, basis) = match last {
        Some(id) => {
            let calls = snapshot::describe(warehouse, &id).await?.exchanges;
            (calls, format!("the calls of {id}"))
        }
        None => (records.div_ceil(PAGE_RECORDS), "a page for 100 records".to_owned()),
    };
    Ok(paced("reconcile", calls, shape, &basis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paced_step_takes_what_the_bucket_lets_through() {
        let shape = Shape { calls: 40, window_ms: 20_000 };
        let step = paced("load", 100, Some(shape), "the calls above");
        assert_eq!(step.ms, Some(shape.last_leaves_after_ms(100)));
        assert_eq!(step.basis, "the calls above at 40 in 20 s");
        assert_eq!(paced("load", 100, None, "the calls above").ms, None);
    }

    #[test]
    fn what_nobody_measured_is_said_to_be_not_known() {
        assert_eq!(measured("transform", None, "of the build").basis, "nobody measured it");
    }
}
