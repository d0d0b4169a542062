//! One extraction from the first question to the seal.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Client, ClientOptions, FileClient, FileOptions, Pace};
use kernel::bucket::Shape;
use kernel::retry::Policy;
use kernel::{Clock, Fault, Result};
use landing::Warehouse;
use landing::bag::{Closing, seal};
use landing::exchange::sha256;
use landing::journal::{Journal, Start};
use landing::snapshot::{FORMAT, SnapshotFacts};

use crate::interpolation::fill_setting;
use crate::manifest::{Authenticator, Manifest};
use crate::reader::Reader;

/// Calls made for one file: links die for good, and one dead host must not hold up the rest.
const FILE_ATTEMPTS_MAX: u32 = 3;

/// What an extraction is run with.
pub struct Options {
    /// Where all paths begin, when it is not the vendor's address.
    pub base_url: Option<String>,
    /// The manifest's settings, as [`Manifest::settle`] completed them.
    pub settings: BTreeMap<String, String>,
    /// Loopback or private hosts that files may be fetched from.
    pub private_hosts: Vec<String>,
    /// Calls on one UTC day after which to stop.
    pub calls_per_day: Option<u64>,
    /// The pace, when it is not the manifest's.
    pub pace: Option<Pace>,
    /// Patience with replies that settle nothing.
    pub policy: Policy,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: u64,
    /// How long a reply may stay in memory only, in milliseconds.
    pub flush_ms: u64,
    /// The largest file that is kept, in bytes.
    pub file_bytes_max: u64,
    /// Name and version of the program, for the snapshot.
    pub tool: String,
}

/// Whoever wants to see how far it is.
pub trait Progress: Send + Sync {
    /// A stream begins; `total` is how many questions it has, where that is known.
    fn stream(&self, stream: &str, total: Option<u64>);
    /// `by` more questions were answered; `records` came.
    fn advance(&self, stream: &str, by: u64, records: u64);
}

/// What came of an extraction.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The sealed snapshot.
    pub facts: SnapshotFacts,
    /// Calls made by this process; what the journal answered is not among them.
    pub calls: u64,
    /// Exchanges that an earlier, interrupted process had left.
    pub resumed: u64,
}

/// Extracts everything that the manifest names and seals it. Resumes what was interrupted.
///
/// # Errors
/// Every fault leaves a journal from which the same call goes on.
pub async fn extract(
    warehouse: &Warehouse,
    manifest: &Manifest,
    options: &Options,
    clock: Arc<dyn Clock>,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let url_base = manifest.address(options.base_url.as_deref(), &options.settings)?;
    let account = match &manifest.account {
        Some(template) => fill_setting(template, &options.settings)?,
        None => url_base.clone(),
    };
    let start = Start {
        format: FORMAT,
        account,
        question_sha256: question_hash(manifest, &url_base, &options.settings),
        started_at: clock.now(),
    };
    let client = client(manifest, options, clock.clone())?;
    let files = FileClient::new(FileOptions {
        private_hosts: options.private_hosts.clone(),
        bytes_max: options.file_bytes_max,
        timeout_ms: options.timeout_ms,
        policy: Policy {
            attempts_max: FILE_ATTEMPTS_MAX.min(options.policy.attempts_max),
            ..options.policy
        },
        clock: clock.clone(),
    })?;
    let flush_ms = options.flush_ms;
    let journal =
        Journal::open(warehouse, &manifest.platform, start, clock.clone(), flush_ms).await?;
    let resumed = journal.resumed();
    let pace = client.pace().clone();
    let calls_before = pace.calls();
    let mut reader = Reader::new(manifest, options, url_base, client, journal, clock.clone());
    let read = reader.read_all(&files, progress).await;
    let (mut journal, gaps, evidence) = reader.into_parts();
    if let Err(fault) = read {
        journal.flush().await?;
        return Err(fault);
    }
    let streams = manifest.stream_names();
    let closing = Closing { streams, gaps, evidence, tool: options.tool.clone() };
    let facts = seal(&mut journal, closing, clock.now()).await?;
    Ok(Outcome { facts, calls: pace.calls() - calls_before, resumed })
}

fn client(manifest: &Manifest, options: &Options, clock: Arc<dyn Clock>) -> Result<Client> {
    let settings = &options.settings;
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    for (name, template) in &manifest.request_headers {
        headers.push((name.clone(), fill_setting(template, settings)?));
    }
    match &manifest.authenticator {
        Authenticator::Basic { username, password } => {
            let (user, secret) =
                (fill_setting(username, settings)?, fill_setting(password, settings)?);
            headers.push(("authorization".to_owned(), http::basic(&user, &secret)));
        }
        Authenticator::Bearer { api_token } => {
            let token = fill_setting(api_token, settings)?;
            headers.push(("authorization".to_owned(), format!("Bearer {token}")));
        }
        Authenticator::NoAuth => {}
    }
    let budget = &manifest.api_budget;
    let pace = match (&options.pace, budget.calls_per_window, budget.window_s) {
        (Some(pace), _, _) => pace.clone(),
        (None, Some(calls), Some(window_s)) => {
            let shape = Shape { calls, window_ms: window_s * 1_000 };
            Pace::bucket(shape, budget.header.clone(), clock.now())
        }
        (None, None, None) => Pace::unlimited(),
        _ => {
            return Err(Fault::config("api_budget has calls_per_window without window_s")
                .hint("give both, or neither"));
        }
    };
    let (timeout_ms, policy) = (options.timeout_ms, options.policy);
    Client::new(ClientOptions { headers, timeout_ms, pace, policy, clock })
}

/// Two extractions may share a journal only when they ask the same questions of the same account.
fn question_hash(
    manifest: &Manifest,
    url_base: &str,
    settings: &BTreeMap<String, String>,
) -> String {
    let is_secret = |name: &str| manifest.spec.get(name).is_some_and(|setting| setting.secret);
    let open: Vec<_> = settings.iter().filter(|(name, _)| !is_secret(name)).collect();
    sha256(format!("{}\n{url_base}\n{open:?}", manifest.text).as_bytes())
}
