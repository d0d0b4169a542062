//! `deskferry status`: where a run stands, as its sessions noted it in the warehouse. Calls nobody
//! and works from any machine that reaches the warehouse, while a load runs and afterwards.

use kernel::{Fault, Instant, Result};
use landing::run::RunFacts;
use landing::session::{self, Record, Standing, Work};
use serde_json::{Value, json};

use super::{chosen_run, now};
use crate::Ending;
use crate::arguments::{Format, RunChoice, Status};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, status: &Status, format: Format) -> Result<Ending> {
    if format == Format::Csv {
        return Err(Fault::config("a status is no table")
            .hint("--format json gives all of it as one document"));
    }
    let warehouse = config.warehouse()?;
    let facts = chosen_run(&warehouse, &RunChoice { run: status.run.clone() }).await?;
    let sessions = session::list(&warehouse, &facts.run).await?;
    match format {
        Format::Json => print::data(&format!("{}\n", document(&facts, &sessions, now())))?,
        _ => print_tables(&facts, &sessions, now())?,
    }
    Ok(Ending::Done)
}

/// In a few words, where the run is: what was done last.
fn words(sessions: &[Record], now: Instant) -> String {
    match sessions.last() {
        None => "planned".to_owned(),
        Some(last) => format!("{}: {}", last.begun.work.word(), last.state(now).words()),
    }
}

fn print_tables(facts: &RunFacts, sessions: &[Record], now: Instant) -> Result<()> {
    let load = sessions.iter().rfind(|one| one.begun.work == Work::Load);
    let mut about = vec![
        ("run", facts.run.to_string()),
        ("target", facts.target_address.clone()),
        ("planned", facts.planned_at.to_seconds_text()),
        ("state", words(sessions, now)),
    ];
    if let Some(load) = load {
        about.extend(progress(load, now));
    }
    let about = about.into_iter().map(|(what, is)| vec![what.to_owned(), is]);
    print::rows(Format::Table, &["what", "is"], &about.collect::<Vec<_>>())?;
    let Some(load) = load else { return Ok(()) };
    let phases = load.standing.phases.iter().map(|one| {
        let numbers = [one.settled, one.planned, one.calls, one.forecast];
        let mut row = vec![one.phase.clone()];
        row.extend(numbers.iter().map(ToString::to_string));
        row
    });
    let header = ["phase", "settled", "planned", "calls", "forecast"];
    print::heading("Phases");
    print::rows(Format::Table, &header, &phases.collect::<Vec<_>>())?;
    let errors = &load.standing.errors;
    if !errors.is_empty() {
        let errors = errors.iter().map(|(code, times)| {
            vec![code.name().to_owned(), times.to_string(), code.meaning().to_owned()]
        });
        print::heading("Errors of the last load; most of them were waited out");
        print::rows(Format::Table, &["code", "times", "meaning"], &errors.collect::<Vec<_>>())?;
    }
    print::heading("Sessions");
    let header = ["session", "verb", "begun", "last sign", "state", "findings", "error"];
    let rows: Vec<Vec<String>> = sessions.iter().map(|one| session_row(one, now)).collect();
    print::rows(Format::Table, &header, &rows)
}

/// What is said of the newest load.
fn progress(load: &Record, now: Instant) -> Vec<(&'static str, String)> {
    let standing = &load.standing;
    let (settled, planned) = totals(standing, |one| (one.settled, one.planned));
    let (calls, forecast) = totals(standing, |one| (one.calls, one.forecast));
    let mut rows = vec![
        ("phase", standing.phase.clone().unwrap_or_else(|| "none yet".to_owned())),
        ("settled", format!("{settled} of {planned} steps")),
        ("calls", format!("{calls} made, {forecast} forecast")),
        ("rate", format!("{} calls in the last minute", standing.calls_last_minute)),
    ];
    if let Some((used, limit)) = standing.bucket {
        rows.push(("bucket", format!("{used} of {limit}, as the target says")));
    }
    if let Some(finish_at) = standing.finish_at.filter(|_| load.ended.is_none()) {
        rows.push(("finished", format!("about {}", finish_at.to_seconds_text())));
    }
    let silent_s = now.ms_since(load.seen_at()) / 1_000;
    match &load.ended {
        None => rows.push(("last sign of life", format!("{silent_s} s ago"))),
        Some(ended) if !ended.is_complete => {
            rows.push(("left", "more of the plan remains: deskferry load goes on".to_owned()));
        }
        Some(_) => rows.push(("left", "nothing; the plan is loaded".to_owned())),
    }
    if let Some(message) = load.ended.as_ref().and_then(|ended| ended.message.clone()) {
        rows.push(("error", message));
    }
    rows
}

fn totals(standing: &Standing, pick: impl Fn(&session::PhaseStanding) -> (u64, u64)) -> (u64, u64) {
    let pairs = standing.phases.iter().map(pick);
    pairs.fold((0, 0), |sum, pair| (sum.0 + pair.0, sum.1 + pair.1))
}

fn session_row(one: &Record, now: Instant) -> Vec<String> {
    let ended = one.ended.as_ref();
    vec![
        one.begun.session.to_string(),
        one.begun.work.word().to_owned(),
        one.begun.at.to_seconds_text(),
        one.seen_at().to_seconds_text(),
        one.state(now).words().to_owned(),
        ended.map(|ended| ended.findings.to_string()).unwrap_or_default(),
        ended.and_then(|ended| ended.code).map(|code| code.name()).unwrap_or_default().to_owned(),
    ]
}

/// Everything, for programs; times as RFC 3339.
fn document(facts: &RunFacts, sessions: &[Record], now: Instant) -> Value {
    let state = words(sessions, now);
    let sessions = sessions.iter().map(|one| {
        let standing = &one.standing;
        let ended = one.ended.as_ref();
        json!({
            "session": one.begun.session,
            "verb": one.begun.work.word(),
            "tool": one.begun.tool,
            "begun_at": one.begun.at.rfc3339(),
            "seen_at": one.seen_at().rfc3339(),
            "state": one.state(now).words(),
            "phase": standing.phase,
            "phases": standing.phases,
            "calls_last_minute": standing.calls_last_minute,
            "bucket_used": standing.bucket.map(|(used, _)| used),
            "bucket_limit": standing.bucket.map(|(_, limit)| limit),
            "finish_at": standing.finish_at.map(Instant::rfc3339),
            "errors": standing.errors,
            "findings": ended.map(|ended| ended.findings),
            "is_complete": ended.map(|ended| ended.is_complete),
            "code": ended.and_then(|ended| ended.code),
            "message": ended.and_then(|ended| ended.message.clone()),
        })
    });
    json!({
        "run": facts.run.to_string(),
        "target": facts.target_address,
        "planned_at": facts.planned_at.rfc3339(),
        "calls_forecast": facts.forecast.iter().map(|(_, calls)| calls).sum::<u64>(),
        "state": state,
        "sessions": sessions.collect::<Vec<Value>>(),
    })
}
