//! Whether a source can be read: one question to each stream, and what came of it.
//!
//! Nothing is landed and nothing is asked twice.

use std::collections::HashMap;
use std::sync::Arc;

use http::{Client, Reply, Request, Verdict};
use kernel::{Clock, Code, Fault, Result};

use crate::addresses::Addresses;
use crate::auth::Auth;
use crate::manifest::{Manifest, Paginator, Stream};
use crate::partitions::{Partition, parent_of, partitions_of};
use crate::questions::Page;
use crate::run::{Options, client};
use crate::selector::{Found, select};
use crate::verdicts::Rules;

/// What came of asking one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// The stream.
    pub stream: String,
    /// Calls made for it: none or one.
    pub calls: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// How well the manifest knows the stream.
    pub evidence: Option<String>,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The first page holds so many records.
    Readable {
        /// Records on the first page.
        records: usize,
    },
    /// The credentials do not allow it; the status.
    Refused(u16),
    /// There is nothing at this address; the status.
    Missing(u16),
    /// There is a reply, but not one that the manifest describes; why.
    Unreadable(String),
    /// There was nothing to ask with; why.
    NotAsked(String),
}

/// Asks every stream one question: the first page, of a child that of the first record that has
/// one.
///
/// # Errors
/// `FixConfig` when the credentials are refused before anything could be read, `Retry` when the
/// server cannot be reached.
pub async fn probe(
    manifest: &Manifest,
    options: &Options,
    clock: Arc<dyn Clock>,
) -> Result<Vec<Probed>> {
    let manifest = &manifest.with_listed_settings(&options.settings)?;
    let url_base = manifest.address(options.base_url.as_deref(), &options.settings)?;
    let settings = &options.settings;
    let mut probe = Probe {
        manifest,
        addresses: Addresses { manifest, settings, url_base: &url_base },
        auth: Auth::new(manifest, options, clock.clone())?,
        client: client(manifest, options, clock)?,
        found: HashMap::new(),
    };
    let mut probed = Vec::new();
    for stream in &manifest.streams {
        let (calls, outcome) = match probe.partition(stream) {
            Ok(partition) => (1, probe.ask(stream, &partition).await?),
            Err(reason) => (0, Outcome::NotAsked(reason)),
        };
        let (stream, evidence) = (stream.name.clone(), stream.evidence.clone());
        probed.push(Probed { stream, calls, outcome, evidence });
    }
    Ok(probed)
}

/// One round of questions.
struct Probe<'a> {
    manifest: &'a Manifest,
    addresses: Addresses<'a>,
    auth: Auth,
    client: Client,
    /// What the first pages held, by stream.
    found: HashMap<String, Vec<Found>>,
}

impl Probe<'_> {
    /// The list to ask for, or why there is none.
    fn partition(&self, stream: &Stream) -> std::result::Result<Partition, String> {
        if let Some(setting) = &stream.file_setting {
            return Err(format!("comes from a file, which {setting} names"));
        }
        let Some(parent) = parent_of(stream) else {
            let mut all = partitions_of(stream, None, true).into_iter();
            return all.next().ok_or_else(|| "its list of values is empty".to_owned());
        };
        let Some(records) = self.found.get(parent) else {
            return Err(format!("follows {parent}, which could not be read"));
        };
        if records.is_empty() {
            return Err(format!("follows {parent}, which brought no record"));
        }
        let mut lists = records.iter().flat_map(|record| partitions_of(stream, Some(record), true));
        lists.next().ok_or_else(|| {
            format!("follows {parent}, whose first {} records lead to none", records.len())
        })
    }

    async fn ask(&mut self, stream: &Stream, partition: &Partition) -> Result<Outcome> {
        let token = first_token(&stream.paginator);
        let page = Page { token: token.as_deref(), ..Page::default() };
        let url = self.addresses.of_page(stream, partition, page)?;
        let mut request = match self.addresses.body_of_page(stream, partition, page) {
            Some(body) => Request::json(stream.http_method.word(), url, body),
            None => Request::get(url),
        };
        self.auth.apply(&mut request).await?;
        let reply = self.client.send(&request).await.map_err(|lost| {
            Fault::retry(format!("asking for {}: {lost}", stream.name))
                .hint("check that base_url is the API's address and that it answers")
        })?;
        if reply.status == 401 && self.found.is_empty() {
            return Err(Fault::config("the credentials are refused (status 401)")
            .coded(Code::CredentialsRefused)
                .hint("check user and key, and that the environment variables named in the configuration are set"));
        }
        Ok(self.outcome(stream, partition, &reply))
    }

    fn outcome(&mut self, stream: &Stream, partition: &Partition, reply: &Reply) -> Outcome {
        let verdict = Rules::of(self.manifest, stream, &[]).judge(reply.status, &reply.body);
        match (verdict, reply.status) {
            (Verdict::Success, _) => match select(&reply.body, stream, Some(partition)) {
                Ok(found) => {
                    let records = found.len();
                    self.found.insert(stream.name.clone(), found);
                    Outcome::Readable { records }
                }
                Err(why) => Outcome::Unreadable(why.0),
            },
            (Verdict::RateLimited, status) => {
                Outcome::Unreadable(format!("too many calls at present (status {status})"))
            }
            (Verdict::QuotaExhausted, status) => {
                Outcome::Unreadable(format!("the quota is used up (status {status})"))
            }
            (_, status @ (401..=403)) => Outcome::Refused(status),
            (_, status @ (404 | 405 | 410)) => Outcome::Missing(status),
            (_, status) => Outcome::Unreadable(format!("status {status}")),
        }
    }
}

/// What the first page is called.
fn first_token(paginator: &Paginator) -> Option<String> {
    match paginator {
        Paginator::PageIncrement { start_from_page, .. } => Some(start_from_page.to_string()),
        Paginator::OffsetIncrement { .. } => Some("0".to_owned()),
        _ => None,
    }
}
