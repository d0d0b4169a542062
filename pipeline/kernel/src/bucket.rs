//! The leaky bucket: when the next call may leave so that the vendor never has to refuse one.
//!
//! A bucket holds `calls` and drains `calls / window` all the time. A call may leave when there is
//! room for it. The vendor's own count, where a header tells it, corrects ours: upwards at once,
//! because somebody else may use the same bucket, and downwards when it stays lower for a while.

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
        let waiting = calls as f64 - (f64::from(self.calls.max(2)) - self.margin());
        (waiting.max(0.0) / self.drain_per_ms()).ceil() as u64
    }

    /// Room that is never used.
    fn margin(self) -> f64 {
        let quarter = f64::from(self.calls.max(2)) / 4.0;
        (self.drain_per_ms() * MARGIN_MS).min(quarter).max(MARGIN_CALLS)
    }

    fn drain_per_ms(self) -> f64 {
        f64::from(self.calls.max(1)) / self.window_ms.max(1) as f64
    }
}

/// A bucket as we believe it stands on the vendor's side.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    shape: Shape,
    /// Calls in the bucket at `at`, those included that may not leave yet; drains continuously, so
    /// it is a fraction.
    level: f64,
    at: Instant,
    /// Calls that were let in and have not been answered. The vendor's count may lack them.
    on_the_way: u32,
    /// How far the vendor's count stayed below ours in the last `lessons` replies.
    slack: f64,
    lessons: u32,
    /// Calls a millisecond that somebody else makes, averaged over the last window.
    others_per_ms: f64,
    learned_at: Option<Instant>,
}

/// Room that is never used, so that a call which arrives a little early still fits.
const MARGIN_CALLS: f64 = 1.0;
/// How much earlier than the one before it a call may arrive, in milliseconds of drain.
const MARGIN_MS: f64 = 250.0;
/// The share of the drain that is ours however much somebody else calls.
const SHARE_MIN: f64 = 0.1;
/// Replies that have to agree that the bucket is emptier than we think, before it is believed.
const LESSONS: u32 = 20;

impl Bucket {
    /// An empty bucket.
    pub fn new(shape: Shape, now: Instant) -> Self {
        Self {
            shape,
            level: 0.0,
            at: now,
            on_the_way: 0,
            slack: f64::INFINITY,
            lessons: 0,
            others_per_ms: 0.0,
            learned_at: None,
        }
    }

    /// Takes room for one call and says how long to wait before it leaves, in milliseconds. Each
    /// call has to be followed by [`Bucket::learn`] or [`Bucket::learn_nothing`].
    pub fn take(&mut self, now: Instant) -> u64 {
        self.drain(now);
        self.level += 1.0;
        self.on_the_way += 1;
        let calls = f64::from(self.shape.calls.max(2));
        let over = self.level + self.shape.margin() - calls;
        // Calls that somebody else will make take up room before this one can leave.
        let drain_per_ms = self.drain_per_ms();
        let left = (drain_per_ms - self.others_per_ms).max(drain_per_ms * SHARE_MIN);
        if over <= 0.0 { 0 } else { (over / left).ceil() as u64 }
    }

    /// Learns the vendor's count from the reply to a call: `used` of `limit`, as its header says.
    ///
    /// Together with the calls that are still on their way it is never less than what the vendor
    /// really has, so a fuller bucket than ours is believed at once. An emptier one is believed
    /// when [`LESSONS`] replies in a row say so, and only as far as all of them do, because
    /// replies overtake each other.
    pub fn learn(&mut self, used: u32, limit: u32, now: Instant) {
        self.learn_nothing();
        self.correct(used, limit, now);
    }

    /// Learns the vendor's count when it was told apart from the end of a call.
    pub fn correct(&mut self, used: u32, limit: u32, now: Instant) {
        self.drain(now);
        if limit > 0 && limit != self.shape.calls {
            self.shape.calls = limit;
        }
        let seen = f64::from(used) + f64::from(self.on_the_way);
        // What was in the bucket before the first reply says nothing about what will come.
        if let Some(before) = self.learned_at.replace(now) {
            let window_ms = self.shape.window_ms.max(1) as f64;
            let fading = (-(now.ms_since(before) as f64) / window_ms).exp();
            let new = (seen - self.level).max(0.0);
            self.others_per_ms = self.others_per_ms * fading + new / window_ms;
        }
        if seen >= self.level {
            self.level = seen;
            (self.slack, self.lessons) = (f64::INFINITY, 0);
            return;
        }
        self.slack = self.slack.min(self.level - seen);
        self.lessons += 1;
        if self.lessons >= LESSONS {
            self.level -= self.slack;
            (self.slack, self.lessons) = (f64::INFINITY, 0);
        }
    }

    /// Notes that a call ended without a word about the bucket.
    pub fn learn_nothing(&mut self) {
        self.on_the_way = self.on_the_way.saturating_sub(1);
    }

    /// Calls that fit, as far as is known.
    pub fn calls(&self) -> u32 {
        self.shape.calls
    }

    /// A clock that jumps back drains nothing, and from there on drains as before.
    fn drain(&mut self, now: Instant) {
        let gone = now.ms_since(self.at) as f64 * self.drain_per_ms();
        self.level = (self.level - gone).max(0.0);
        self.at = now;
    }

    fn drain_per_ms(&self) -> f64 {
        self.shape.drain_per_ms()
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

    #[test]
    fn calls_that_wait_are_added_to_the_vendors_count() {
        let start = Instant::from_millis(0);
        let mut bucket = Bucket::new(KEY, start);
        for _ in 0..10 {
            bucket.take(start);
        }
        // The first of the ten is answered: somebody else has filled the bucket.
        bucket.learn(39, 40, start);
        assert_eq!(bucket.take(start), 5_000, "39 there, 9 of ours and this one to come");
    }

    #[test]
    fn an_emptier_bucket_is_believed_when_many_replies_agree() {
        let start = Instant::from_millis(0);
        let mut bucket = Bucket::new(KEY, start);
        for _ in 0..60 {
            bucket.take(start);
            bucket.learn_nothing();
        }
        for _ in 0..19 {
            bucket.learn(20, 40, start);
        }
        assert!(bucket.take(start) > 10_000);
        bucket.learn(25, 40, start);
        assert_eq!(bucket.take(start), 0, "25 is the most that the twenty said");
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_stop_the_drain() {
        let late = Instant::from_millis(3_600_000);
        let mut bucket = Bucket::new(KEY, late);
        for _ in 0..39 {
            bucket.take(late);
        }
        let early = Instant::from_millis(0);
        assert_eq!(bucket.take(early), 500);
        assert_eq!(bucket.take(early.plus_ms(20_000)), 0);
    }

    /// A vendor's bucket, counted without anything of the above.
    struct Vendor {
        calls: f64,
        per_ms: f64,
        level: f64,
        at_ms: i64,
    }

    impl Vendor {
        fn new(shape: Shape) -> Self {
            let calls = f64::from(shape.calls);
            Self { calls, per_ms: calls / shape.window_ms as f64, level: 0.0, at_ms: 0 }
        }

        /// Its count after one call; `None` when it refuses.
        fn admit(&mut self, at_ms: i64) -> Option<u32> {
            let passed_ms = (at_ms - self.at_ms).max(0) as f64;
            self.level = (self.level - passed_ms * self.per_ms).max(0.0);
            self.at_ms = self.at_ms.max(at_ms);
            let fits = self.level + 1.0 <= self.calls + 1e-6;
            self.level += if fits { 1.0 } else { 0.0 };
            fits.then_some(self.level.ceil() as u32)
        }
    }

    /// Calls by `senders` at a time for `minutes`, each answered after `delay_ms`; another client
    /// calls every `other_ms`. Gives calls a second in the last three quarters, and refusals.
    fn simulate(believed: Shape, real: Shape, other_ms: Option<i64>, minutes: i64) -> (f64, u32) {
        const DELAYS_MS: [i64; 7] = [40, 90, 60, 180, 50, 120, 70];
        let end_ms = minutes * 60_000;
        let (mut bucket, mut vendor) =
            (Bucket::new(believed, Instant::from_millis(0)), Vendor::new(real));
        // What happens when: a sender is free, a call arrives, or the other client calls.
        let mut due: std::collections::BTreeSet<(i64, u32, u32)> =
            (0..8).map(|n| (0, 2, n)).collect();
        due.extend(other_ms.map(|_| (0, 0, 99)));
        let (mut calls, mut refused, mut number) = (0_u32, 0, 0_usize);
        while let Some((now_ms, what, sender)) = due.pop_first().filter(|(at, ..)| *at < end_ms) {
            number += 1;
            let now = Instant::from_millis(now_ms);
            match what {
                0 => {
                    let _ = vendor.admit(now_ms);
                    due.insert((now_ms + other_ms.unwrap_or(end_ms), 0, 99));
                }
                1 => {
                    let delay_ms = DELAYS_MS[number % DELAYS_MS.len()];
                    match vendor.admit(now_ms) {
                        Some(used) => {
                            calls += u32::from(now_ms * 4 > end_ms);
                            bucket.learn(used, real.calls, now);
                            due.insert((now_ms + delay_ms, 2, sender));
                        }
                        None => {
                            refused += 1;
                            bucket.learn(real.calls, real.calls, now);
                            due.insert((now_ms + 1_000, 2, sender));
                        }
                    }
                }
                _ => {
                    let wait_ms = bucket.take(now) as i64;
                    let delay_ms = DELAYS_MS[number % DELAYS_MS.len()];
                    due.insert((now_ms + wait_ms + delay_ms, 1, sender));
                }
            }
        }
        (f64::from(calls) / (minutes as f64 * 45.0), refused)
    }

    #[test]
    fn the_rate_is_used_to_98_percent_and_nothing_is_refused() {
        for (calls, window_ms) in [(40, 20_000), (80, 20_000), (80, 10_000)] {
            let shape = Shape { calls, window_ms };
            let (rate, refused) = simulate(shape, shape, None, 60);
            let share = rate * window_ms as f64 / 1_000.0 / f64::from(calls);
            println!("{calls} in {window_ms} ms: {rate:.3} calls/s, {:.2} %", share * 100.0);
            assert!((0.98..=1.001).contains(&share), "{calls}/{window_ms}: {share}");
            assert_eq!(refused, 0, "{calls}/{window_ms}");
        }
    }

    #[test]
    fn another_client_that_takes_half_of_the_bucket_is_survived() {
        let shape = Shape { calls: 40, window_ms: 20_000 };
        let (rate, refused) = simulate(shape, shape, Some(1_000), 60);
        println!("beside a client with 1 call/s: {rate:.3} calls/s, {refused} refused");
        assert!(rate >= 0.9, "{rate} calls/s of the one that is left");
        assert!(refused <= 60, "{refused} of 3,600 refused");
    }

    #[test]
    fn a_wrong_idea_of_the_bucket_is_corrected_by_the_header() {
        let believed = Shape { calls: 40, window_ms: 20_000 };
        for real in [Shape { calls: 80, window_ms: 20_000 }, Shape { calls: 80, window_ms: 10_000 }]
        {
            let (rate, refused) = simulate(believed, real, None, 60);
            let share = rate * real.window_ms as f64 / 1_000.0 / f64::from(real.calls);
            println!("{real:?} taken for 40 in 20 s: {:.2} %, {refused} refused", share * 100.0);
            assert!(share >= 0.9, "{real:?}: {share}");
            assert!(refused <= 10, "{real:?}: {refused}");
        }
    }
}
