//! What a caller chooses about the stand-in: size, key, limits, quirks and faults.
//!
//! Every open question about the real service is a field of [`Quirks`], so that a client can be
//! tried against both answers. This module knows nothing of HTTP or of how records are kept.

use serde::{Deserialize, Serialize};

/// The API key that opens the stand-in unless another one is given.
pub const DEMO_API_KEY: &str = "demo-key-that-opens-nothing-but-the-emulator";

/// Everything the stand-in is started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Seed of the invented shop: the same seed and size give the same records.
    pub seed: u64,
    /// How many conversations it has.
    pub conversations: usize,
    /// The longest conversation, in messages.
    pub messages_max: usize,
    /// The bearer token that opens it.
    pub api_key: String,
    /// Calls of any kind in a window; `None` is no limit.
    pub calls_per_window: Option<u32>,
    /// Searches in a window, which are counted among the calls too; `None` is no limit.
    pub searches_per_window: Option<u32>,
    /// Length of a window.
    pub window_ms: u64,
    /// Answers to the open questions.
    pub quirks: Quirks,
    /// Faults to inject.
    pub faults: Faults,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 1,
            conversations: 120,
            messages_max: 6,
            api_key: DEMO_API_KEY.to_owned(),
            calls_per_window: None,
            searches_per_window: None,
            window_ms: 60_000,
            quirks: Quirks::default(),
            faults: Faults::default(),
        }
    }
}

/// Which `x-ratelimit-*` headers a reply has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateHeaders {
    /// `limit`, `remaining` and `reset` on every reply.
    Always,
    /// `reset` on a 429 alone.
    ResetWhenLimited,
    /// None, not even on a 429.
    Never,
}

/// Answers to what the public material leaves open. All of it can be changed while serving.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// `total` and `totalPages` in `meta`.
    pub totals: bool,
    /// Which headers tell the limits.
    pub rate_headers: RateHeaders,
    /// The last page of a search that is answered; the page after it is 400, although the page
    /// before still links to it.
    pub search_pages_max: usize,
    /// So many conversations, a third at most, were updated in one and the same millisecond.
    pub shared_updated_at: usize,
    /// What was updated before this, in milliseconds since 1970, is in the archive search; two
    /// years before the call when it is left out.
    pub archive_before_ms: Option<i64>,
    /// Route families, named as in the counts, and `search <context>`, that answer 403.
    pub refuse: Vec<String>,
    /// Sensitive values are masked, as for a key that may not read them.
    pub masked: bool,
    /// How long a signed address opens a file.
    pub signed_ms: u64,
    /// Lists hand out signed addresses that are already too old; single records do not.
    pub stale_lists: bool,
    /// The file host of signed addresses refuses calls that carry `Authorization`.
    pub bearer_refused: bool,
    /// Metadata is a list of one element instead of an object.
    pub metadata_as_list: bool,
    /// A list links to a next page also behind its last one, and that one is empty.
    pub endless_links: bool,
    /// The origin of next links, when it is not the relative one.
    pub link_origin: Option<String>,
    /// On every n-th search the oldest record that it lists is updated; 0 is never.
    pub touch_every: u64,
    /// On every n-th search the oldest record that it lists is deleted; 0 is never.
    pub delete_every: u64,
}

impl Default for Quirks {
    fn default() -> Self {
        Quirks {
            totals: true,
            rate_headers: RateHeaders::Always,
            search_pages_max: 100,
            shared_updated_at: 120,
            archive_before_ms: None,
            refuse: Vec::new(),
            masked: true,
            signed_ms: 600_000,
            stale_lists: false,
            bearer_refused: true,
            metadata_as_list: false,
            endless_links: false,
            link_origin: None,
            touch_every: 0,
            delete_every: 0,
        }
    }
}

/// Faults, drawn per call from the seed. A rate is calls in 1,000; the rates add up.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of the draw.
    pub seed: u64,
    /// 429 although no limit is reached.
    pub too_many_429: u32,
    /// 500, 502, 503 or 504.
    pub server_5xx: u32,
    /// Connections that end in the middle of the body.
    pub truncated: u32,
    /// 502 with an HTML body.
    pub non_json: u32,
}
