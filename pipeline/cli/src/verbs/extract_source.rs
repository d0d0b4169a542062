//! `deskferry extract`: the source becomes a sealed snapshot.

use extract::WhenUsedUp;
use kernel::{Fault, Instant, Result};
use landing::Warehouse;
use landing::snapshot::{SnapshotFacts, StreamFacts};

use super::{clock, extract_options, now};
use crate::Ending;
use crate::arguments::{Extract, Format};
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, extract: &Extract, format: Format) -> Result<Ending> {
    let side = config.source()?;
    let warehouse = locked(config.warehouse()?, extract.lock_until.as_deref()).await?;
    let mut options = extract_options(side)?;
    options.is_delta = extract.delta;
    if extract.until_quota {
        options.when_used_up = WhenUsedUp::Stop;
    }
    print::talk(&format!("extracting {} from {}", side.manifest.name, side.address()?));
    let bars = Bars::new();
    let outcome = extract::extract(&warehouse, &side.manifest, &options, clock(), &bars).await;
    bars.finish();
    if let Some(standing) = bars.standing() {
        print::talk(&standing);
    }
    let outcome = outcome?;
    if outcome.resumed > 0 {
        print::talk(&format!(
            "went on with an interrupted extraction: {} exchanges were there already",
            outcome.resumed
        ));
    }
    print_streams(&outcome.facts, format)?;
    let facts = &outcome.facts;
    print::talk(&format!(
        "sealed snapshot {}: {} calls, {} bytes of replies, {} files, {} gaps",
        facts.id,
        outcome.calls,
        facts.body_bytes,
        facts.files,
        facts.gaps.len(),
    ));
    for sentence in &facts.unproven {
        print::talk(&format!("not proven: {sentence}"));
    }
    Ok(Ending::of(facts.gaps.len() as u64))
}

/// The warehouse, with a lock on what is sealed into it if one was asked for.
async fn locked(warehouse: Warehouse, until: Option<&str>) -> Result<Warehouse> {
    let Some(text) = until else { return Ok(warehouse) };
    let until = Instant::parse(&format!("{text}T00:00:00Z")).ok_or_else(|| {
        Fault::config(format!("--lock-until {text:?} is not a day")).hint(
            "write it as in --lock-until 2036-12-31; the lock ends as that day begins, in UTC",
        )
    })?;
    warehouse.lock_until(until, now()).await
}

/// Counts per stream, and what could not be read.
pub(super) fn print_streams(facts: &SnapshotFacts, format: Format) -> Result<()> {
    let classes = classes_of(facts);
    let row = |(name, stream): (&String, &StreamFacts)| {
        let gaps = facts.gaps.iter().filter(|gap| gap.stream == *name).count();
        let complete = if stream.complete { "yes" } else { "no" };
        let mut row = vec![
            name.clone(),
            stream.keys.to_string(),
            stream.records.to_string(),
            gaps.to_string(),
            complete.to_owned(),
        ];
        let count = |class: &&str| stream.changes.get(*class).copied().unwrap_or(0).to_string();
        row.extend(classes.iter().map(count));
        row
    };
    let rows: Vec<Vec<String>> = facts.streams.iter().map(row).collect();
    let header = ["stream", "keys", "received", "gaps", "complete"];
    let header: Vec<&str> = header.into_iter().chain(classes.iter().copied()).collect();
    print::rows(format, &header, &rows)
}

/// Classes of change that occur in a delta; none in a full snapshot.
fn classes_of(facts: &SnapshotFacts) -> Vec<&str> {
    let mut classes = if facts.parent.is_some() {
        vec!["new", "appended", "edited", "deleted"]
    } else {
        Vec::new()
    };
    for class in facts.streams.values().flat_map(|stream| stream.changes.keys()) {
        if !classes.contains(&class.as_str()) {
            classes.push(class);
        }
    }
    classes
}
