//! When calls may leave: a leaky bucket that listens to the vendor's headers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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

    /// Returns when the next call may leave, and counts it.
    pub async fn wait(&self, clock: &dyn Clock) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let Some(bucket) = &self.bucket else { return };
        let wait_ms = bucket.lock().unwrap_or_else(PoisonError::into_inner).take(clock.now());
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(clock.machine_ms(wait_ms))).await;
        }
    }

    /// Learns from a reply's headers.
    pub fn learn(&self, headers: &BTreeMap<String, String>, now: Instant) {
        let told = self.header.as_ref().and_then(|name| headers.get(name)).and_then(|text| {
            let (used, limit) = text.split_once('/')?;
            Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
        });
        if let Some((used, limit)) = told {
            self.told(used, limit, now);
        }
    }

    /// Learns the vendor's count, however it was told.
    pub fn told(&self, used: u32, limit: u32, now: Instant) {
        if let Some(bucket) = &self.bucket {
            bucket.lock().unwrap_or_else(PoisonError::into_inner).learn(used, limit, now);
        }
    }
}
