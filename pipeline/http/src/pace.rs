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
