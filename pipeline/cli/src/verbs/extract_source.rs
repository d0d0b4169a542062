//! `deskferry extract`: the source becomes a sealed snapshot.

use kernel::Result;
use landing::snapshot::SnapshotFacts;

use super::{clock, extract_options};
use crate::Ending;
use crate::arguments::Format;
use crate::bars::Bars;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, format: Format) -> Result<Ending> {
    let side = config.source()?;
    let warehouse = config.warehouse()?;
    let options = extract_options(side)?;
    print::talk(&format!("extracting {} from {}", side.manifest.name, side.address()?));
    let bars = Bars::new();
    let outcome = extract::extract(&warehouse, &side.manifest, &options, clock(), &bars).await;
    bars.finish();
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
    Ok(Ending::of(facts.gaps.len() as u64))
}

/// Counts per stream, and what could not be read.
pub(super) fn print_streams(facts: &SnapshotFacts, format: Format) -> Result<()> {
    let row = |(name, stream): (&String, &landing::snapshot::StreamFacts)| {
        let gaps = facts.gaps.iter().filter(|gap| gap.stream == *name).count();
        vec![name.clone(), stream.keys.to_string(), stream.records.to_string(), gaps.to_string()]
    };
    let rows: Vec<Vec<String>> = facts.streams.iter().map(row).collect();
    print::rows(format, &["stream", "keys", "received", "gaps"], &rows)
}
