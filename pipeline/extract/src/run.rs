//! One extraction from the first question to the seal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{Client, ClientOptions, FileClient, FileOptions, Pace};
use kernel::bucket::Shape;
use kernel::retry::Policy;
use kernel::{Clock, Fault, Instant, Result, SnapshotId};
use landing::Warehouse;
use landing::bag::{Closing, seal};
use landing::exchange::sha256;
use landing::journal::{Journal, Start, keep_durable};
use landing::snapshot::{self, FORMAT, SnapshotFacts};
use tokio::sync::Mutex;

use crate::auth::Auth;
use crate::budgets::Budgets;
use crate::earlier::Earlier;
use crate::interpolation::fill_setting;
use crate::manifest::Manifest;
use crate::questions::Questions;
use crate::quota::{Quota, Standing, WhenUsedUp};
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
    /// Whether only what changed since the newest snapshot is landed.
    pub is_delta: bool,
    /// Streams to leave out on purpose; the snapshot says so.
    pub skip_streams: BTreeSet<String>,
    /// Streams that are read below some records of their parent only, by the keys of those. A
    /// resumed extraction may name others: what was read before stays.
    pub only_below: BTreeMap<String, BTreeSet<String>>,
    /// Calls on one UTC day, when it is not the manifest's number.
    pub calls_per_day: Option<u64>,
    /// What to do when they are used up.
    pub when_used_up: WhenUsedUp,
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
    /// A stream begins; `total` is how many lists it has, where that is known.
    fn stream(&self, stream: &str, total: Option<u64>);
    /// `by` more lists or pages were read; `records` came.
    fn advance(&self, stream: &str, by: u64, records: u64);
    /// A call is about to leave, or waits.
    fn standing(&self, standing: &Standing);
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
    let manifest = &manifest.with_listed_settings(&options.settings)?;
    let url_base = manifest.address(options.base_url.as_deref(), &options.settings)?;
    let skipped = manifest.with_children(&options.skip_streams)?;
    manifest.check_followers(options.only_below.keys())?;
    let account = match &manifest.account {
        Some(template) => fill_setting(template, &options.settings)?,
        None => url_base.clone(),
    };
    let parent = match options.is_delta {
        true => Some(parent_of(warehouse, manifest, &account).await?),
        false => None,
    };
    let start = Start {
        format: FORMAT,
        account,
        question_sha256: question_hash(manifest, &url_base, options, parent.as_ref()),
        started_at: clock.now(),
    };
    let client = client(manifest, options, clock.clone())?;
    let files = file_client(options, clock.clone())?;
    let journal =
        Journal::open(warehouse, &manifest.platform, start, clock.clone(), options.flush_ms)
            .await?;
    let resumed = journal.resumed();
    let began_at = journal.start().started_at;
    let limit = options.calls_per_day.or(manifest.api_budget.calls_per_day(&options.settings));
    let now = clock.now();
    let used = journal.calls_on_day_of(now)
        + sealed_calls(warehouse, &manifest.platform, &journal.start().account, now).await?;
    let quota = Quota::new(limit, options.when_used_up, clock.clone(), used);
    let journal = Mutex::new(journal);
    let calls_before = client.pace().calls();
    let questions = Questions {
        auth: Auth::new(manifest, options, clock.clone())?,
        journal: &journal,
        times: Default::default(),
        manifest,
        options,
        budgets: Budgets::new(&manifest.api_budget, &url_base, clock.now()),
        url_base,
        client,
        quota,
        clock: clock.clone(),
    };
    let earlier = Earlier::open(warehouse, parent.as_ref()).await?;
    let reader = Reader::new(manifest, &questions, &files, earlier, progress, &skipped, began_at);
    let read = keep_durable(&journal, reader.read_all()).await;
    let (harvest, complete) = reader.into_harvest();
    let calls = questions.client.pace().calls() - calls_before;
    drop(questions);
    let mut journal = journal.into_inner();
    if let Err(fault) = read {
        // What made it stop is worth more than that closing failed too.
        let _ = journal.close().await;
        return Err(fault);
    }
    let mut filters = BTreeMap::new();
    if !skipped.is_empty() {
        let names: Vec<&str> = skipped.iter().map(String::as_str).collect();
        filters.insert("skip_streams".to_owned(), names.join(", "));
    }
    let read = options.only_below.iter().filter(|(name, _)| !skipped.contains(*name));
    let read: Vec<String> =
        read.map(|(name, keys)| format!("{name}: {} records", keys.len())).collect();
    if !read.is_empty() {
        filters.insert("only_below".to_owned(), read.join(", "));
    }
    let closing = Closing {
        streams: manifest.stream_names(),
        complete,
        gaps: harvest.gaps,
        evidence: harvest.evidence,
        unproven: harvest.unproven,
        deletions: harvest.deletions.into_values().collect(),
        filters,
        tool: options.tool.clone(),
        parent,
    };
    let facts = seal(&mut journal, closing, clock.now()).await?;
    Ok(Outcome { facts, calls, resumed })
}

/// Calls that went into sealed snapshots of an account on the UTC day of `now`.
async fn sealed_calls(
    warehouse: &Warehouse,
    platform: &str,
    account: &str,
    now: Instant,
) -> Result<u64> {
    let mut calls = 0;
    for id in snapshot::list_of(warehouse, platform).await? {
        let facts = snapshot::describe(warehouse, &id).await?;
        let of_day = facts.calls_by_day.get(&now.to_date_text()).copied().unwrap_or(0);
        calls += if facts.account == account { of_day } else { 0 };
    }
    Ok(calls)
}

/// The snapshot that a delta adds to: the newest one.
async fn parent_of(
    warehouse: &Warehouse,
    manifest: &Manifest,
    account: &str,
) -> Result<SnapshotId> {
    let sealed = snapshot::list_of(warehouse, &manifest.platform).await?;
    let newest = sealed.last().cloned().ok_or_else(|| {
        Fault::config(format!("there is no snapshot of {} to add to", manifest.platform))
            .hint("extract without --delta first")
    })?;
    let of = snapshot::describe(warehouse, &newest).await?.account;
    if of != account {
        return Err(Fault::config(format!(
            "{newest} is of another account than the configuration"
        ))
        .hint("extract without --delta, or go back to the account of that snapshot"));
    }
    Ok(newest)
}

pub(crate) fn client(
    manifest: &Manifest,
    options: &Options,
    clock: Arc<dyn Clock>,
) -> Result<Client> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    for (name, template) in &manifest.request_headers {
        headers.push((name.clone(), fill_setting(template, &options.settings)?));
    }
    let budget = &manifest.api_budget;
    let pace = match (&options.pace, budget.calls_per_window, budget.window_s) {
        (Some(pace), _, _) => pace.clone(),
        (None, Some(calls), Some(window_s)) => {
            let shape = Shape { calls, window_ms: window_s * 1_000 };
            Pace::bucket(shape, budget.header.clone(), clock.now())
        }
        (None, _, _) => Pace::unlimited(),
    };
    let (timeout_ms, policy) = (options.timeout_ms, options.policy);
    Client::new(ClientOptions { headers, timeout_ms, pace, policy, clock })
}

fn file_client(options: &Options, clock: Arc<dyn Clock>) -> Result<FileClient> {
    let attempts_max = FILE_ATTEMPTS_MAX.min(options.policy.attempts_max);
    FileClient::new(FileOptions {
        private_hosts: options.private_hosts.clone(),
        bytes_max: options.file_bytes_max,
        timeout_ms: options.timeout_ms,
        policy: Policy { attempts_max, ..options.policy },
        clock,
    })
}

/// Two extractions may share a journal only when they ask the same questions of the same account.
fn question_hash(
    manifest: &Manifest,
    url_base: &str,
    options: &Options,
    parent: Option<&SnapshotId>,
) -> String {
    let is_secret = |name: &str| manifest.spec.get(name).is_some_and(|setting| setting.secret);
    let open: Vec<_> = options.settings.iter().filter(|(name, _)| !is_secret(name)).collect();
    let skipped = &options.skip_streams;
    let parent = parent.map(ToString::to_string);
    let text = format!("{}\n{url_base}\n{open:?}\n{skipped:?}\n{parent:?}", manifest.text);
    sha256(text.as_bytes())
}
