//! Owns the leaky bucket behind the vendor's rate limit and what its headers say.
//! It must not know which call is being counted.

use super::instant::Instant;
use super::options::Bucket;

/// Limit reported when there is none; far above what one machine can call.
const NO_LIMIT: u32 = 1_000_000;

/// How full the bucket is. It drains evenly, so a burst of nominal size empties only slowly.
pub(super) struct Level {
    bucket: Option<Bucket>,
    calls: f64,
    seen: Instant,
}

/// What one call found.
pub(super) struct Verdict {
    /// `X-Gorgias-Account-Api-Call-Limit`.
    pub header: String,
    /// Seconds to wait when the call does not fit.
    pub retry_after_s: Option<u64>,
}

impl Level {
    /// An empty bucket.
    pub(super) fn new(bucket: Option<Bucket>) -> Level {
        Level { bucket, calls: 0.0, seen: Instant(0) }
    }

    /// Lets one call in, or says how long to wait. A refused call does not fill the bucket.
    pub(super) fn admit(&mut self, now: Instant) -> Verdict {
        let Some(bucket) = self.bucket else {
            return Verdict { header: format!("0/{NO_LIMIT}"), retry_after_s: None };
        };
        let limit = f64::from(bucket.calls);
        let per_us = limit / (bucket.window_ms.max(1) as f64 * 1_000.0);
        let passed_us = (now.0 - self.seen.0).max(0) as f64;
        self.calls = (self.calls - passed_us * per_us).max(0.0);
        self.seen = now;
        let over = self.calls + 1.0 - limit;
        // A millionth of a call is rounding, not a call too many.
        if over > 1e-6 {
            let wait_s = (over / per_us / 1e6).ceil().max(1.0) as u64;
            return Verdict { header: self.header(bucket), retry_after_s: Some(wait_s) };
        }
        self.calls += 1.0;
        Verdict { header: self.header(bucket), retry_after_s: None }
    }

    fn header(&self, bucket: Bucket) -> String {
        format!("{}/{}", (self.calls - 1e-6).ceil().max(0.0) as u64, bucket.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bucket, Instant, Level};

    #[test]
    fn a_burst_fits_once_and_then_the_bucket_drains_evenly() {
        let mut level = Level::new(Some(Bucket { calls: 40, window_ms: 20_000 }));
        let start = Instant(1_000_000_000_000);
        for call in 1..=40 {
            let verdict = level.admit(start);
            assert_eq!(verdict.retry_after_s, None);
            assert_eq!(verdict.header, format!("{call}/40"));
        }
        assert_eq!(level.admit(start).retry_after_s, Some(1));
        assert_eq!(level.admit(start.plus_ms(400)).retry_after_s, Some(1));
        assert_eq!(level.admit(start.plus_ms(500)).retry_after_s, None, "two calls a second drain");
        assert_eq!(level.admit(start.plus_ms(500)).retry_after_s, Some(1));
    }
}
