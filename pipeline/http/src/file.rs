//! Files that records point at: fetched without credentials, from allowed hosts, up to a bound.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use kernel::retry::{Decision, Ending, Policy};
use kernel::{Clock, Fault, Instant, Result};
use url::Url;

use crate::guard::{Guard, PRIVATE};

/// Redirects that are followed before they count as endless.
const REDIRECTS_MAX: usize = 5;

/// Bounds of a file client.
pub struct FileOptions {
    /// Loopback or private hosts that files may be fetched from.
    pub private_hosts: Vec<String>,
    /// The largest file that is kept, in bytes.
    pub bytes_max: u64,
    /// How long one file may take, in milliseconds.
    pub timeout_ms: u64,
    /// Patience.
    pub policy: Policy,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A file, or why there is none, and when.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The bytes, or the reason.
    pub outcome: std::result::Result<Bytes, NoFile>,
    /// HTTP status, where there was a reply.
    pub status: Option<u16>,
    /// What the server calls the content.
    pub content_type: Option<String>,
    /// When the first call left.
    pub started_at: Instant,
    /// When it was over.
    pub ended_at: Instant,
    /// Calls made.
    pub attempts: u32,
}

/// Why a file could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFile {
    /// Status 410, or a signed address that is no longer valid.
    Expired,
    /// Status 401 or 403.
    Forbidden,
    /// Status 404.
    Missing,
    /// Larger than the bound.
    Oversized,
    /// Too many redirects.
    RedirectLoop,
    /// The address leads to this machine or its network.
    PrivateAddress,
    /// No server there, or it never answered.
    Unreachable,
    /// Any other status.
    BadStatus,
}

impl NoFile {
    /// The word used in tables.
    pub const fn word(self) -> &'static str {
        match self {
            NoFile::Expired => "expired",
            NoFile::Forbidden => "forbidden",
            NoFile::Missing => "missing",
            NoFile::Oversized => "oversized",
            NoFile::RedirectLoop => "redirect_loop",
            NoFile::PrivateAddress => "private_address",
            NoFile::Unreachable => "unreachable",
            NoFile::BadStatus => "bad_status",
        }
    }

    /// Whether asking again may help.
    const fn may_pass(self) -> bool {
        matches!(self, NoFile::Unreachable | NoFile::BadStatus)
    }
}

/// Fetches files. Cloning it is cheap.
#[derive(Clone)]
pub struct FileClient {
    inner: reqwest::Client,
    guard: Guard,
    options: Arc<FileOptions>,
}

impl FileClient {
    /// A client without any credentials.
    ///
    /// # Errors
    /// `FixConfig` when TLS cannot be set up.
    pub fn new(options: FileOptions) -> Result<Self> {
        let guard = Guard::new(&options.private_hosts);
        let watch = guard.clone();
        let redirects = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                attempt.error("too many redirects")
            } else if watch.allows(attempt.url()) {
                attempt.follow()
            } else {
                attempt.error(PRIVATE)
            }
        });
        let inner = reqwest::Client::builder()
            .user_agent(concat!("deskferry/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(options.timeout_ms))
            .redirect(redirects)
            .referer(false)
            .dns_resolver(Arc::new(guard.clone()))
            .build()
            .map_err(|error| Fault::config("no HTTP client can be made").because(error))?;
        Ok(Self { inner, guard, options: Arc::new(options) })
    }

    /// Fetches a file; a file that cannot be had is an outcome, not an error.
    pub async fn fetch(&self, address: &str) -> Fetched {
        let started_at = self.options.clock.now();
        let mut attempts = 0;
        let mut seen = Seen::default();
        let outcome = loop {
            attempts += 1;
            let tried = self.try_once(address, &mut seen).await;
            let Err(reason) = tried else { break tried };
            if !reason.may_pass() {
                break tried;
            }
            match self.options.policy.decide(attempts, Ending::ServerTrouble, 0.5) {
                Decision::After(ms) => {
                    let machine_ms = self.options.clock.machine_ms(ms);
                    tokio::time::sleep(Duration::from_millis(machine_ms)).await;
                }
                Decision::GiveUp => break tried,
            }
        };
        let ended_at = self.options.clock.now();
        let Seen { status, content_type } = seen;
        Fetched { outcome, status, content_type, started_at, ended_at, attempts }
    }

    async fn try_once(&self, address: &str, seen: &mut Seen) -> std::result::Result<Bytes, NoFile> {
        let url = Url::parse(address).map_err(|_| NoFile::Unreachable)?;
        if !self.guard.allows(&url) {
            return Err(NoFile::PrivateAddress);
        }
        let response = self.inner.get(url).send().await.map_err(|error| why(&error))?;
        seen.status = Some(response.status().as_u16());
        let header = response.headers().get("content-type");
        seen.content_type = header.and_then(|text| text.to_str().ok()).map(str::to_owned);
        match response.status().as_u16() {
            200..=299 => {}
            401 | 403 => return Err(NoFile::Forbidden),
            404 => return Err(NoFile::Missing),
            410 => return Err(NoFile::Expired),
            _ => return Err(NoFile::BadStatus),
        }
        if response.content_length().is_some_and(|bytes| bytes > self.options.bytes_max) {
            return Err(NoFile::Oversized);
        }
        let mut body = BytesMut::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            body.extend_from_slice(&chunk.map_err(|error| why(&error))?);
            if body.len() as u64 > self.options.bytes_max {
                return Err(NoFile::Oversized);
            }
        }
        Ok(body.freeze())
    }
}

/// What the last reply said, also when it brought no file.
#[derive(Default)]
struct Seen {
    status: Option<u16>,
    content_type: Option<String>,
}

fn why(error: &reqwest::Error) -> NoFile {
    let mut link: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = link {
        if cause.to_string() == PRIVATE {
            return NoFile::PrivateAddress;
        }
        link = cause.source();
    }
    if error.is_redirect() { NoFile::RedirectLoop } else { NoFile::Unreachable }
}
