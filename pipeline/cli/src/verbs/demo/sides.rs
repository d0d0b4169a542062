//! The stand-ins of a demo: which there are, how each is served, and what the configuration says of
//! it. What is done with them is not decided here.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as Place, State};
use axum::http::StatusCode;
use axum::routing::get;
use emulator::{crisp, gorgias, kustomer};
use kernel::Result;
use tokio::task::JoinHandle;

use super::super::emulate::{crisp_emulator, gorgias_emulator, kustomer_emulator, listen, origin};
use crate::arguments::{CrispEmulator, Demo, GorgiasEmulator, KustomerEmulator, Pair};

/// The e-mail address of the account in Gorgias.
const ACCOUNT: &str = "admin@shop.example";
/// The workspace that is moved from, as the corpora name it.
const WEBSITE_ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
/// The workspace that is moved into.
const TARGET_ID: &str = "5ba7b810-9dad-41d1-80b4-00c04fd430c8";
/// What every stand-in accepts as a key.
pub(super) const KEY: &str = "demo-key";
/// Some of the agents of the shop in Crisp, whom the target has, as a company that is about to move
/// would.
const AGENTS: [&str; 8] = ["ada", "bo", "chloe", "dmitri", "eve", "faris", "grace", "hugo"];
/// The same of the organisation in Kustomer.
const USERS: [&str; 4] = ["agent0", "agent1", "agent2", "agent3"];

/// Both sides, serving until this is dropped.
pub(super) struct Sides {
    target: Target,
    /// What `deskferry.toml` says of both.
    pub(super) text: String,
    serving: Vec<JoinHandle<()>>,
}

/// Who would have told a customer.
enum Target {
    Crisp(crisp::Emulator),
    Gorgias(gorgias::Emulator),
}

impl Drop for Sides {
    fn drop(&mut self) {
        self.serving.iter().for_each(JoinHandle::abort);
    }
}

impl Sides {
    /// Starts both sides of a demo that keeps its warehouse in `folder`.
    pub(super) async fn start(demo: &Demo, folder: &Path) -> Result<Self> {
        let mut serving = Vec::new();
        let source = match demo.pair {
            Pair::CrispGorgias | Pair::CrispCrisp => {
                serve_crisp(&mut serving, crisp_emulator(&crisp_source(demo))?, WEBSITE_ID).await?
            }
            Pair::KustomerGorgias | Pair::KustomerCrisp => {
                serve_kustomer(&mut serving, kustomer_emulator(&kustomer_source(demo))).await?
            }
        };
        let (target, target_text) = match demo.pair {
            Pair::CrispGorgias | Pair::KustomerGorgias => {
                let emulator = gorgias_emulator(&gorgias_target(demo.pair))?;
                let text = serve_gorgias(&mut serving, emulator.clone()).await?;
                (Target::Gorgias(emulator), text)
            }
            Pair::CrispCrisp | Pair::KustomerCrisp => {
                let emulator = crisp_emulator(&crisp_target(demo.pair))?;
                if demo.pair == Pair::KustomerCrisp {
                    let helpdesk = crisp::Helpdesk::Legacy;
                    emulator.set_quirks(crisp::Quirks { helpdesk, ..crisp::Quirks::default() });
                }
                let crisp = serve_crisp(&mut serving, emulator.clone(), TARGET_ID).await?;
                let files = serve_files(&mut serving, folder.join("warehouse/hosted")).await?;
                let text = format!("{crisp}plan = \"unlimited\"\nfiles_base_url = \"{files}\"\n");
                (Target::Crisp(emulator), text)
            }
        };
        // Of these two, the source has a help center and the target takes one.
        let mapping = match demo.pair {
            Pair::KustomerCrisp => "[mapping]\nhelp_center = \"legacy\"\n",
            _ => "",
        };
        let text = format!("[source]\n{source}\n[target]\n{target_text}\n{mapping}");
        Ok(Self { target, text, serving })
    }

    /// How many messages the target would have delivered to a person.
    pub(super) fn outbox(&self) -> u64 {
        match &self.target {
            Target::Crisp(emulator) => emulator.counters().outbox,
            Target::Gorgias(emulator) => emulator.outbox(),
        }
    }
}

async fn serve_crisp(
    serving: &mut Vec<JoinHandle<()>>,
    emulator: crisp::Emulator,
    website_id: &str,
) -> Result<String> {
    let listener = listen(0).await?;
    let address = origin(&listener)?;
    serving.push(tokio::spawn(async move {
        let _ = emulator.serve(listener).await;
    }));
    Ok(format!(
        "platform = \"crisp\"\nbase_url = \"{address}/v1\"\nwebsite_id = \"{website_id}\"\n\
         identifier = {{ file = \"key\" }}\nkey = {{ file = \"key\" }}\ntier = \"plugin\"\n\
         private_hosts = [\"127.0.0.1\"]\ncalls_per_day = 1000000000\n"
    ))
}

async fn serve_kustomer(
    serving: &mut Vec<JoinHandle<()>>,
    emulator: kustomer::Emulator,
) -> Result<String> {
    let listener = listen(0).await?;
    let address = origin(&listener)?;
    serving.push(tokio::spawn(async move {
        let _ = emulator.serve(listener).await;
    }));
    Ok(format!(
        "platform = \"kustomer\"\nbase_url = \"{address}/v1\"\norg = \"shop\"\n\
         api_key = {{ file = \"key\" }}\nprivate_hosts = [\"127.0.0.1\"]\n\
         calls_per_window = 1000000\nwindow_s = 1\n"
    ))
}

async fn serve_gorgias(
    serving: &mut Vec<JoinHandle<()>>,
    emulator: gorgias::Emulator,
) -> Result<String> {
    let listener = listen(0).await?;
    let address = origin(&listener)?;
    serving.push(tokio::spawn(async move {
        let _ = emulator.serve(listener).await;
    }));
    Ok(format!(
        "platform = \"gorgias\"\nbase_url = \"{address}\"\nemail = \"{ACCOUNT}\"\n\
         api_key = {{ file = \"key\" }}\ncalls_per_window = 1000000\nwindow_s = 1\n"
    ))
}

/// Serves the files that the target does not keep, as the customer would.
async fn serve_files(serving: &mut Vec<JoinHandle<()>>, folder: PathBuf) -> Result<String> {
    let listener = listen(0).await?;
    let address = origin(&listener)?;
    let router = Router::new().route("/{sha256}/{name}", get(file)).with_state(folder);
    serving.push(tokio::spawn(async move {
        let _ = axum::serve(listener, router).await;
    }));
    Ok(address)
}

async fn file(
    State(folder): State<PathBuf>,
    Place((sha256, name)): Place<(String, String)>,
) -> std::result::Result<Bytes, StatusCode> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['/', '\\']) && part != "..";
    if !is_plain(&sha256) || !is_plain(&name) {
        return Err(StatusCode::NOT_FOUND);
    }
    let read = std::fs::read(folder.join(sha256).join(name));
    read.map(Bytes::from).map_err(|_| StatusCode::NOT_FOUND)
}

fn crisp_source(demo: &Demo) -> CrispEmulator {
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
        agents: Vec::new(),
    }
}

fn crisp_target(pair: Pair) -> CrispEmulator {
    CrispEmulator {
        port: 0,
        data: None,
        seed: 0,
        conversations: 0,
        website_id: TARGET_ID.to_owned(),
        identifier: KEY.to_owned(),
        key: KEY.to_owned(),
        tier: "plugin".to_owned(),
        calls_per_day: None,
        agents: addresses(pair),
    }
}

fn kustomer_source(demo: &Demo) -> KustomerEmulator {
    KustomerEmulator {
        port: 0,
        seed: demo.seed,
        conversations: demo.conversations,
        api_key: KEY.to_owned(),
        calls_per_minute: None,
        searches_per_minute: None,
    }
}

fn gorgias_target(pair: Pair) -> GorgiasEmulator {
    GorgiasEmulator {
        port: 0,
        email: ACCOUNT.to_owned(),
        api_key: KEY.to_owned(),
        agents: addresses(pair),
        calls_per_window: None,
        window_s: 20,
        state: None,
    }
}

fn addresses(pair: Pair) -> Vec<String> {
    let names: &[&str] = match pair {
        Pair::CrispGorgias | Pair::CrispCrisp => &AGENTS,
        Pair::KustomerGorgias | Pair::KustomerCrisp => &USERS,
    };
    names.iter().map(|name| format!("{name}@shop.example")).collect()
}
