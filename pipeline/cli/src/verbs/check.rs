//! `deskferry check`: may everything be read from the source, and what in the target could act on
//! what is loaded? Nothing is kept and nothing is written, on either side.

use extract::{ProbeOutcome, probe};
use futures::TryStreamExt;
use kernel::Result;
use landing::acknowledged::{self, Acknowledged};
use landing::run::RunFacts;
use landing::{Warehouse, run};
use load::plan;
use load::preflight::{Acknowledgement, Needs, Observation, Wants, flags};

use super::{clock, extract_options, target};
use crate::Ending;
use crate::arguments::{Check, Format, SideName};
use crate::config::{Config, Side};
use crate::print;

/// What is printed about each thing that was looked at.
const HEADER: [&str; 6] = ["side", "subject", "state", "what", "remark", "acknowledge"];

/// What was seen on one side.
struct Seen {
    rows: Vec<Vec<String>>,
    findings: u64,
}

pub(crate) async fn run(config: &Config, check: &Check, format: Format) -> Result<Ending> {
    let (source, target) = match check.side {
        Some(SideName::Source) => (Some(config.source()?), None),
        Some(SideName::Target) => (None, Some(config.target()?)),
        None => match (config.source().ok(), config.target().ok()) {
            (None, None) => (Some(config.source()?), None),
            both => both,
        },
    };
    let mut all = Seen { rows: Vec::new(), findings: 0 };
    let mut looked = Vec::new();
    if let Some(side) = source {
        looked.push(look_at_source(side).await);
    }
    if let Some(side) = target {
        looked.push(look_at_target(config, side).await);
    }
    // One side that cannot be looked at is no reason not to show the other.
    let mut fault = None;
    for one in looked {
        match one {
            Ok(seen) => {
                all.rows.extend(seen.rows);
                all.findings += seen.findings;
            }
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    if !all.rows.is_empty() {
        print::rows(format, &HEADER, &all.rows)?;
    }
    match fault {
        Some(fault) => Err(fault),
        None => Ok(Ending::of(all.findings)),
    }
}

async fn look_at_source(side: &Side) -> Result<Seen> {
    let options = extract_options(side)?;
    print::talk(&format!("asking {} at {}", side.manifest.name, side.address()?));
    let probed = probe(&side.manifest, &options, clock()).await?;
    let rows = probed.iter().map(|probed| {
        let (outcome, detail) = told(&probed.outcome);
        let evidence = probed.evidence.clone().unwrap_or_default();
        let cells = ["source", probed.stream.as_str(), outcome, detail.as_str(), &evidence, ""];
        cells.map(str::to_owned).to_vec()
    });
    let rows = rows.collect();
    let calls: u64 = probed.iter().map(|probed| probed.calls).sum();
    let findings = probed.iter().filter(|probed| is_finding(&probed.outcome)).count() as u64;
    print::talk(&format!("{calls} requests made, {findings} streams cannot be read"));
    Ok(Seen { rows, findings })
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

async fn look_at_target(config: &Config, side: &Side) -> Result<Seen> {
    let warehouse = config.warehouse()?;
    let address = side.address()?;
    let newest = run::list(&warehouse).await?.pop();
    let newest = newest.filter(|facts| facts.target_address == address);
    let (needs, kept, help_center) = match &newest {
        None => (None, Vec::new(), Vec::new()),
        Some(facts) => (
            Some(needs(&warehouse, facts).await?),
            acknowledged::list(&warehouse, &facts.run).await?,
            plan::help_center_locales(&warehouse, &facts.run).await?,
        ),
    };
    print::talk(&format!("asking {} at {address}", side.manifest.name));
    let target = target::open(config)?;
    let calls_per_window = side.calls_per_window;
    let wants = Wants { calls_per_window, everything: true, needs, help_center };
    let seen = target.preflight(&wants).await?;
    let calls: u64 = target.calls().values().sum();
    let open: Vec<&Observation> =
        seen.iter().filter(|one| one.is_finding() && !is_kept(one, &kept)).collect();
    print::talk(&format!("requests made: {calls}, to look at: {}", open.len()));
    let blocking: Vec<Acknowledgement> =
        open.iter().filter_map(|one| one.acknowledgement()).collect();
    if !blocking.is_empty() {
        print::talk(&format!(
            "a load stops at these: {}. To let them be as they are now: deskferry load{}",
            blocking.len(),
            flags(&blocking)
        ));
    }
    let rows = seen.iter().map(|one| row(one, is_kept(one, &kept))).collect();
    Ok(Seen { rows, findings: open.len() as u64 })
}

fn row(one: &Observation, is_kept: bool) -> Vec<String> {
    let state = match is_kept {
        true => format!("{}, acknowledged", one.state.words()),
        false => one.state.words().to_owned(),
    };
    let acknowledge = one.acknowledgement().filter(|_| !is_kept);
    let acknowledge = acknowledge.map(|one| one.to_string()).unwrap_or_default();
    let subject = one.subject.clone();
    vec!["target".to_owned(), subject, state, one.what.clone(), one.hint.clone(), acknowledge]
}

fn is_kept(one: &Observation, kept: &[Acknowledged]) -> bool {
    one.acknowledgement().is_some_and(|wanted| {
        kept.iter()
            .any(|kept| kept.subject == wanted.subject && kept.fingerprint == wanted.fingerprint)
    })
}

/// What the newest plan needs in the target.
async fn needs(warehouse: &Warehouse, facts: &RunFacts) -> Result<Needs> {
    let agents = plan::agents(warehouse, &facts.run).await?.try_collect().await?;
    let tags = plan::tags(warehouse, &facts.run).await?.try_collect().await?;
    let fields = plan::fields(warehouse, &facts.run).await?;
    let fields = fields.map_ok(|field| (field.object, field.field_id)).try_collect().await?;
    Ok(Needs { agents, tags, fields })
}
