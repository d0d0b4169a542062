//! Which driver speaks to the platform that `[target]` names: the only place that chooses one.
//!
//! It opens drivers and says at what pace their platforms may be called. What a driver does is no
//! business of it.

use std::sync::Arc;

use ::http::{Client, ClientOptions};
use kernel::bucket::Shape;
use kernel::retry::Policy;
use kernel::{Fault, Result};
use landing::Warehouse;
use load::rollback::Undo;
use load::{Crisp, Gorgias, crisp, gorgias};

use super::{TIMEOUT_MS, clock, pace};
use crate::config::{Config, Side};

/// Platforms that can be moved to.
pub(super) const PLATFORMS: [&str; 2] = ["crisp", "gorgias"];

/// What Crisp as a target wants to know.
const CRISP_KEYS: [(&str, &str); 4] = [
    (
        "plan = \"plus\"",
        "the subscription, which decides how fast conversations are made: free, mini, essentials, \
         plus; unlimited for a stand-in",
    ),
    ("calls_per_day = 5000", "the quota of the token, when it is not the documented one"),
    (
        "files_base_url = \"https://files.shop.example/deskferry\"",
        "where the files can be read that you serve; without it they are named in their messages",
    ),
    ("files_folder = \"file:///srv/files\"", "what is served there; the warehouse when left out"),
];

/// What a platform allows, as far as it is documented.
pub(super) enum Allowance {
    /// So many calls in a window, by the kind of credentials.
    Windows(Vec<(&'static str, Shape)>),
    /// So many calls on a day, by the kind of credentials, and so many conversations in a window.
    Days {
        /// The documented quotas.
        quotas: Vec<(&'static str, u64)>,
        /// What a raised quota may be, for comparison.
        raised: Vec<u64>,
        /// How fast conversations may be created, with the name of the plan.
        creations: Option<(String, Shape)>,
    },
}

/// A driver for the target of the configuration. It calls nobody yet.
///
/// # Errors
/// `FixConfig` when there is none, or a setting or secret is missing.
pub(super) fn open(config: &Config) -> Result<Arc<dyn Undo>> {
    let side = config.target()?;
    match side.platform() {
        "crisp" => Ok(Arc::new(open_crisp(config)?)),
        "gorgias" => Ok(Arc::new(open_gorgias(side)?)),
        other => Err(no_driver(other)),
    }
}

/// The same, once the target has shown that it is such a platform.
///
/// # Errors
/// As [`open`], and `FixConfig` when something else answers.
pub(super) async fn recognized(config: &Config) -> Result<Arc<dyn Undo>> {
    let side = config.target()?;
    match side.platform() {
        "crisp" => {
            let target = open_crisp(config)?;
            target.recognize().await?;
            Ok(Arc::new(target))
        }
        "gorgias" => {
            let target = open_gorgias(side)?;
            target.recognize().await?;
            Ok(Arc::new(target))
        }
        other => Err(no_driver(other)),
    }
}

/// What the platform of a side allows.
pub(super) fn allowance(side: &Side) -> Result<Allowance> {
    match side.platform() {
        "crisp" => {
            let plan = crisp_plan(side)?;
            Ok(Allowance::Days {
                quotas: vec![("plugin token", 5_000), ("website token", 10_000)],
                raised: vec![20_000, 50_000, 100_000],
                creations: plan.map(|plan| (plan.name().to_owned(), plan.creations())),
            })
        }
        "gorgias" => {
            let rates = gorgias::RATES.map(|rate| (rate.credentials, rate.shape));
            Ok(Allowance::Windows(rates.into()))
        }
        other => Err(no_driver(other)),
    }
}

/// Lines of `[target]` that belong to a platform besides what its manifest knows, each with what it
/// means.
pub(super) fn own_keys(platform: &str) -> &'static [(&'static str, &'static str)] {
    match platform {
        "crisp" => &CRISP_KEYS,
        _ => &[],
    }
}

/// Whether a platform can be moved to.
///
/// # Errors
/// `FixConfig` when it cannot.
pub(super) fn check_known(platform: &str) -> Result<()> {
    match PLATFORMS.contains(&platform) {
        true => Ok(()),
        false => Err(no_driver(platform)),
    }
}

fn open_gorgias(side: &Side) -> Result<Gorgias> {
    let settings = side.settings()?;
    let setting = |name: &str| settings.get(name).map(String::as_str).unwrap_or_default();
    let credentials = ::http::basic(setting("email"), setting("api_key"));
    let client = client(side, vec![("authorization".to_owned(), credentials)])?;
    Ok(Gorgias::new(client, &side.address()?, setting("email")))
}

fn open_crisp(config: &Config) -> Result<Crisp> {
    let side = config.target()?;
    let settings = side.settings()?;
    let setting = |name: &str| settings.get(name).map(String::as_str).unwrap_or_default();
    let credentials = ::http::basic(setting("identifier"), setting("key"));
    let headers = [("authorization", credentials.as_str()), ("x-crisp-tier", setting("tier"))];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let store = match &side.files_folder {
        Some(place) => Warehouse::open(place)?,
        None => config.warehouse()?,
    };
    let files = side.files_base_url.clone().map(|base_url| crisp::Hosting { store, base_url });
    let help_center = match config.mapping.get("help_center") {
        "skip" => None,
        generation => Some(generation.parse()?),
    };
    let setup = crisp::Setup { plan: crisp_plan(side)?, files, help_center, clock: clock() };
    let client = client(side, headers.into())?;
    let target = Crisp::new(client, &side.address()?, setting("website_id"), setup);
    Ok(target.publishing(config.mapping.get("articles") == "published"))
}

/// The subscription of the workspace; none for a stand-in that paces nothing.
fn crisp_plan(side: &Side) -> Result<Option<crisp::Plan>> {
    match side.plan.as_deref() {
        Some("unlimited") => Ok(None),
        given => given.unwrap_or("plus").parse().map(Some),
    }
}

/// A client with the target's credentials and pace.
fn client(side: &Side, credentials: Vec<(String, String)>) -> Result<Client> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    headers.extend(credentials);
    Client::new(ClientOptions {
        headers,
        timeout_ms: TIMEOUT_MS,
        pace: pace(side),
        policy: Policy::default(),
        clock: clock(),
    })
}

fn no_driver(platform: &str) -> Fault {
    Fault::config(format!("{platform} can be moved from, not to"))
        .hint(format!("[target] platform is one of {}", PLATFORMS.join(", ")))
}
