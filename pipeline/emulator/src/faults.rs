//! Trouble around calls, the same for every stand-in: which call meets it, and what then happens.
//!
//! It owns the kinds of trouble and their carrying out. It knows HTTP, but no vendor: what a call
//! does, and what an error looks like, is handed in.

mod around;
mod dice;

use serde::{Deserialize, Serialize};

pub(crate) use around::Around;
pub(crate) use dice::Dice;

/// A wait that no client should obey.
const ABSURD_WAIT_S: &str = "86400000";

/// Faults to inject. Rates are chances between 0 and 1 per call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Seed of the dice.
    pub seed: u64,
    /// Only calls that may write are hit.
    pub writes_only: bool,
    /// The connection drops and nothing was done.
    pub drop_before: f64,
    /// The write is done and the connection drops.
    pub drop_after: f64,
    /// 503 and nothing was done.
    pub fail_before: f64,
    /// The write is done and a gateway answers 502 or 504.
    pub fail_after: f64,
    /// 429 although the bucket has room.
    pub throttle: f64,
    /// What those 429s say about waiting.
    pub throttle_says: RetryAfter,
    /// The reply breaks off in the middle.
    pub truncate: f64,
    /// The reply is late.
    pub delay: f64,
    /// By how much.
    pub delay_ms: u64,
    /// The call is delivered twice, as a proxy does that repeats what it got no answer to.
    pub duplicate: f64,
    /// The connection drops at once, and the write is done after `late_ms` all the same.
    pub late: f64,
    /// How much later.
    pub late_ms: u64,
    /// Faults that happen a given number of times and then no more.
    pub once: Vec<Once>,
}

/// What an injected 429 says in `Retry-after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// One second.
    #[default]
    Sane,
    /// No header.
    Missing,
    /// Far more than any window.
    Absurd,
    /// Not a number.
    Garbled,
}

/// A fault for the next calls of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// What happens.
    pub fault: Fault,
    /// Only calls with this method; any when empty.
    #[serde(default)]
    pub method: String,
    /// Only calls whose path starts with this, for example `/api/tickets`.
    #[serde(default)]
    pub path: String,
    /// So many matching calls go through first.
    #[serde(default)]
    pub skip: u64,
    /// So many calls are hit.
    #[serde(default = "one")]
    pub count: u64,
}

/// One kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection drops and nothing was done.
    DropBefore,
    /// The write is done and the connection drops.
    DropAfter,
    /// 503 and nothing was done.
    FailBefore,
    /// The write is done and a gateway answers 502.
    FailAfter,
    /// 429 with the configured `Retry-after`.
    Throttle,
    /// The reply breaks off in the middle.
    Truncate,
    /// The reply is late.
    Delay,
    /// The call is carried out twice; the second reply is the one that arrives.
    Duplicate,
    /// The connection drops, and the call is carried out later all the same.
    Late,
}

impl Faults {
    /// What an injected 429 says in `Retry-after`.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self.throttle_says {
            RetryAfter::Sane => Some("1"),
            RetryAfter::Missing => None,
            RetryAfter::Absurd => Some(ABSURD_WAIT_S),
            RetryAfter::Garbled => Some("soon"),
        }
    }
}

fn one() -> u64 {
    1
}
