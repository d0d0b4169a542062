//! Calls to an API: one at a time with [`Client::send`], or until settled with [`Client::ask`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kernel::retry::{Decision, Ending, Policy, retry_after_ms};
use kernel::{Clock, Code, Fault, Instant, Result};
use reqwest::multipart::{Form, Part};

use crate::pace::Pace;

/// One call.
#[derive(Debug, Clone)]
pub struct Request {
    /// HTTP method, in capitals.
    pub method: &'static str,
    /// Absolute address.
    pub url: String,
    /// Headers of this call alone.
    pub headers: Vec<(String, String)>,
    /// What is sent.
    pub body: Body,
}

/// What a call sends.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON, already serialized.
    Json(Bytes),
    /// Names and values as a web form sends them.
    Form(Vec<(String, String)>),
    /// One file in a form.
    File {
        /// Name of the form field.
        field: String,
        /// Name of the file.
        name: String,
        /// Its MIME type.
        content_type: String,
        /// Its bytes.
        bytes: Bytes,
    },
}

impl Request {
    /// A call that only reads.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET", url: url.into(), headers: Vec::new(), body: Body::Empty }
    }

    /// A call that sends JSON.
    pub fn json(method: &'static str, url: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method, url: url.into(), headers: Vec::new(), body: Body::Json(body.into()) }
    }
}

/// A complete reply.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Bytes,
    /// When the call left.
    pub started_at: Instant,
    /// When the reply was complete.
    pub ended_at: Instant,
}

impl Reply {
    /// Whether the status says that it worked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The call never reached the server.
    #[error("no connection to the server ({0})")]
    NotSent(String),
    /// The call may have been carried out.
    #[error("the reply was lost ({0})")]
    NoReply(String),
}

/// Everything a client needs.
pub struct ClientOptions {
    /// Headers of every call, credentials among them.
    pub headers: Vec<(String, String)>,
    /// How long a call may take, in milliseconds.
    pub timeout_ms: u64,
    /// When calls may leave.
    pub pace: Pace,
    /// Patience.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What to make of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Take it as an answer.
    Success,
    /// Take it as the end of the list, or as "there is none".
    Ignore,
    /// It cannot be read; note a gap and go on.
    Gap,
    /// Too fast: wait and ask again.
    RateLimited,
    /// The quota is used up: wait longer and ask again.
    QuotaExhausted,
    /// Trouble on the other side: ask again.
    Retry,
    /// It will not get better: stop.
    Fail,
}

/// One try of [`Client::ask`].
#[derive(Debug)]
pub struct Attempt<'a> {
    /// From 1.
    pub number: u32,
    /// The reply.
    pub reply: &'a Reply,
    /// What was made of it.
    pub verdict: Verdict,
}

/// Talks to one API. Cloning it is cheap; clones share the pace.
#[derive(Clone)]
pub struct Client {
    inner: reqwest::Client,
    options: Arc<ClientOptions>,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// `FixConfig` when a header cannot be sent or TLS cannot be set up.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let mut headers = reqwest::header::HeaderMap::new();
        for (name, value) in &options.headers {
            let parsed = reqwest::header::HeaderName::try_from(name.as_str())
                .ok()
                .zip(reqwest::header::HeaderValue::try_from(value.as_str()).ok());
            let (key, mut text) =
                parsed.ok_or_else(|| Fault::config(format!("the header {name} cannot be sent")))?;
            text.set_sensitive(true);
            headers.insert(key, text);
        }
        let inner = reqwest::Client::builder()
            .user_agent(concat!("deskferry/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .timeout(Duration::from_millis(options.timeout_ms))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| Fault::config("no HTTP client can be made").because(error))?;
        Ok(Self { inner, options: Arc::new(options) })
    }

    /// The pace that this client and its clones keep.
    pub fn pace(&self) -> &Pace {
        &self.options.pace
    }

    /// Sends a call once, when the pace allows.
    pub async fn send(&self, request: &Request) -> std::result::Result<Reply, Lost> {
        let turn = self.options.pace.wait(self.options.clock.as_ref()).await;
        let started_at = self.options.clock.now();
        let response = self.outgoing(request)?.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let mut headers = BTreeMap::new();
        for (name, value) in response.headers() {
            if let Ok(text) = value.to_str() {
                headers.insert(name.as_str().to_owned(), text.to_owned());
            }
        }
        let body = response.bytes().await.map_err(|error| Lost::NoReply(brief(&error)))?;
        let ended_at = self.options.clock.now();
        turn.answered(&headers, ended_at);
        Ok(Reply { status, headers, body, started_at, ended_at })
    }

    /// Sends a call that may be repeated until its reply settles the question.
    ///
    /// `outgoing` is asked before every try what to send, and may refuse; every reply is shown to
    /// `note` before anything is made of it.
    ///
    /// # Errors
    /// What `outgoing` and `note` say; `Retry` when patience ends, `Wait` when a quota does not
    /// come back, `Refused` or `FixConfig` when the reply says that asking again is useless.
    pub async fn ask(
        &self,
        outgoing: impl AsyncFn() -> Result<Request>,
        judge: impl Fn(&Reply) -> Verdict,
        mut note: impl AsyncFnMut(Attempt<'_>) -> Result<()>,
    ) -> Result<(Reply, Verdict)> {
        let mut number = 0;
        loop {
            number += 1;
            let ending = match self.send(&outgoing().await?).await {
                Ok(reply) => {
                    let verdict = judge(&reply);
                    note(Attempt { number, reply: &reply, verdict }).await?;
                    match self.ending(&reply, verdict) {
                        None if verdict == Verdict::Fail => return Err(refusal(&reply)),
                        None => return Ok((reply, verdict)),
                        Some(ending) => (ending, format!("status {}", reply.status)),
                    }
                }
                Err(lost) => (Ending::NoReply, lost.to_string()),
            };
            match self.options.policy.decide(number, ending.0, spread()) {
                Decision::After(pause_ms) => self.pause(pause_ms).await,
                Decision::GiveUp => return Err(given_up(number, ending.0, &ending.1)),
            }
        }
    }

    async fn pause(&self, ms: u64) {
        let machine_ms = self.options.clock.machine_ms(ms);
        tokio::time::sleep(Duration::from_millis(machine_ms)).await;
    }

    /// How a reply that does not settle the question ended; `None` for one that does.
    fn ending(&self, reply: &Reply, verdict: Verdict) -> Option<Ending> {
        let now = self.options.clock.now();
        let header = reply.headers.get("retry-after");
        let retry_after_ms = header.and_then(|text| retry_after_ms(text, now));
        match verdict {
            Verdict::RateLimited => Some(Ending::RateLimited { retry_after_ms }),
            Verdict::QuotaExhausted => Some(Ending::QuotaExhausted { retry_after_ms }),
            Verdict::Retry => Some(Ending::ServerTrouble),
            Verdict::Success | Verdict::Ignore | Verdict::Gap | Verdict::Fail => None,
        }
    }

    fn outgoing(&self, request: &Request) -> std::result::Result<reqwest::RequestBuilder, Lost> {
        let not_sent = |error: &dyn std::fmt::Display| Lost::NotSent(error.to_string());
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| not_sent(&error))?;
        let mut outgoing = self.inner.request(method, &request.url);
        for (name, value) in &request.headers {
            outgoing = outgoing.header(name, value);
        }
        Ok(match &request.body {
            Body::Empty => outgoing,
            Body::Json(bytes) => {
                outgoing.header("content-type", "application/json").body(bytes.clone())
            }
            Body::Form(fields) => {
                let text = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(fields)
                    .finish();
                outgoing.header("content-type", "application/x-www-form-urlencoded").body(text)
            }
            Body::File { field, name, content_type, bytes } => {
                let part = Part::stream(bytes.clone())
                    .file_name(name.clone())
                    .mime_str(content_type)
                    .map_err(|error| not_sent(&error))?;
                outgoing.multipart(Form::new().part(field.clone(), part))
            }
        })
    }
}

/// The value of an `Authorization` header for a user and a password.
pub fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {pair}")
}

/// A share between 0 and 1 that differs from call to call, without a generator of our own.
fn spread() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0_u8) as f64 / u64::MAX as f64
}

fn lost(error: reqwest::Error) -> Lost {
    if error.is_connect() || error.is_builder() {
        Lost::NotSent(brief(&error))
    } else {
        Lost::NoReply(brief(&error))
    }
}

/// What went wrong, without the address, which may hold a secret.
fn brief(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut deepest: &dyn std::error::Error = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    if error.is_builder() { "the address is not usable".to_owned() } else { deepest.to_string() }
}

fn refusal(reply: &Reply) -> Fault {
    match reply.status {
        401 => Fault::config("the credentials are refused (status 401)")
            .coded(Code::CredentialsRefused)
            .hint("check user and key, and that the environment variables named in the configuration are set"),
        403 => Fault::config("the credentials do not allow this call (status 403)")
            .coded(Code::RightMissing)
            .hint("check the role or the scopes of the key, and the tier, if there is one"),
        404 => Fault::config("there is nothing at this address (status 404)")
            .hint("check base_url or domain, and the ids in the configuration"),
        status => Fault::refused(format!("the call is refused (status {status})")),
    }
}

fn given_up(attempts: u32, ending: Ending, last: &str) -> Fault {
    let message = format!("no usable reply after {attempts} tries: {last}");
    match ending {
        Ending::QuotaExhausted { .. } => Fault::wait(message),
        Ending::RateLimited { .. } => Fault::wait(message).coded(Code::Throttled),
        Ending::NoReply | Ending::ServerTrouble => Fault::retry(message)
            .coded(Code::NoUsableReply)
            .hint("check that the address answers; then run the same command again, which goes on where this one stopped"),
    }
}
