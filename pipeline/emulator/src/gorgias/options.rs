//! Owns what a caller can set: credentials, people, the rate limit, the doubtful points of the
//! vendor's behaviour (quirks) and the faults to inject. It must not know how any of it is done.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::faults::{Fault, Faults, Once, RetryAfter};

/// Everything a stand-in is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// E-mail of the account the API key belongs to; this user is an admin and always exists.
    pub email: String,
    /// The API key.
    pub api_key: String,
    /// Users that exist from the start besides the admin and the bot.
    pub agents: Vec<Agent>,
    /// The rate limit; `None` answers every call and reports a limit nobody reaches.
    pub bucket: Option<Bucket>,
    /// File the state survives in; `None` keeps it in memory only.
    pub state: Option<PathBuf>,
    /// Enforce what only older schemas demand: `via` and `sender`, and the rules on direction.
    pub strict: bool,
    /// Points on which the vendor is silent or differs between accounts.
    pub quirks: Quirks,
    /// Faults to inject.
    pub faults: Faults,
}

/// A user that exists from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Address, unique among users.
    pub email: String,
    /// Full name.
    pub name: String,
    /// One of `admin`, `agent`, `basic-agent`, `lite-agent`, `observer-agent`.
    pub role: String,
}

/// A leaky bucket: `calls` fit in, and that many drain in `window_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Calls that fit in at once.
    pub calls: u32,
    /// Time in which a full bucket drains.
    pub window_ms: u64,
}

/// Points on which the vendor is silent or differs between accounts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Answer 200 where 201 or 202 is documented, as a proxy seen in recordings does.
    pub proxy_codes: bool,
    /// A search by `external_id` sees a new record only after this time.
    pub lookup_lag_ms: u64,
    /// Lists of tickets and messages show a new record only after this time.
    pub list_lag_ms: u64,
    /// Satisfaction surveys are sent when a ticket is closed.
    pub surveys_on: bool,
    /// A ticket marked as imported triggers neither surveys nor rules.
    pub imported_is_quiet: bool,
    /// Tickets that can be created before `403 Messaging quota exceeded`.
    pub message_quota: Option<u64>,
    /// Largest JSON body.
    pub body_bytes_max: usize,
    /// Largest single upload.
    pub upload_bytes_max: usize,
    /// Longest `body_text` or `body_html`; no limit is documented.
    pub text_bytes_max: Option<usize>,
    /// Later work of the vendor changes a new ticket: language, intents, an AI field.
    pub background: bool,
    /// How long after creation that happens.
    pub background_ms: u64,
    /// That later work also moves `updated_datetime`.
    pub background_touches_updated: bool,
    /// How long a cursor stays good.
    pub cursor_ttl_ms: u64,
    /// A ticket that names an unknown tag creates it; otherwise it is refused.
    pub tags_auto_create: bool,
    /// Two customers cannot have the same phone number either.
    pub unique_phones: bool,
    /// How long a job waits in each of its states.
    pub job_step_ms: u64,
    /// Keep the log that `/api/events` reads; switching it off saves memory.
    pub events: bool,
    /// Beginnings of paths, for example `/api/rules`, that the account's role may not use: 403.
    pub forbidden: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            email: "admin@shop.example".to_owned(),
            api_key: "demo-gorgias-key".to_owned(),
            agents: Vec::new(),
            bucket: None,
            state: None,
            strict: true,
            quirks: Quirks::default(),
            faults: Faults::default(),
        }
    }
}

impl Default for Quirks {
    fn default() -> Quirks {
        Quirks {
            proxy_codes: false,
            lookup_lag_ms: 0,
            list_lag_ms: 0,
            surveys_on: false,
            imported_is_quiet: true,
            message_quota: None,
            body_bytes_max: 16 << 20,
            upload_bytes_max: 24 << 20,
            text_bytes_max: None,
            background: true,
            background_ms: 300,
            background_touches_updated: false,
            cursor_ttl_ms: 15 * 60 * 1_000,
            tags_auto_create: false,
            unique_phones: false,
            job_step_ms: 150,
            events: true,
            forbidden: Vec::new(),
        }
    }
}

impl Quirks {
    /// Whether the account's role may not use a path, named without `/api/`.
    pub(super) fn forbids(&self, path: &str) -> bool {
        let path = format!("/api/{path}");
        self.forbidden.iter().any(|start| path.starts_with(start.as_str()))
    }
}
