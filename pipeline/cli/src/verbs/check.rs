//! `deskferry check`: is the source as its manifest says, and may it all be read? One request for
//! each stream, and nothing is kept.

use extract::{ProbeOutcome, probe};
use kernel::Result;

use super::{clock, extract_options};
use crate::Ending;
use crate::arguments::Format;
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, format: Format) -> Result<Ending> {
    let side = config.source()?;
    let options = extract_options(side)?;
    print::talk(&format!("asking {} at {}", side.manifest.name, side.address()?));
    let probed = probe(&side.manifest, &options, clock()).await?;
    let rows: Vec<Vec<String>> = probed
        .iter()
        .map(|probed| {
            let (outcome, detail) = told(&probed.outcome);
            let evidence = probed.evidence.clone().unwrap_or_default();
            vec![probed.stream.clone(), outcome.to_owned(), detail, evidence]
        })
        .collect();
    print::rows(format, &["stream", "outcome", "detail", "known_from"], &rows)?;
    let calls: u64 = probed.iter().map(|probed| probed.calls).sum();
    let unreadable = probed.iter().filter(|probed| is_finding(&probed.outcome)).count() as u64;
    print::talk(&format!("{calls} requests made, {unreadable} streams cannot be read"));
    Ok(Ending::of(unreadable))
}

fn told(outcome: &ProbeOutcome) -> (&'static str, String) {
    match outcome {
        ProbeOutcome::Readable { records } => {
            ("readable", format!("{records} records on the first page"))
        }
        ProbeOutcome::Refused(status) => {
            ("refused", format!("status {status}: the token lacks a right to it"))
        }
        ProbeOutcome::Missing(status) => {
            ("missing", format!("status {status}: this account does not offer it"))
        }
        ProbeOutcome::Unreadable(reason) => ("unreadable", reason.clone()),
        ProbeOutcome::NotAsked(reason) => ("not asked", reason.clone()),
    }
}

fn is_finding(outcome: &ProbeOutcome) -> bool {
    matches!(outcome, ProbeOutcome::Refused(_) | ProbeOutcome::Unreadable(_))
}
