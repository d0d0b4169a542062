//! One module for each verb; what several of them need is here.

mod check;
mod demo;
mod emulate;
mod explain;
mod extract_source;
mod freeze;
mod init;
mod load_target;
mod plan;
mod query;
mod reconcile;
mod report;
mod rollback;
mod serve;
mod shell;
mod snapshot;
mod status;
mod target;
mod times;
mod transform_snapshot;

use std::sync::Arc;

use ::http::Pace;
use extract::WhenUsedUp;
use kernel::bucket::Shape;
use kernel::retry::Policy;
use kernel::{Clock, Code, Fault, Instant, Result, RunId, SnapshotId};
use landing::Warehouse;
use landing::run::RunFacts;
use transform::{Models, Origin};

use crate::Ending;
use crate::arguments::{Arguments, RunChoice, Verb};
use crate::clock::SystemClock;
use crate::config::{Config, Side};
use crate::print;

/// How long one call may take, in milliseconds. The SDKs that vendors publish wait 10 s; a ticket
/// with hundreds of messages takes longer than a read.
const TIMEOUT_MS: u64 = 60_000;
/// How long a reply may stay in memory only, in milliseconds.
const FLUSH_MS: u64 = 1_000;
/// The largest file that is kept, in bytes.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Carries out what was typed.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<Ending> {
    let format = arguments.format;
    let config = || Config::read(&arguments.config);
    let ending = match &arguments.verb {
        Verb::Demo(demo) => demo::run(demo, format).await?,
        Verb::Init(init) => init::run(init, &arguments.config)?,
        Verb::Emulator { platform } => emulate::run(platform).await?,
        Verb::Check(check) => check::run(&config()?, check, format).await?,
        Verb::Extract(extract) => extract_source::run(&config()?, extract, format).await?,
        Verb::Snapshot { what } => snapshot::run(config, what, format).await?,
        Verb::Transform => transform_snapshot::run(&config()?, format).await?,
        Verb::Plan(plan) => plan::run(&config()?, plan, format).await?,
        Verb::Load(load) => load_target::run(&config()?, load, format).await?,
        Verb::Status(status) => status::run(&config()?, status, format).await?,
        Verb::Reconcile(reconcile) => reconcile::run(&config()?, reconcile, format).await?,
        Verb::Rollback(rollback) => rollback::run(&config()?, rollback, format).await?,
        Verb::Query(query) => query::run(&config()?, query, format).await?,
        Verb::Explain(explain) => explain::run(&config()?, explain, format).await?,
        Verb::Report(report) => report::run(&config()?, report, format).await?,
        Verb::Serve(serve) => serve::run(&config()?, serve).await?,
    };
    Ok(ending)
}

/// The clock of this machine.
fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// The current moment.
fn now() -> Instant {
    SystemClock.now()
}

/// Name and version of this program.
fn tool() -> String {
    format!("deskferry {}", env!("CARGO_PKG_VERSION"))
}

/// The bucket that a side has: what the configuration says, else the manifest.
fn bucket(side: &Side) -> Option<Shape> {
    let budget = &side.manifest.api_budget;
    let calls = side.calls_per_window.or(budget.calls_per_window)?;
    let window_s = side.window_s.or(budget.window_s)?;
    Some(Shape { calls, window_ms: window_s * 1_000 })
}

/// The pace at which a side may be called.
fn pace(side: &Side) -> Pace {
    let header = side.manifest.api_budget.header.clone();
    bucket(side).map_or_else(Pace::unlimited, |shape| Pace::bucket(shape, header, now()))
}

/// What an extraction from a side is run with.
fn extract_options(side: &Side) -> Result<extract::Options> {
    Ok(extract::Options {
        base_url: Some(side.address()?),
        settings: side.settings()?,
        private_hosts: side.private_hosts.clone(),
        is_delta: false,
        skip_streams: side.skip_streams.iter().cloned().collect(),
        only_below: Default::default(),
        calls_per_day: side.calls_per_day,
        when_used_up: WhenUsedUp::Wait,
        pace: Some(pace(side)),
        policy: Policy::default(),
        timeout_ms: TIMEOUT_MS,
        flush_ms: side.flush_ms.unwrap_or(FLUSH_MS),
        file_bytes_max: FILE_BYTES_MAX,
        tool: tool(),
    })
}

/// Says which models are the user's own, because a table then means what they say.
fn print_own(models: &Models) {
    let own = models.own().map(|(file, origin)| match origin {
        Origin::InPlace => format!("{file} (in place of ours)"),
        _ => format!("{file} (added)"),
    });
    let own: Vec<String> = own.collect();
    if !own.is_empty() {
        print::talk(&format!("own models: {}", own.join(", ")));
    }
}

/// The newest sealed snapshot of a platform.
async fn newest_snapshot(warehouse: &Warehouse, platform: &str) -> Result<SnapshotId> {
    let found = landing::snapshot::list_of(warehouse, platform).await?;
    found.last().cloned().ok_or_else(|| {
        Fault::config(format!("there is no sealed snapshot of {platform}"))
            .coded(Code::NoSnapshot)
            .hint("deskferry extract makes one")
    })
}

/// The run that was asked for, else the newest.
async fn chosen_run(warehouse: &Warehouse, choice: &RunChoice) -> Result<RunFacts> {
    let runs = landing::run::list(warehouse).await?;
    let wanted = choice.run.as_deref().map(str::parse::<RunId>).transpose()?;
    let found = match wanted {
        None => runs.last(),
        Some(id) => runs.iter().find(|facts| facts.run == id),
    };
    found.cloned().ok_or_else(|| {
        Fault::config("there is no such run").coded(Code::NoRun).hint("deskferry plan makes one")
    })
}
