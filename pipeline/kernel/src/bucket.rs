//! The leaky bucket: when the next call may leave so that the vendor never has to refuse one.
//!
//! A bucket holds `calls` and drains `calls / window` all the time. A call may leave when there is
//! room for it. The vendor's own count, where a header tells it, wins over ours.

use crate::instant::Instant;

/// Size and drain of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Calls that fit.
    pub calls: u32,
    /// Time in which a full bucket drains, in milliseconds.
    pub window_ms: u64,
}

impl Shape {
    /// When the last of so many calls leaves an empty bucket, in milliseconds after the first: what
    /// fits leaves at once, the rest as it drains.
    pub fn last_leaves_after_ms(self, calls: u64) -> u64 {
        let fits = u64::from(self.calls.max(2)) - MARGIN_CALLS as u64;
        let waiting = u128::from(calls.saturating_sub(fits));
        let drained = (waiting * u128::from(self.window_ms)).div_ceil(self.calls.max(1).into());
        u64::try_from(drained).unwrap_or(u64::MAX)
    }
}

/// A bucket as we believe it stands on the vendor's side.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    shape: Shape,
    /// Calls in the bucket at `at`; drains continuously, so it is a fraction.
    level: f64,
    at: Instant,
}

/// Room that is never used, so that a call which arrives a little early still fits.
const MARGIN_CALLS: f64 = 1.0;

impl Bucket {
    /// An empty bucket.
    pub fn new(shape: Shape, now: Instant) -> Self {
        Self { shape, level: 0.0, at: now }
    }

    /// Takes room for one call and says how long to wait before it leaves, in milliseconds.
    pub fn take(&mut self, now: Instant) -> u64 {
        self.drain(now);
        self.level += 1.0;
        let over = self.level + MARGIN_CALLS - f64::from(self.shape.calls.max(2));
        if over <= 0.0 { 0 } else { (over / self.drain_per_ms()).ceil() as u64 }
    }

    /// Learns the vendor's count: `used` of `limit`, as its header says.
    ///
    /// Only a fuller bucket than ours is believed: calls that are on their way are not in the
    /// vendor's count yet.
    pub fn learn(&mut self, used: u32, limit: u32, now: Instant) {
        self.drain(now);
        if limit > 0 && limit != self.shape.calls {
            self.shape.calls = limit;
        }
        self.level = self.level.max(f64::from(used));
    }

    /// Calls that fit, as far as is known.
    pub fn calls(&self) -> u32 {
        self.shape.calls
    }

    fn drain(&mut self, now: Instant) {
        let gone = now.ms_since(self.at) as f64 * self.drain_per_ms();
        self.level = (self.level - gone).max(0.0);
        self.at = self.at.max(now);
    }

    fn drain_per_ms(&self) -> f64 {
        f64::from(self.shape.calls.max(1)) / self.shape.window_ms.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Shape = Shape { calls: 40, window_ms: 20_000 };

    #[test]
    fn a_burst_fits_and_then_the_drain_sets_the_pace() {
        let start = Instant::from_millis(0);
        let mut bucket = Bucket::new(KEY, start);
        let waits: Vec<u64> = (0..42).map(|_| bucket.take(start)).collect();
        assert!(waits[..39].iter().all(|wait| *wait == 0), "{waits:?}");
        assert_eq!(&waits[39..], [500, 1_000, 1_500]);
    }

    #[test]
    fn the_last_call_leaves_when_the_equation_says() {
        let start = Instant::from_millis(0);
        for calls in [1, 39, 40, 41, 500] {
            let mut bucket = Bucket::new(KEY, start);
            let last = (0..calls).map(|_| bucket.take(start)).last();
            assert_eq!(last, Some(KEY.last_leaves_after_ms(calls)), "{calls} calls");
        }
        assert_eq!(KEY.last_leaves_after_ms(7_239), 3_600_000);
    }

    #[test]
    fn the_vendors_fuller_count_wins() {
        let start = Instant::from_millis(0);
        let mut bucket = Bucket::new(KEY, start);
        bucket.learn(40, 40, start);
        assert!(bucket.take(start) >= 500);
        assert_eq!(bucket.take(start.plus_ms(20_000)), 0);
    }

    #[test]
    fn a_larger_limit_in_the_header_is_used() {
        let start = Instant::from_millis(0);
        let mut bucket = Bucket::new(KEY, start);
        bucket.learn(1, 80, start);
        assert_eq!(bucket.calls(), 80);
    }
}
