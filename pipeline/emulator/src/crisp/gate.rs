//! The gate every call passes: credentials, tier, quota, cache and the faults drawn for it.
//!
//! It decides whether a call reaches the desk. It must not know what a route answers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::time::Instant;

use super::options::{FaultKind, Faults, Options};
use super::reply::Reply;
use crate::dice::Dice;

/// Replies the cache keeps at most.
const CACHED_REPLIES_MAX: usize = 10_000;

/// The header a client says its kind of token with.
const TIER_HEADER: &str = "x-crisp-tier";

/// Refuses a call whose keypair or tier is not the configured one.
pub(crate) fn credentials(headers: &HeaderMap, options: &Options) -> Result<(), Reply> {
    let expected = STANDARD.encode(format!("{}:{}", options.identifier, options.key));
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_known = given.and_then(|text| text.strip_prefix("Basic ")) == Some(expected.as_str());
    if !is_known {
        let message = "Authentication is missing or invalid.";
        return Err(Reply::error(401, "unauthorized", "authentication", message));
    }
    let tier = headers.get(TIER_HEADER).and_then(|value| value.to_str().ok());
    if tier != Some(options.tier.as_str()) {
        let message = "The tier does not belong to this token.";
        return Err(Reply::error(403, "not_allowed", "authentication", message));
    }
    Ok(())
}

/// Calls counted against the quota of each day. The first day begins when the quota is made.
#[derive(Debug)]
pub(crate) struct Quota {
    began: Instant,
    pub(crate) calls_by_day: BTreeMap<u64, u64>,
}

impl Quota {
    pub(crate) fn new(now: Instant) -> Quota {
        Quota { began: now, calls_by_day: BTreeMap::new() }
    }

    /// Calls of the day in which the last call was.
    pub(crate) fn used(&self) -> u64 {
        self.calls_by_day.last_key_value().map_or(0, |(_, used)| *used)
    }

    /// Counts one call, or refuses it when the day's calls are used up. A refused call is free.
    pub(crate) fn take(
        &mut self,
        calls_per_day: Option<u64>,
        day_ms: u64,
        now: Instant,
    ) -> Result<(), Reply> {
        let elapsed_ms = u64::try_from(now.duration_since(self.began).as_millis());
        let day = elapsed_ms.unwrap_or(u64::MAX) / day_ms.max(1);
        let used = self.calls_by_day.entry(day).or_default();
        if calls_per_day.is_some_and(|allowed| *used >= allowed) {
            return Err(quota_exceeded());
        }
        *used += 1;
        Ok(())
    }
}

/// Replies that are given again for a while.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    replies: HashMap<String, (Instant, Reply)>,
    oldest_first: VecDeque<String>,
}

impl Cache {
    pub(crate) fn get(&self, address: &str, cache_ms: u64) -> Option<Reply> {
        let (stored, reply) = self.replies.get(address)?;
        let is_fresh = stored.elapsed() < Duration::from_millis(cache_ms);
        is_fresh.then(|| reply.clone())
    }

    pub(crate) fn put(&mut self, address: String, reply: Reply) {
        if self.oldest_first.len() >= CACHED_REPLIES_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.replies.remove(&oldest);
        }
        if self.replies.insert(address.clone(), (Instant::now(), reply)).is_none() {
            self.oldest_first.push_back(address);
        }
    }
}

/// Draws the fault of the `ordinal`-th call; planned ones come first and are used up.
pub(crate) fn draw(
    faults: &mut Faults,
    ordinal: u64,
    path: &str,
    is_file: bool,
) -> Option<FaultKind> {
    if let Some(planned) =
        faults.planned.iter_mut().find(|planned| planned.times > 0 && path.contains(&planned.path))
    {
        if planned.after == 0 {
            planned.times -= 1;
            return Some(planned.kind);
        }
        planned.after -= 1;
    }
    if is_file && !faults.files {
        return None;
    }
    let mut dice = Dice::new(faults.seed, "fault", ordinal);
    let roll = u32::try_from(dice.below(1_000)).expect("a roll is below 1,000");
    let server = *dice.pick(&[500, 502, 503, 504]);
    let limits =
        if is_file { [0; 3] } else { [faults.too_many_429, faults.too_many_420, faults.quota_423] };
    let ladder = [
        (limits[0], FaultKind::Status(429)),
        (limits[1], FaultKind::Status(420)),
        (limits[2], FaultKind::Status(423)),
        (faults.server_5xx, FaultKind::Status(server)),
        (if is_file { 0 } else { faults.non_json }, FaultKind::NonJson),
        (faults.truncated, FaultKind::Truncated),
        (faults.dropped, FaultKind::Dropped),
    ];
    let mut top = 0;
    ladder.into_iter().find_map(|(rate, kind)| {
        top += rate;
        (roll < top).then_some(kind)
    })
}

/// The error envelope of an injected status.
pub(crate) fn injected(status: u16) -> Reply {
    match status {
        420 | 429 => {
            Reply::error(status, "rate_limited", "rate_limit", "Too many requests were sent.")
        }
        423 => quota_exceeded(),
        _ => Reply::error(status, "internal_error", "server", "The request could not be served."),
    }
}

fn quota_exceeded() -> Reply {
    let message = "The daily quota of this token is used up.";
    Reply::error(423, "quota_limit_exceeded", "quota", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_faults_repeat_and_keep_their_rate() {
        let mut faults = Faults { seed: 9, too_many_429: 100, dropped: 50, ..Faults::default() };
        let mut draws = || -> Vec<_> {
            (0..10_000).map(|ordinal| draw(&mut faults, ordinal, "/v1/x", false)).collect()
        };
        let first = draws();
        assert_eq!(first, draws());
        let count = |kind| first.iter().filter(|drawn| **drawn == Some(kind)).count();
        assert!((850..1_150).contains(&count(FaultKind::Status(429))));
        assert!((400..600).contains(&count(FaultKind::Dropped)));
    }

    #[test]
    fn a_planned_fault_waits_then_hits_and_is_used_up() {
        let plan = r#"{"planned":[{"path":"messages","after":1,"times":2,"kind":{"status":503}}]}"#;
        let mut faults: Faults = serde_json::from_str(plan).expect("a plan");
        let mut hit = |path| draw(&mut faults, 0, path, false).is_some();
        assert!(!hit("/v1/messages"));
        assert!(!hit("/v1/other"));
        assert!(hit("/v1/messages"));
        assert!(hit("/v1/messages"));
        assert!(!hit("/v1/messages"));
    }

    #[test]
    fn the_quota_opens_again_with_the_next_day() {
        let midnight = Instant::now();
        let mut quota = Quota::new(midnight);
        // The day is counted from the beginning, not from the first call in it.
        let evening = midnight + Duration::from_millis(999);
        assert!(quota.take(Some(1), 1_000, evening).is_ok());
        assert_eq!(quota.take(Some(1), 1_000, evening).expect_err("used up").status, 423);
        assert!(quota.take(Some(1), 1_000, evening + Duration::from_millis(1)).is_ok());
        assert_eq!(quota.used(), 1);
        assert!(quota.take(Some(2), 1_000, midnight + Duration::from_millis(5_500)).is_ok());
        assert_eq!(quota.calls_by_day, BTreeMap::from([(0, 1), (1, 1), (5, 1)]));
    }
}
