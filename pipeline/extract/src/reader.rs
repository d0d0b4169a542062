//! Asks every question of a manifest, page by page, parents before children.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex as Lock, PoisonError};

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Attempt, Client, FileClient, Reply, Request, Verdict};
use kernel::{Clock, Fault, Result};
use landing::exchange::Exchange;
use landing::journal::Journal;
use landing::snapshot::Gap;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::files::Files;
use crate::interpolation::{Context, at_path, fill, fill_path, scalar};
use crate::links;
use crate::manifest::{Action, Manifest, Paginator, Router, Stream};
use crate::run::{Options, Progress};
use crate::selector::{Found, Partition, select};

/// Calls in flight when the manifest does not say.
const CONCURRENCY: usize = 4;

/// Headers worth keeping: what was served, from where, and how near the limits are.
const HEADERS_KEPT: [&str; 7] = [
    "bloom-status",
    "content-type",
    "date",
    "etag",
    "retry-after",
    "x-gorgias-account-api-call-limit",
    "x-request-id",
];

/// One extraction, reading.
pub(crate) struct Reader<'a> {
    manifest: &'a Manifest,
    options: &'a Options,
    url_base: String,
    client: Client,
    journal: Mutex<Journal>,
    clock: Arc<dyn Clock>,
    harvest: Lock<Harvest>,
}

/// What reading has brought besides the journal.
#[derive(Default)]
struct Harvest {
    partitions: HashMap<String, Vec<Partition>>,
    links: Vec<String>,
    linked: HashSet<String>,
    gaps: Vec<Gap>,
    evidence: Vec<String>,
}

/// The reply to one question, read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) verdict: Verdict,
    pub(crate) found: Vec<Found>,
    pub(crate) body: Bytes,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        manifest: &'a Manifest,
        options: &'a Options,
        url_base: String,
        client: Client,
        journal: Journal,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (journal, harvest) = (Mutex::new(journal), Lock::default());
        Self { manifest, options, url_base, client, journal, clock, harvest }
    }

    pub(crate) fn into_parts(self) -> (Journal, Vec<Gap>, Vec<String>) {
        let harvest = self.harvest.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.journal.into_inner(), harvest.gaps, harvest.evidence)
    }

    pub(crate) async fn read_all(
        &mut self,
        files: &FileClient,
        progress: &dyn Progress,
    ) -> Result<()> {
        for stream in &self.manifest.streams {
            self.read_stream(stream, progress)
                .await
                .map_err(|fault| fault.during(format!("reading {}", stream.name)))?;
        }
        let links = std::mem::take(&mut self.harvested().links);
        let pass = Files { client: files, journal: &self.journal, concurrency: self.concurrency() };
        pass.fetch_all(links, progress).await
    }

    async fn read_stream(&self, stream: &Stream, progress: &dyn Progress) -> Result<()> {
        let name = &stream.name;
        if stream.partition_router.is_none() {
            progress.stream(name, None);
            return self.read_partition(stream, None, progress).await;
        }
        let partitions = self.harvested().partitions.remove(name).unwrap_or_default();
        progress.stream(name, Some(partitions.len() as u64));
        futures::stream::iter(partitions.into_iter().map(Ok))
            .try_for_each_concurrent(self.concurrency(), |partition| async move {
                self.read_partition(stream, Some(&partition), progress).await?;
                progress.advance(name, 1, 0);
                Ok(())
            })
            .await
    }

    async fn read_partition(
        &self,
        stream: &Stream,
        partition: Option<&Partition>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let pages = crate::pages::Pages { reader: self, stream, partition, progress };
        match &stream.paginator {
            Paginator::NoPagination => pages.single().await,
            Paginator::PageIncrement { start_from_page, end_http_codes, sweeps_max } => {
                pages.numbered(*start_from_page, end_http_codes, *sweeps_max).await
            }
            Paginator::CursorPagination { cursor_value, request_parameter } => {
                pages.by_cursor(cursor_value, request_parameter).await
            }
            Paginator::BackwardCursorPagination {
                cursor_field,
                request_parameter,
                more_http_code,
                confirm_from,
            } => {
                let bound = (cursor_field.as_str(), request_parameter.as_str());
                pages.backward(bound, *more_http_code, *confirm_from).await
            }
        }
    }

    /// Asks one question, or takes the answer that the journal has to it.
    pub(crate) async fn ask(
        &self,
        stream: &Stream,
        partition: Option<&Partition>,
        page: Page<'_>,
    ) -> Result<Answer> {
        let context = Context {
            config: Some(&self.options.settings),
            stream_partition: partition.map(|partition| &partition.fields),
            next_page_token: page.token,
            record: None,
        };
        let path = fill_path(&stream.path, &context)?;
        let mut query: Vec<(&str, String)> = Vec::new();
        for (name, template) in &stream.request_parameters {
            query.extend(fill(template, &context).map(|value| (name.as_str(), value)));
        }
        query.extend(page.parameter.map(|(name, value)| (name, value.to_owned())));
        let url = url::Url::parse_with_params(&format!("{}{path}", self.url_base), &query)
            .or_else(|_| url::Url::parse(&format!("{}{path}", self.url_base)))
            .map_err(|error| {
                Fault::config(format!("base_url {:?} is not an address", self.url_base))
                    .because(error)
            })?;
        let request_key = format!("{}|{path}|{query:?}|{}", stream.name, page.round);
        if let Some((exchange, body)) = self.journal.lock().await.answer(&request_key).await? {
            let verdict = judge(exchange.status, &body, &self.rules(stream, page.end_http_codes));
            let found = select(&body, stream, partition).unwrap_or_default();
            return Ok(Answer { status: exchange.status, verdict, found, body });
        }
        self.call(stream, partition, url, request_key, page.end_http_codes).await
    }

    async fn call(
        &self,
        stream: &Stream,
        partition: Option<&Partition>,
        url: url::Url,
        request_key: String,
        end_http_codes: &[u16],
    ) -> Result<Answer> {
        self.check_quota().await?;
        let rules = self.rules(stream, end_http_codes);
        let understood = |reply: &Reply| match judge(reply.status, &reply.body, &rules) {
            // A reply that breaks off or is no JSON is worth another try.
            Verdict::Success if select(&reply.body, stream, partition).is_err() => Verdict::Retry,
            verdict => verdict,
        };
        let mut unreadable = None;
        let request = Request::get(url.as_str());
        let noted = self
            .client
            .ask(&request, understood, async |attempt: Attempt<'_>| {
                let found = match attempt.verdict {
                    Verdict::Success => select(&attempt.reply.body, stream, partition),
                    Verdict::Retry if attempt.reply.is_success() => {
                        unreadable = select(&attempt.reply.body, stream, partition).err();
                        Ok(Vec::new())
                    }
                    _ => Ok(Vec::new()),
                };
                let found = found.unwrap_or_default();
                let exchange = exchange_of(stream, &request_key, &url, &attempt, &found);
                self.journal.lock().await.note(exchange, attempt.reply.body.clone()).await
            })
            .await;
        let (reply, verdict) = match (noted, unreadable) {
            (Ok(answer), _) => answer,
            (Err(fault), None) => return Err(fault),
            (Err(fault), Some(why)) => {
                return Err(Fault::data(format!("the reply cannot be read: {}", why.0))
                    .hint("check that base_url is the API's address; if it is, run the same command again, which goes on where this one stopped")
                    .because(fault));
            }
        };
        let found = select(&reply.body, stream, partition).unwrap_or_default();
        Ok(Answer { status: reply.status, verdict, found, body: reply.body })
    }

    async fn check_quota(&self) -> Result<()> {
        let Some(calls_max) = self.options.calls_per_day else {
            return Ok(());
        };
        let calls = self.journal.lock().await.calls_on_day_of(self.clock.now());
        if calls < calls_max {
            return Ok(());
        }
        Err(Fault::wait(format!("the {calls_max} calls of this UTC day are used up"))
            .hint("run the same command again tomorrow (UTC); it goes on where it stopped"))
    }

    fn rules(
        &self,
        stream: &Stream,
        end_http_codes: &[u16],
    ) -> Vec<(u16, Option<String>, Verdict)> {
        let ends = end_http_codes.iter().map(|code| (*code, None, Verdict::Ignore));
        let refused = stream.on_refused.map(|action| (403, None, verdict_of(action)));
        let missing = stream.on_missing.map(|action| (404, None, verdict_of(action)));
        let general = self.manifest.error_handler.iter().flat_map(|rule| {
            let text = Some(rule.error_message_contains.clone()).filter(|text| !text.is_empty());
            rule.http_codes.iter().map(move |code| (*code, text.clone(), verdict_of(rule.action)))
        });
        ends.chain(refused).chain(missing).chain(general).collect()
    }

    /// Takes a record in: its children and its files are read later.
    pub(crate) fn take(&self, stream: &Stream, found: &Found) {
        let mut harvest = self.harvested();
        for child in &self.manifest.streams {
            if let Some(fields) = child_fields(child, &stream.name, &found.value) {
                let parent_key = found.span.key.clone();
                let partitions = harvest.partitions.entry(child.name.clone()).or_default();
                partitions.push(Partition { parent_key, fields });
            }
        }
        for links in self.manifest.file_uploader.iter().filter(|links| links.stream == stream.name)
        {
            for url in links::find(&found.value, links) {
                if harvest.linked.insert(url.clone()) {
                    harvest.links.push(url);
                }
            }
        }
    }

    pub(crate) fn note_gap(&self, stream: &Stream, partition: Option<&Partition>, reason: String) {
        let key = partition.map(|partition| partition.parent_key.clone());
        self.harvested().gaps.push(Gap { stream: stream.name.clone(), key, reason });
    }

    pub(crate) fn note_evidence(&self, sentence: String) {
        self.harvested().evidence.push(sentence);
    }

    fn harvested(&self) -> std::sync::MutexGuard<'_, Harvest> {
        self.harvest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn concurrency(&self) -> usize {
        self.manifest.api_budget.concurrency.unwrap_or(CONCURRENCY).max(1)
    }
}

/// Which page of a partition is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Page<'a> {
    /// What the path may refer to as `next_page_token`.
    pub(crate) token: Option<&'a str>,
    /// A parameter of this page alone.
    pub(crate) parameter: Option<(&'a str, &'a str)>,
    /// Statuses that end the list.
    pub(crate) end_http_codes: &'a [u16],
    /// Tells the same question asked again on purpose from the same question resumed.
    pub(crate) round: u64,
}

/// The fields that a child's questions need, when the parent record has them all.
fn child_fields(child: &Stream, parent: &str, record: &Value) -> Option<BTreeMap<String, String>> {
    let Router::SubstreamPartitionRouter { parent_stream, partition_fields } =
        child.partition_router.as_ref()?;
    if parent_stream != parent {
        return None;
    }
    let field = |(name, path): (&String, &String)| {
        let value = at_path(record, path).and_then(scalar).filter(|text| !text.is_empty());
        Some((name.clone(), value?))
    };
    partition_fields.iter().map(field).collect()
}

fn judge(status: u16, body: &[u8], rules: &[(u16, Option<String>, Verdict)]) -> Verdict {
    let holds = |text: &Option<String>| {
        text.as_ref().is_none_or(|text| String::from_utf8_lossy(body).contains(text.as_str()))
    };
    let ruled = rules.iter().find(|(code, text, _)| *code == status && holds(text));
    match (ruled, status) {
        (Some((_, _, verdict)), _) => *verdict,
        (None, 200..=299) => Verdict::Success,
        (None, 429) => Verdict::RateLimited,
        (None, 408 | 425 | 500..=599) => Verdict::Retry,
        (None, _) => Verdict::Fail,
    }
}

fn verdict_of(action: Action) -> Verdict {
    match action {
        Action::Success => Verdict::Success,
        Action::Ignore => Verdict::Ignore,
        Action::Gap => Verdict::Gap,
        Action::RateLimited => Verdict::RateLimited,
        Action::QuotaExhausted => Verdict::QuotaExhausted,
        Action::Retry => Verdict::Retry,
        Action::Fail => Verdict::Fail,
    }
}

fn exchange_of(
    stream: &Stream,
    request_key: &str,
    url: &url::Url,
    attempt: &Attempt<'_>,
    found: &[Found],
) -> Exchange {
    let reply = attempt.reply;
    let is_answer = matches!(attempt.verdict, Verdict::Success | Verdict::Ignore | Verdict::Gap);
    let kept = reply.headers.iter().filter(|(name, _)| HEADERS_KEPT.contains(&name.as_str()));
    Exchange {
        id: 0,
        stream: stream.name.clone(),
        request_key: request_key.to_owned(),
        method: "GET".to_owned(),
        url: url.as_str().to_owned(),
        status: reply.status,
        headers: kept.map(|(name, value)| (name.clone(), value.clone())).collect(),
        started_at: reply.started_at,
        ended_at: reply.ended_at,
        attempt: attempt.number,
        is_answer,
        records: found.iter().map(|found| found.span.clone()).collect(),
        download: None,
    }
}
