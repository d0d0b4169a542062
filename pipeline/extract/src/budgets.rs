//! What an API allows besides the pace of all calls: smaller budgets of some paths, and pauses that
//! its headers ask for.
//!
//! Waiting for a small budget never holds up calls that do not take from it. It knows paths and
//! headers by the manifest alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Attempt, Pace, Verdict};
use kernel::bucket::Shape;
use kernel::{Clock, Instant};
use url::Url;

use crate::manifest::Budget;

/// The longest pause that a header can ask for, in milliseconds.
const PAUSE_MAX_MS: u64 = 3_600_000;

/// The budgets of one API.
pub(crate) struct Budgets {
    policies: Vec<Held>,
    /// Calls that no policy is for.
    rest: Mutex<Option<Instant>>,
    limit_header: Option<String>,
    remaining_header: Option<String>,
    reset_header: Option<String>,
}

/// A small budget.
struct Held {
    /// How the paths of its calls begin, `url_base` included.
    paths: Vec<String>,
    pace: Pace,
    /// When its next call may leave, where the other side refused one.
    until: Mutex<Option<Instant>>,
}

impl Budgets {
    /// The budgets of an API at `url_base`.
    pub(crate) fn new(budget: &Budget, url_base: &str, now: Instant) -> Self {
        let base = Url::parse(url_base).map(|url| url.path().to_owned()).unwrap_or_default();
        let policies = budget.policies.iter().map(|policy| {
            let shape =
                Shape { calls: policy.calls_per_window, window_ms: policy.window_s * 1_000 };
            let whole = |path: &String| format!("{}{path}", base.trim_end_matches('/'));
            Held {
                paths: policy.path_starts_with.iter().map(whole).collect(),
                pace: Pace::bucket(shape, None, now),
                until: Mutex::default(),
            }
        });
        Self {
            policies: policies.collect(),
            rest: Mutex::default(),
            limit_header: budget.ratelimit_limit_header.clone(),
            remaining_header: budget.ratelimit_remaining_header.clone(),
            reset_header: budget.ratelimit_reset_header.clone(),
        }
    }

    /// Returns when a call may leave as far as these budgets are concerned.
    pub(crate) async fn wait(&self, url: &Url, clock: &dyn Clock) {
        let policy = self.policy(url);
        if let Some(policy) = policy {
            drop(policy.pace.wait(clock).await);
        }
        let until = policy.map_or(&self.rest, |policy| &policy.until);
        let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
        let ms = until.map_or(0, |until| until.ms_since(clock.now()));
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(clock.machine_ms(ms))).await;
        }
    }

    /// Learns from a reply: what it tells is of the smallest budget that the call took from;
    /// `general` is the pace of all others.
    pub(crate) fn learn(&self, url: &Url, attempt: &Attempt<'_>, general: &Pace, now: Instant) {
        let number = |header: &Option<String>| {
            attempt.reply.headers.get(header.as_ref()?)?.trim().parse::<i64>().ok()
        };
        let policy = self.policy(url);
        let told = number(&self.limit_header).zip(number(&self.remaining_header));
        if let Some((limit, remaining)) = told
            && let (Ok(limit), Ok(used)) = (limit.try_into(), (limit - remaining).try_into())
        {
            policy.map_or(general, |policy| &policy.pace).told(used, limit, now);
        }
        let reset = number(&self.reset_header).filter(|_| attempt.verdict == Verdict::RateLimited);
        if let Some(reset_s) = reset {
            let until = Instant::from_millis(reset_s.saturating_mul(1_000));
            let until = until.min(now.plus_ms(PAUSE_MAX_MS));
            let place = policy.map_or(&self.rest, |policy| &policy.until);
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
    }

    fn policy(&self, url: &Url) -> Option<&Held> {
        let begins = |held: &&Held| held.paths.iter().any(|path| url.path().starts_with(path));
        self.policies.iter().find(begins)
    }
}
