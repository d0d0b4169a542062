//! One question: its address, the answer that the journal has to it, or else a call that may leave.

use std::sync::{Arc, Mutex as Lock, PoisonError};

use bytes::Bytes;
use http::{Attempt, Client, Reply, Request, Verdict};
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant, Result};
use landing::exchange::{Exchange, RecordSpan};
use landing::journal::Journal;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::addresses::Addresses;
use crate::auth::Auth;
use crate::budgets::Budgets;
use crate::interpolation::Interval;
use crate::manifest::{Manifest, Stream};
use crate::partitions::Partition;
use crate::quota::Quota;
use crate::reading::{Aim, Reading};
use crate::run::Options;
use crate::selector::{Found, Unreadable, select};
use crate::verdicts::Rules;

/// Calls in flight when the manifest does not say.
const CONCURRENCY: usize = 4;
/// Headers worth keeping: what was served, from where, and how near the limits are.
const HEADERS_KEPT: [&str; 10] = [
    "bloom-status",
    "content-type",
    "date",
    "etag",
    "retry-after",
    "x-gorgias-account-api-call-limit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];
/// Differences between two clocks that are no more than delay and rounding, in milliseconds.
const SKEW_MIN_MS: i64 = 5_000;

/// Whoever can be asked.
pub(crate) struct Questions<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) options: &'a Options,
    pub(crate) url_base: String,
    pub(crate) client: Client,
    pub(crate) budgets: Budgets,
    pub(crate) auth: Auth,
    pub(crate) journal: &'a Mutex<Journal>,
    pub(crate) quota: Quota,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) times: Lock<Times>,
}

/// What the replies told about time.
#[derive(Default)]
pub(crate) struct Times {
    /// Their clock less ours, in milliseconds.
    skew_ms: Option<i64>,
    /// When the first call since the last mark left.
    marked: Option<Instant>,
}

/// The reply to one question, read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) verdict: Verdict,
    pub(crate) found: Vec<Found>,
    pub(crate) body: Bytes,
    /// Whether a cache gave it, which may be behind.
    pub(crate) is_cached: bool,
}

/// Which page of a list is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Page<'a> {
    /// What templates may refer to as `next_page_token`.
    pub(crate) token: Option<&'a str>,
    /// Parameters of this page alone.
    pub(crate) parameters: &'a [(&'a str, String)],
    /// Where it is asked for, when that is not the stream's first path.
    pub(crate) path: Option<&'a str>,
    /// Bounds of time that templates may refer to.
    pub(crate) interval: Interval<'a>,
    /// The address of the page, as the page before it gave it.
    pub(crate) link: Option<&'a str>,
    /// Statuses that end the list.
    pub(crate) end_http_codes: &'a [u16],
    /// Tells the same question asked again on purpose from the same question resumed.
    pub(crate) sweep: u64,
}

impl Questions<'_> {
    /// Asks one question, or takes the answer that the journal has to it; `None` when it is only
    /// to be recalled and was never asked. `told` hears of calls that left.
    pub(crate) async fn ask(
        &self,
        reading: &Reading<'_>,
        page: Page<'_>,
        told: &dyn Fn(u64),
    ) -> Result<Option<Answer>> {
        let (stream, partition) = (reading.stream, reading.partition);
        let url = self.address(stream, partition, page)?;
        let body = self.addresses().body_of_page(stream, partition, page);
        let request_key = format!(
            "{}|{}{}|{}.{}",
            stream.name,
            &url[url::Position::BeforePath..],
            body.as_deref().unwrap_or_default(),
            reading.round,
            page.sweep
        );
        let rules = Rules::of(self.manifest, stream, page.end_http_codes);
        let known = self.journal.lock().await.answer(&request_key).await?;
        if known.is_none() && reading.aim == Aim::Recall {
            return Ok(None);
        }
        if let Some((exchange, body)) = known {
            self.learn(&exchange);
            let verdict = rules.judge(exchange.status, &body);
            let found = match verdict {
                Verdict::Success => select(&body, stream, Some(partition)).unwrap_or_default(),
                _ => Vec::new(),
            };
            let is_cached = is_cached(&exchange);
            return Ok(Some(Answer { status: exchange.status, verdict, found, body, is_cached }));
        }
        if let Some(setting) = &stream.file_setting {
            return self.read_file(reading, setting, &request_key).await.map(Some);
        }
        let body = body.map(Bytes::from);
        let asked = Asked { questions: self, reading, url, body, request_key, rules, told };
        asked.until_answered().await.map(Some)
    }

    /// Whether a record is not there any more: its own address answers 404.
    pub(crate) async fn is_gone(
        &self,
        stream: &Stream,
        path: &str,
        partition: &Partition,
    ) -> Result<bool> {
        let url = self.addresses().of_record(path, partition)?;
        let request_key = format!("{}|{}|record", stream.name, &url[url::Position::BeforePath..]);
        if let Some((exchange, _)) = self.journal.lock().await.answer(&request_key).await? {
            return Ok(exchange.status == 404);
        }
        let rules = Rules::of(self.manifest, stream, &[404]);
        let judge = |reply: &Reply| rules.judge(reply.status, &reply.body);
        let note = async |attempt: Attempt<'_>| {
            let exchange = exchange_of(stream, &request_key, &url, &attempt, Vec::new());
            self.journal.lock().await.note(exchange, attempt.reply.body.clone()).await
        };
        let (reply, _) =
            self.client.ask(async || self.outgoing(&url, None, &|_| ()).await, judge, note).await?;
        Ok(reply.status == 404)
    }

    /// Asks for one record anew, for an address in it that was too old; `None` when it is not there
    /// any more. The journal is not asked: what it has is as old.
    pub(crate) async fn renewed(
        &self,
        stream: &Stream,
        path: &str,
        value: &Value,
    ) -> Result<Option<Value>> {
        let Some(url) = self.addresses().of_own_record(path, value) else { return Ok(None) };
        let request_key = format!("{}|{}|renewed", stream.name, &url[url::Position::BeforePath..]);
        let rules = Rules::of(self.manifest, stream, &[403, 404, 410]);
        let judge = |reply: &Reply| rules.judge(reply.status, &reply.body);
        let note = async |attempt: Attempt<'_>| {
            self.learn_limits(&url, &attempt);
            let exchange = exchange_of(stream, &request_key, &url, &attempt, Vec::new());
            self.journal.lock().await.note(exchange, attempt.reply.body.clone()).await
        };
        let outgoing = async || self.outgoing(&url, None, &|_| ()).await;
        let (reply, verdict) = self.client.ask(outgoing, judge, note).await?;
        if verdict != Verdict::Success {
            return Ok(None);
        }
        let found = select(&reply.body, stream, None).unwrap_or_default();
        Ok(found.into_iter().next().map(|found| found.value))
    }

    fn learn_limits(&self, url: &Url, attempt: &Attempt<'_>) {
        self.budgets.learn(url, attempt, self.client.pace(), self.now());
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.manifest.api_budget.concurrency.unwrap_or(CONCURRENCY).max(1)
    }

    pub(crate) fn has_setting(&self, name: &str) -> bool {
        self.options.settings.get(name).is_some_and(|value| !value.trim().is_empty())
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// From now on the next call is the first one.
    pub(crate) fn mark(&self) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).marked = None;
    }

    /// When the first call since the mark left, by their clock.
    pub(crate) fn marked(&self) -> Option<Instant> {
        let marked = self.times.lock().unwrap_or_else(PoisonError::into_inner).marked;
        marked.map(|at| self.by_their_clock(at))
    }

    /// A moment of our clock by the other side's, as far as its replies tell.
    pub(crate) fn by_their_clock(&self, at: Instant) -> Instant {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        match times.skew_ms.filter(|skew| skew.abs() > SKEW_MIN_MS) {
            Some(skew) if skew > 0 => at.plus_ms(skew.unsigned_abs()),
            Some(skew) => at.minus_ms(skew.unsigned_abs()),
            None => at,
        }
    }

    fn learn(&self, exchange: &Exchange) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.marked.get_or_insert(exchange.started_at);
        if times.skew_ms.is_none() {
            let date = exchange.headers.get("date").and_then(|text| Instant::parse_http_date(text));
            let micros = |at: Instant| at.micros() - exchange.ended_at.micros();
            times.skew_ms = date.map(|date| micros(date) / 1_000);
        }
    }

    fn addresses(&self) -> Addresses<'_> {
        Addresses {
            manifest: self.manifest,
            settings: &self.options.settings,
            url_base: &self.url_base,
        }
    }

    fn address(&self, stream: &Stream, partition: &Partition, page: Page<'_>) -> Result<Url> {
        let Some(link) = page.link else {
            return self.addresses().of_page(stream, partition, page);
        };
        let mut url = self.addresses().of_link(link)?;
        self.auth.strip(&mut url);
        Ok(url)
    }

    /// What is sent: the question with credentials, when the calls of the day allow it.
    async fn outgoing(
        &self,
        url: &Url,
        body: Option<&Bytes>,
        told: &dyn Fn(u64),
    ) -> Result<Request> {
        self.budgets.wait(url, self.clock.as_ref()).await;
        self.quota.take(|| told(0)).await?;
        told(1);
        let mut request = match body {
            Some(body) => Request::json("POST", url.as_str(), body.clone()),
            None => Request::get(url.as_str()),
        };
        self.auth.apply(&mut request).await?;
        Ok(request)
    }
}

/// A question that is being asked.
struct Asked<'a> {
    questions: &'a Questions<'a>,
    reading: &'a Reading<'a>,
    url: Url,
    body: Option<Bytes>,
    request_key: String,
    rules: Rules,
    told: &'a dyn Fn(u64),
}

impl Asked<'_> {
    /// Asks until there is an answer, over quota days if need be.
    async fn until_answered(&self) -> Result<Answer> {
        let quota = &self.questions.quota;
        let mut times = 0;
        loop {
            match self.patiently().await {
                Err(fault) if fault.kind() == Kind::Wait => {
                    quota.refused(times, fault, || (self.told)(0)).await?;
                    times += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn patiently(&self) -> Result<Answer> {
        let questions = self.questions;
        let last: Lock<Option<std::result::Result<Vec<Found>, Unreadable>>> = Lock::default();
        let selected = || last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let understood = |reply: &Reply| {
            let verdict = self.verdict(reply);
            if verdict != Verdict::Success {
                return verdict;
            }
            let read = select(&reply.body, self.reading.stream, Some(self.reading.partition));
            // A reply that breaks off or is no JSON is worth another try.
            let verdict = if read.is_ok() { Verdict::Success } else { Verdict::Retry };
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
            verdict
        };
        let mut found = Vec::new();
        let mut unreadable = None;
        let mut is_cached = false;
        let asked = questions
            .client
            .ask(
                async || questions.outgoing(&self.url, self.body.as_ref(), self.told).await,
                understood,
                async |attempt: Attempt<'_>| {
                    match selected() {
                        Some(Ok(records)) => found = records,
                        Some(Err(why)) => unreadable = Some(why),
                        None => unreadable = None,
                    }
                    let spans = self.reading.spans_of_news(&found);
                    let stream = self.reading.stream;
                    let mut exchange =
                        exchange_of(stream, &self.request_key, &self.url, &attempt, spans);
                    exchange.method = stream.http_method.word().to_owned();
                    is_cached = self::is_cached(&exchange);
                    questions.learn(&exchange);
                    questions.learn_limits(&self.url, &attempt);
                    if attempt.reply.status == 401 {
                        questions.auth.refresh().await?;
                    }
                    questions.journal.lock().await.note(exchange, attempt.reply.body.clone()).await
                },
            )
            .await;
        match (asked, unreadable) {
            (Ok((reply, verdict)), _) => {
                Ok(Answer { status: reply.status, verdict, found, body: reply.body, is_cached })
            }
            (Err(fault), None) => Err(fault),
            (Err(fault), Some(why)) => {
                Err(Fault::data(format!("the reply cannot be read: {}", why.0))
                    .hint("check that base_url is the API's address; if it is, run the same command again, which goes on where this one stopped")
                    .because(fault))
            }
        }
    }

    fn verdict(&self, reply: &Reply) -> Verdict {
        match self.rules.judge(reply.status, &reply.body) {
            // A token that has run out is fetched anew.
            Verdict::Fail if reply.status == 401 && self.questions.auth.can_refresh() => {
                Verdict::Retry
            }
            verdict => verdict,
        }
    }
}

fn is_cached(exchange: &Exchange) -> bool {
    exchange.headers.get("bloom-status").is_some_and(|status| status == "HIT")
}

pub(crate) fn exchange_of(
    stream: &Stream,
    request_key: &str,
    url: &Url,
    attempt: &Attempt<'_>,
    records: Vec<RecordSpan>,
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
        records,
        download: None,
    }
}
