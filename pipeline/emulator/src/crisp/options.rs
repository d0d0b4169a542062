//! What a caller chooses about the stand-in: data, credentials, quota, quirks and faults.
//!
//! Every open question about the real service is a field of [`Quirks`] here, so that a client can
//! be tried against both answers. This module knows nothing of HTTP or of how records are kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use super::moving::Moving;

/// The workspace id that invented data carries.
pub const DEMO_WEBSITE_ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
/// The identifier half of the demo keypair.
pub const DEMO_IDENTIFIER: &str = "6f0d5c1e-93a4-4b57-8d2e-1c7a40b9e3f5";
/// The key half of the demo keypair.
pub const DEMO_KEY: &str = "demo-key-that-opens-nothing-but-the-emulator";

/// The longest page of a numbered list, and the shortest one that may be asked for.
pub const PER_PAGE_MAX: usize = 50;
/// The shortest page that may be asked for, and the default.
pub const PER_PAGE_MIN: usize = 20;

/// Everything the stand-in is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the records come from.
    pub data: Data,
    /// The one workspace that the keypair opens.
    pub website_id: String,
    /// Identifier half of the keypair.
    pub identifier: String,
    /// Key half of the keypair.
    pub key: String,
    /// The tier the keypair belongs to: `plugin`, `website` or `user`.
    pub tier: String,
    /// Calls allowed per quota day; `None` is no limit.
    pub calls_per_day: Option<u64>,
    /// Length of a quota day. The first one begins when the stand-in is made.
    pub day_ms: u64,
    /// Scopes of a production token; `None` is a development token, which is not scoped.
    pub scopes: Option<Vec<String>>,
    /// Answers to the open questions.
    pub quirks: Quirks,
    /// Faults to inject.
    pub faults: Faults,
    /// Whether the workspace may be written to; a source refuses every write and counts it.
    pub writable: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            data: Data::Shop { seed: 1, conversations: 120 },
            website_id: DEMO_WEBSITE_ID.to_owned(),
            identifier: DEMO_IDENTIFIER.to_owned(),
            key: DEMO_KEY.to_owned(),
            tier: "plugin".to_owned(),
            calls_per_day: None,
            day_ms: 86_400_000,
            scopes: None,
            quirks: Quirks::default(),
            faults: Faults::default(),
            writable: false,
        }
    }
}

/// Where the records come from.
#[derive(Clone, Debug)]
pub enum Data {
    /// An invented shop: the same seed and size give the same bytes.
    Shop {
        /// Seed of the shop.
        seed: u64,
        /// How many conversations it has, the empty one included.
        conversations: usize,
    },
    /// A folder of JSON lines; see `folder.rs` for its files.
    Folder(PathBuf),
    /// Nothing but these operators.
    Empty(Vec<Operator>),
}

/// An operator of an empty workspace.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Address.
    pub email: String,
    /// First name.
    pub name: String,
    /// `owner` or `member`.
    pub role: String,
}

/// What happens to a message whose fingerprint its conversation has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeated {
    /// There are two messages then.
    Doubled,
    /// 202, and the first one stays alone.
    Ignored,
    /// 409.
    Refused,
}

/// A plan of the vendor, for what it limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// No notes, and the slowest.
    Free,
    /// The smallest that is paid for.
    Mini,
    /// The one in the middle.
    Essentials,
    /// The largest.
    Plus,
}

impl Plan {
    /// Conversations that may be created in a window, and the window in milliseconds.
    pub(crate) fn creations(self) -> (usize, u64) {
        match self {
            Plan::Free => (10, 90_000),
            Plan::Mini => (15, 60_000),
            Plan::Essentials => (25, 60_000),
            Plan::Plus => (40, 60_000),
        }
    }

    /// Participants of a conversation besides the visitor.
    pub(crate) fn participants_max(self) -> usize {
        match self {
            Plan::Free => 1,
            Plan::Mini => 3,
            Plan::Essentials | Plan::Plus => 10,
        }
    }
}

/// What a numbered list answers past its last page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastEnd {
    /// 200 with an empty list.
    Empty,
    /// 404.
    NotFound,
}

/// Whether a message at exactly the asked time belongs to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// `timestamp_before=T` means earlier than T.
    Exclusive,
    /// `timestamp_before=T` means at T or earlier.
    Inclusive,
}

/// What happens to a `per_page` outside the documented range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PerPage {
    /// 400 `invalid_data`.
    Refuse,
    /// The nearest allowed value is used.
    Clamp,
}

/// The order of the conversation list when no `order_date_*` is given; newest first in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// By creation date.
    Created,
    /// By date of the last update.
    Updated,
}

/// Which knowledge base the workspace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Helpdesk {
    /// None: its root answers 404.
    Absent,
    /// One of the older generation, with an English locale and no articles.
    LegacyEmpty,
    /// One of the older generation: categories, sections, articles.
    Legacy,
    /// One of the newer generation: content types, each a tree of paths.
    New,
}

/// Answers to what the public material leaves open. All of it can be changed while serving.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Messages on one page.
    pub message_page: usize,
    /// Whether `timestamp_before` and `timestamp_after` include their own millisecond.
    pub bound: Bound,
    /// 206 for a message page while older ones remain; `false` answers 200 always.
    pub message_partial: bool,
    /// 206 for a numbered list while more remain; `false` answers 200.
    pub list_partial: bool,
    /// What a numbered list answers past its end.
    pub past_end: PastEnd,
    /// What happens to `per_page` outside 20–50.
    pub per_page: PerPage,
    /// Some pages of the conversation and people lists come short although more follow.
    pub short_pages: bool,
    /// Order of the conversation list when none is asked for.
    pub default_order: ListOrder,
    /// Adds fields nobody documented to about half of the records.
    pub extra_fields: bool,
    /// How long a GET is answered from the cache, which does not count against the quota; 0 is off.
    pub cache_ms: u64,
    /// On every n-th read of the conversation list its last conversation is touched; 0 is never.
    pub touch_every: u64,
    /// On every n-th read of the conversation list its first conversation is deleted; 0 is never.
    pub delete_every: u64,
    /// The workspace moves by itself, on any API call; `None` is a workspace that is still.
    pub moving: Option<Moving>,
    /// Conversations of at least this many messages, but for each fourth one, have a run of so
    /// many that share one millisecond; 0 is off. A run that was made once stays.
    pub equal_ms_run: usize,
    /// The knowledge base.
    pub helpdesk: Helpdesk,
    /// Languages of the help center of an empty workspace, from its start.
    pub helpdesk_locales: Vec<String>,
    /// Some messages hold bytes that careful readers stumble over: see `odd.rs`.
    pub odd_bytes: bool,
    /// Some messages and originals point at files that do not simply arrive: see `odd.rs`.
    pub odd_files: bool,
    /// How long a slow file waits in the middle.
    pub slow_file_ms: u64,
    /// Route families, named as in the counts without the method, that answer 403.
    pub refuse: Vec<String>,
    /// `Retry-After` in seconds on 420, 423 and 429; the real service documents none.
    pub retry_after_s: Option<u64>,
    /// What happens to a fingerprint that is there already.
    pub repeated: Repeated,
    /// How long after its 202 a message is stored.
    pub store_lag_ms: u64,
    /// The plan of the workspace; `None` limits nothing.
    pub plan: Option<Plan>,
    /// The window in which a plan counts new conversations, where it is not the plan's own.
    pub plan_window_ms: Option<u64>,
    /// Status of a creation above what the plan allows.
    pub plan_status: u16,
    /// Messages that one conversation holds at most.
    pub messages_max: usize,
    /// Letters of a text at most; `None` takes any.
    pub text_letters_max: Option<usize>,
    /// Bytes of a JSON body at most.
    pub body_bytes_max: usize,
    /// Whether a message of the visitor opens its conversation again.
    pub reopens: bool,
    /// Whether an address in a conversation's meta ties the conversation to a profile.
    pub binds_people: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Quirks {
            message_page: 40,
            bound: Bound::Exclusive,
            message_partial: true,
            list_partial: false,
            past_end: PastEnd::Empty,
            per_page: PerPage::Refuse,
            short_pages: false,
            default_order: ListOrder::Updated,
            extra_fields: false,
            cache_ms: 0,
            touch_every: 0,
            delete_every: 0,
            moving: None,
            equal_ms_run: 0,
            helpdesk: Helpdesk::Absent,
            helpdesk_locales: vec!["en".to_owned(), "fr".to_owned()],
            odd_bytes: false,
            odd_files: false,
            slow_file_ms: 1_000,
            refuse: Vec::new(),
            retry_after_s: None,
            repeated: Repeated::Doubled,
            store_lag_ms: 0,
            plan: None,
            plan_window_ms: None,
            plan_status: 429,
            messages_max: 10_000,
            text_letters_max: None,
            body_bytes_max: 4 << 20,
            reopens: true,
            binds_people: true,
        }
    }
}

/// Faults, drawn per call from the seed: the n-th call meets the same fault in every run.
/// A rate is calls in 1,000; the rates add up and stop at 1,000.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of the draw.
    pub seed: u64,
    /// 429 in 1,000 calls.
    pub too_many_429: u32,
    /// 420 in 1,000 calls.
    pub too_many_420: u32,
    /// 423 in 1,000 calls although the quota is not used up.
    pub quota_423: u32,
    /// 500, 502, 503 or 504 with a JSON body in 1,000 calls.
    pub server_5xx: u32,
    /// 502 with an HTML body in 1,000 calls.
    pub non_json: u32,
    /// Replies cut in the middle of the body, in 1,000 calls.
    pub truncated: u32,
    /// Connections dropped without any reply, in 1,000 calls.
    pub dropped: u32,
    /// Every reply waits this long.
    pub delay_ms: u64,
    /// The rates hold for file downloads too, where only 5xx, truncated and dropped apply.
    pub files: bool,
    /// Faults at named places, each used up after its count. They come before the drawn ones.
    pub planned: Vec<Planned>,
    /// Trouble around calls that the workspace did or did not carry out, as of any stand-in. A path
    /// here is the family of the counts behind a slash: `/conversation/{session_id}/message`.
    pub around: crate::faults::Faults,
}

/// A fault at a named place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Calls whose path contains this text.
    pub path: String,
    /// How many such calls pass before the fault begins.
    #[serde(default)]
    pub after: u32,
    /// How many such calls it hits.
    pub times: u32,
    /// What happens to them.
    pub kind: FaultKind,
}

/// What a fault does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A JSON error envelope with this status.
    Status(u16),
    /// 502 with an HTML body.
    NonJson,
    /// The body ends in the middle.
    Truncated,
    /// The connection ends without a reply.
    Dropped,
}
