//! When calls may leave: a leaky bucket that listens to the vendor's headers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kernel::bucket::{Bucket, Shape};
use kernel::{Clock, Instant};

/// A pace that several clients can share. Cloning it is cheap.
#[derive(Clone)]
pub struct Pace {
    bucket: Option<Arc<Mutex<Bucket>>>,
    header: Option<String>,
    calls: Arc<AtomicU64>,
}

impl Pace {
    /// As fast as the other side answers.
    pub fn unlimited() -> Self {
        Self { bucket: None, header: None, calls: Arc::default() }
    }

    /// As a leaky bucket of this shape drains; `header`, if the vendor sends one, corrects it.
    pub fn bucket(shape: Shape, header: Option<String>, now: Instant) -> Self {
        let bucket = Some(Arc::new(Mutex::new(Bucket::new(shape, now))));
        Self { bucket, header, calls: Arc::default() }
    }

    /// Calls that have left so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns when the next call may leave, and counts it. What comes back is that call's turn:
    /// it ends when the reply is there, or when it is dropped.
    pub async fn wait(&self, clock: &dyn Clock) -> Turn {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Some(bucket) = &self.bucket else { return Turn { pace: self.clone(), ends: false } };
        let wait_ms = locked(bucket).take(clock.now());
        let turn = Turn { pace: self.clone(), ends: true };
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(clock.machine_ms(wait_ms))).await;
        }
        turn
    }

    /// Learns the vendor's count from elsewhere than the header.
    pub fn told(&self, used: u32, limit: u32, now: Instant) {
        if let Some(bucket) = &self.bucket {
            locked(bucket).correct(used, limit, now);
        }
    }
}

/// One call that was let out.
#[must_use]
pub struct Turn {
    pace: Pace,
    /// Whether the bucket still has to be told that the call has ended.
    ends: bool,
}

impl Turn {
    /// The reply is there; learns from its headers.
    pub fn answered(mut self, headers: &BTreeMap<String, String>, now: Instant) {
        let told = self.pace.header.as_ref().and_then(|name| headers.get(name)).and_then(|text| {
            let (used, limit) = text.split_once('/')?;
            Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
        });
        if let (Some(bucket), Some((used, limit))) = (&self.pace.bucket, told) {
            locked(bucket).learn(used, limit, now);
            self.ends = false;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let (Some(bucket), true) = (&self.pace.bucket, self.ends) {
            locked(bucket).learn_nothing();
        }
    }
}

fn locked(bucket: &Mutex<Bucket>) -> MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Moment;

    use super::*;

    /// A clock that runs sixty times as fast as the machine's.
    struct Fast(Moment);

    const FASTER: u64 = 60;

    impl Clock for Fast {
        fn now(&self) -> Instant {
            Instant::from_micros(self.0.elapsed().as_micros() as i64 * FASTER as i64)
        }

        fn machine_ms(&self, ms: u64) -> u64 {
            ms.div_ceil(FASTER)
        }
    }

    /// The vendor's bucket, counted without anything of ours.
    struct Vendor {
        shape: Shape,
        level: f64,
        at: Instant,
        refused: u32,
    }

    impl Vendor {
        fn call(&mut self, now: Instant) -> BTreeMap<String, String> {
            let (calls, window_ms) = (f64::from(self.shape.calls), self.shape.window_ms as f64);
            let drained = now.ms_since(self.at) as f64 * calls / window_ms;
            (self.level, self.at) = ((self.level - drained).max(0.0), now);
            match self.level + 1.0 <= calls {
                true => self.level += 1.0,
                false => self.refused += 1,
            }
            let used = format!("{}/{}", self.level.ceil(), self.shape.calls);
            BTreeMap::from([("x-limit".to_owned(), used)])
        }
    }

    /// Eight callers for ten minutes of a fast clock: the share of the rate that they use after
    /// the first minute, and how many calls were refused.
    async fn share_of(shape: Shape) -> (f64, u32) {
        let clock = Arc::new(Fast(Moment::now()));
        let start = clock.now();
        let vendor = Vendor { shape, level: 0.0, at: start, refused: 0 };
        let vendor = Arc::new(Mutex::new((vendor, 0_u32)));
        let pace = Pace::bucket(shape, Some("x-limit".to_owned()), start);
        let callers = (0..8).map(|_| {
            let (clock, vendor, pace) = (clock.clone(), vendor.clone(), pace.clone());
            async move {
                while clock.now().ms_since(start) < 600_000 {
                    let turn = pace.wait(clock.as_ref()).await;
                    let headers = {
                        let mut vendor = vendor.lock().expect("whole");
                        let now = clock.now();
                        let counts = (60_000..600_000).contains(&now.ms_since(start));
                        vendor.1 += u32::from(counts);
                        vendor.0.call(now)
                    };
                    // What a reply takes: 120 ms of that clock.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    turn.answered(&headers, clock.now());
                }
            }
        });
        futures::future::join_all(callers).await;
        let vendor = vendor.lock().expect("whole");
        let possible = f64::from(shape.calls) * 540_000.0 / shape.window_ms as f64;
        (f64::from(vendor.1) / possible, vendor.0.refused)
    }

    #[tokio::test]
    async fn the_bucket_is_used_to_98_percent_without_a_refusal() {
        let shapes = [(40, 20_000), (80, 20_000), (80, 10_000)];
        let shapes = shapes.map(|(calls, window_ms)| Shape { calls, window_ms });
        let shares = futures::future::join_all(shapes.map(share_of)).await;
        for (shape, (share, refused)) in shapes.iter().zip(shares) {
            println!("{shape:?}: {:.2} % of the rate, {refused} refused", share * 100.0);
            assert!(share >= 0.98, "{shape:?}: {share}");
            assert_eq!(refused, 0, "{shape:?}");
        }
    }

    #[tokio::test]
    async fn a_call_that_never_ends_gives_its_place_back() {
        let shape = Shape { calls: 40, window_ms: 20_000 };
        let clock = Fast(Moment::now());
        let pace = Pace::bucket(shape, Some("x-limit".to_owned()), clock.now());
        for _ in 0..10 {
            drop(pace.wait(&clock).await);
        }
        let last = pace.wait(&clock).await;
        last.answered(&BTreeMap::from([("x-limit".to_owned(), "38/40".to_owned())]), clock.now());
        let next = tokio::time::timeout(Duration::from_millis(1), pace.wait(&clock)).await;
        assert!(next.is_ok(), "none of the ten is on its way any more");
    }
}
