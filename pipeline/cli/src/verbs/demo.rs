//! `deskferry demo`: the whole job against stand-ins on this machine; needs no account.

mod sides;

use std::path::{Path, PathBuf};
use std::time::Instant;

use kernel::{Fault, Result};
use load::preflight::{Acknowledgement, Observation, Wants};

use self::sides::{KEY, Sides};
use super::{extract_source, load_target, plan, reconcile, target, transform_snapshot};
use crate::Ending;
use crate::arguments::{
    Demo, Extract, Format, Load, Plan, Reconcile, RunChoice, SINGLY, TicketOrder,
};
use crate::config::Config;
use crate::print;

/// Marks a folder as ours to make anew.
const MARK: &str = ".deskferry-demo";
pub(crate) async fn run(demo: &Demo, format: Format) -> Result<Ending> {
    let began = Instant::now();
    let folder = prepare(&demo.folder)?;
    let sides = Sides::start(demo, &folder).await?;
    let path = write_config(&folder, &sides.text)?;
    let config = Config::read(&path)?;
    let findings = move_everything(&config, format).await?;
    let outbox = sides.outbox();
    print::talk(&format!("messages that reached a customer: {outbox}"));
    let outcome = if findings + outbox == 0 { "done" } else { "done with findings" };
    print::talk(&format!("\n{outcome} in {:.1} s", began.elapsed().as_secs_f64()));
    print_next(&path);
    Ok(Ending::of(findings + outbox))
}

async fn move_everything(config: &Config, format: Format) -> Result<u64> {
    let mut stages = Stages::default();
    stages.begin("extract", "Extract: the source becomes a sealed snapshot");
    // The shop has gaps on purpose; they are rows in the summary and no finding of the demo.
    extract_source::run(config, &Extract::default(), format).await?;
    stages.begin("transform", "Transform: the snapshot becomes staged tables");
    let transformed = transform_snapshot::run(config, format).await?;
    stages.begin("plan", "Plan: every call of the replay");
    let planned =
        plan::run(config, &Plan { delta: false, new: false, order: TicketOrder::Recent }, format)
            .await?;
    stages.begin("load", "Load: the plan becomes tickets in the target");
    let choice = || RunChoice { run: None };
    let acknowledge = let_pass(config).await?;
    let load = Load { choice: choice(), acknowledge, ..Load::default() };
    let loaded = load_target::run(config, &load, format).await?;
    stages.begin("reconcile", "Reconcile: the target is read back in full");
    let reading = Reconcile { choice: choice(), reads: 4, pause_s: 1, singly: SINGLY };
    let (summary, claims) = reconcile::reconcile(config, &reading).await?;
    reconcile::print_summary(&summary, format)?;
    stages.end();
    let endings = [transformed, planned, loaded];
    let findings = endings.iter().filter(|ending| **ending != Ending::Done).count() as u64;
    Ok(findings + claims + summary.unexplained())
}

/// How long each stage takes.
#[derive(Default)]
struct Stages {
    begun: Option<(&'static str, Instant)>,
    done: Vec<String>,
}

impl Stages {
    fn begin(&mut self, stage: &'static str, heading: &str) {
        self.note();
        print::heading(heading);
        self.begun = Some((stage, Instant::now()));
    }

    fn end(&mut self) {
        self.note();
        print::talk(&format!("time: {}", self.done.join(", ")));
    }

    fn note(&mut self) {
        if let Some((stage, began)) = self.begun.take() {
            self.done.push(format!("{stage} {:.1} s", began.elapsed().as_secs_f64()));
        }
    }
}

/// An empty folder that is ours.
fn prepare(folder: &Path) -> Result<PathBuf> {
    let unusable = |error: std::io::Error| {
        Fault::config(format!("{} cannot be used for the demo", folder.display()))
            .hint("--folder names another one")
            .because(error)
    };
    if folder.join(MARK).exists() {
        allow_removal(folder).map_err(unusable)?;
        std::fs::remove_dir_all(folder).map_err(unusable)?;
    } else if folder.exists() {
        return Err(Fault::config(format!("{} is there and is no demo's", folder.display()))
            .hint("--folder names another one"));
    }
    std::fs::create_dir_all(folder).map_err(unusable)?;
    std::fs::write(folder.join(MARK), "made by deskferry demo\n").map_err(unusable)?;
    std::fs::write(folder.join("key"), format!("{KEY}\n")).map_err(unusable)?;
    std::fs::canonicalize(folder).map_err(unusable)
}

/// Lets the folders of sealed snapshots be removed, which are read-only otherwise.
fn allow_removal(folder: &Path) -> std::io::Result<()> {
    let mut permissions = std::fs::metadata(folder)?.permissions();
    if permissions.readonly() {
        #[expect(clippy::permissions_set_readonly_false, reason = "the folder goes at once")]
        permissions.set_readonly(false);
        std::fs::set_permissions(folder, permissions)?;
    }
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            allow_removal(&entry.path())?;
        }
    }
    Ok(())
}

fn write_config(folder: &Path, sides: &str) -> Result<PathBuf> {
    let path = folder.join("deskferry.toml");
    let text = format!(
        "# Written by deskferry demo. The stand-ins are gone; the warehouse stays for questions.\n\
         [warehouse]\nurl = \"file://{}/warehouse\"\n\n{sides}",
        folder.display()
    );
    std::fs::write(&path, text).map_err(|error| {
        Fault::config(format!("{} cannot be written", path.display())).because(error)
    })?;
    Ok(path)
}

/// What a stand-in cannot show is known to be off in it.
async fn let_pass(config: &Config) -> Result<Vec<Acknowledgement>> {
    let wants = Wants::default();
    let seen = target::open(config)?.preflight(&wants).await?;
    Ok(seen.iter().filter_map(Observation::acknowledgement).collect())
}

fn print_next(config: &Path) {
    let program = std::env::args().next().unwrap_or_else(|| "deskferry".to_owned());
    let shown = std::env::current_dir()
        .ok()
        .and_then(|here| config.strip_prefix(here).ok())
        .unwrap_or(config);
    let ask = format!("{program} --config {} ", shown.display());
    print::talk("\nEverything it did can be asked for, and proved:");
    for what in [
        "snapshot verify",
        "query \"select state, count(*) from tickets group by state\"",
        "query \"select rule, count(*) from losses group by rule\"",
    ] {
        print::talk(&format!("  {ask}{what}"));
    }
}
