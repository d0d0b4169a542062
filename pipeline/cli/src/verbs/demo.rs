//! `deskferry demo`: the whole job against stand-ins on this machine; needs no account.

use std::path::{Path, PathBuf};
use std::time::Instant;

use kernel::{Fault, Result};
use tokio::task::JoinHandle;

use super::emulate::{crisp_emulator, gorgias_emulator, listen, origin};
use super::{extract_source, load_target, plan, reconcile, transform_snapshot};
use crate::Ending;
use crate::arguments::{
    CrispEmulator, Demo, Extract, Format, GorgiasEmulator, Load, Plan, Reconcile, RunChoice,
    TicketOrder,
};
use crate::config::Config;
use crate::print;

/// Marks a folder as ours to make anew.
const MARK: &str = ".deskferry-demo";
/// The e-mail address of the account in the target.
const ACCOUNT: &str = "admin@shop.example";
/// The workspace, as the corpora name it.
const WEBSITE_ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
/// What both stand-ins accept as a key.
const KEY: &str = "demo-key";

pub(crate) async fn run(demo: &Demo, format: Format) -> Result<Ending> {
    let began = Instant::now();
    let folder = prepare(&demo.folder)?;
    let source = crisp_emulator(&source_arguments(demo))?;
    let target = gorgias_emulator(&target_arguments(demo))?;
    let (crisp, gorgias) = (listen(0).await?, listen(0).await?);
    let (crisp_origin, gorgias_origin) = (origin(&crisp)?, origin(&gorgias)?);
    let (serving_source, serving_target) = (source.clone(), target.clone());
    let servers: [JoinHandle<std::io::Result<()>>; 2] = [
        tokio::spawn(async move { serving_source.serve(crisp).await }),
        tokio::spawn(async move { serving_target.serve(gorgias).await }),
    ];
    let path = write_config(&folder, &crisp_origin, &gorgias_origin)?;
    let config = Config::read(&path)?;
    let ended = move_everything(&config, format).await;
    servers.iter().for_each(JoinHandle::abort);
    let findings = ended?;
    let outbox = target.outbox();
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
    let load = Load { choice: choice(), ..Load::default() };
    let loaded = load_target::run(config, &load, format).await?;
    stages.begin("reconcile", "Reconcile: the target is read back in full");
    let reading = Reconcile { choice: choice(), reads: 4, pause_s: 1 };
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

fn write_config(folder: &Path, crisp: &str, gorgias: &str) -> Result<PathBuf> {
    let path = folder.join("deskferry.toml");
    let text = format!(
        "# Written by deskferry demo. The stand-ins are gone; the warehouse stays for questions.\n\
         [warehouse]\nurl = \"file://{}/warehouse\"\n\n\
         [source]\nplatform = \"crisp\"\nbase_url = \"{crisp}/v1\"\n\
         website_id = \"{WEBSITE_ID}\"\nidentifier = {{ file = \"key\" }}\n\
         key = {{ file = \"key\" }}\ntier = \"plugin\"\nprivate_hosts = [\"127.0.0.1\"]\n\
         calls_per_day = 1000000000\n\n\
         [target]\nplatform = \"gorgias\"\nbase_url = \"{gorgias}\"\nemail = \"{ACCOUNT}\"\n\
         api_key = {{ file = \"key\" }}\ncalls_per_window = 1000000\nwindow_s = 1\n",
        folder.display()
    );
    std::fs::write(&path, text).map_err(|error| {
        Fault::config(format!("{} cannot be written", path.display())).because(error)
    })?;
    Ok(path)
}

fn source_arguments(demo: &Demo) -> CrispEmulator {
    CrispEmulator {
        port: 0,
        data: demo.data.clone(),
        seed: demo.seed,
        conversations: demo.conversations,
        website_id: WEBSITE_ID.to_owned(),
        identifier: KEY.to_owned(),
        key: KEY.to_owned(),
        tier: "plugin".to_owned(),
        calls_per_day: None,
    }
}

/// The target has some of the shop's agents, as a company that is about to move would.
fn target_arguments(_: &Demo) -> GorgiasEmulator {
    let agents = ["ada", "bo", "chloe", "dmitri", "eve", "faris", "grace", "hugo"];
    GorgiasEmulator {
        port: 0,
        email: ACCOUNT.to_owned(),
        api_key: KEY.to_owned(),
        agents: agents.iter().map(|name| format!("{name}@shop.example")).collect(),
        calls_per_window: None,
        window_s: 20,
        state: None,
    }
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
