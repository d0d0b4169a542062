//! The weather of a campaign: what goes wrong in one run, and how often.
//!
//! It knows kinds of trouble and numbers, and no vendor.

use std::sync::atomic::{AtomicI64, Ordering};

use emulator::faults::{Faults, RetryAfter};
use kernel::{Clock, Instant};

use super::TIMEOUT_MS;
use super::store::Rates;
use crate::stage::SystemClock;
use crate::stand::{Stand, Trouble};

/// What goes wrong in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    StoppedAtRandomInstants,
    ReplyLostBeforeCommit,
    ReplyLostAfterCommit,
    ReplyTruncated,
    ReplyDelayedPastTheTimeout,
    CallCarriedOutAfterARetryBegan,
    CallCarriedOutAfterTheRetry,
    CallDeliveredTwice,
    ServerErrorBeforeCommit,
    ServerErrorAfterCommit,
    ThrottledWithoutAdvice,
    ThrottledWithAbsurdAdvice,
    SlowIndex,
    DiskFull,
    SyncFails,
    LedgerStoreFails,
    ClockJumpsBack,
    TwoLoaders,
    AskedToStop,
    LedgerLost,
    EverythingAtOnce,
}

pub const KINDS: [Kind; 21] = [
    Kind::StoppedAtRandomInstants,
    Kind::ReplyLostBeforeCommit,
    Kind::ReplyLostAfterCommit,
    Kind::ReplyTruncated,
    Kind::ReplyDelayedPastTheTimeout,
    Kind::CallCarriedOutAfterARetryBegan,
    Kind::CallCarriedOutAfterTheRetry,
    Kind::CallDeliveredTwice,
    Kind::ServerErrorBeforeCommit,
    Kind::ServerErrorAfterCommit,
    Kind::ThrottledWithoutAdvice,
    Kind::ThrottledWithAbsurdAdvice,
    Kind::SlowIndex,
    Kind::DiskFull,
    Kind::SyncFails,
    Kind::LedgerStoreFails,
    Kind::ClockJumpsBack,
    Kind::TwoLoaders,
    Kind::AskedToStop,
    Kind::LedgerLost,
    Kind::EverythingAtOnce,
];

/// Everything that disturbs one run.
#[derive(Default)]
pub struct Weather {
    pub faults: Faults,
    /// How late look-ups show what is there, in milliseconds.
    pub lag_ms: u64,
    pub store: Rates,
    /// Sessions are dropped after up to so many milliseconds more each time.
    pub drops_ms: Option<u64>,
    /// Sessions are asked to stop after up to so many milliseconds.
    pub stops_ms: Option<u64>,
    /// How far the clock jumps back now and then.
    pub jump_ms: i64,
    pub loaders: usize,
    pub loses_ledger: bool,
    /// Whether records may come to be there twice, which nobody can prevent.
    pub may_double: bool,
}

impl Weather {
    pub fn of<S: Stand>(kind: Kind, seed: u64) -> Self {
        let mut weather = Self { loaders: 1, ..Self::default() };
        let faults = &mut weather.faults;
        faults.seed = seed;
        // So late that no patience of a campaign waits for it, and so early that it does.
        faults.late_ms = if kind == Kind::CallCarriedOutAfterARetryBegan { 20 } else { 450 };
        match kind {
            Kind::StoppedAtRandomInstants => weather.drops_ms = Some(120),
            Kind::ReplyLostBeforeCommit => faults.drop_before = 0.15,
            Kind::ReplyLostAfterCommit => faults.drop_after = 0.15,
            Kind::ReplyTruncated => faults.truncate = 0.15,
            Kind::ReplyDelayedPastTheTimeout => {
                (faults.delay, faults.delay_ms, faults.writes_only) = (0.05, 2 * TIMEOUT_MS, true);
            }
            Kind::CallCarriedOutAfterARetryBegan | Kind::CallCarriedOutAfterTheRetry => {
                (faults.late, faults.writes_only) = (0.08, true);
                weather.may_double = kind == Kind::CallCarriedOutAfterTheRetry;
            }
            Kind::CallDeliveredTwice => {
                (faults.duplicate, faults.writes_only) = (0.1, true);
                weather.may_double = true;
            }
            Kind::ServerErrorBeforeCommit => faults.fail_before = 0.15,
            Kind::ServerErrorAfterCommit => faults.fail_after = 0.15,
            Kind::ThrottledWithoutAdvice => {
                (faults.throttle, faults.throttle_says) = (0.25, RetryAfter::Missing);
            }
            Kind::ThrottledWithAbsurdAdvice => {
                (faults.throttle, faults.throttle_says) = (0.25, RetryAfter::Absurd);
            }
            Kind::SlowIndex => {
                (faults.drop_after, weather.lag_ms) = (0.15, 60);
                weather.drops_ms = Some(200);
            }
            Kind::DiskFull => weather.store.before = 0.06,
            Kind::SyncFails => weather.store.after = 0.06,
            Kind::LedgerStoreFails => {
                let reads = S::LEDGER_READS_FAIL;
                weather.store = Rates { before: 0.03, after: 0.03, reads };
            }
            Kind::ClockJumpsBack => {
                (faults.drop_after, weather.jump_ms) = (0.1, 3_600_000);
                weather.drops_ms = Some(200);
            }
            Kind::TwoLoaders => weather.loaders = 2,
            Kind::AskedToStop => weather.stops_ms = Some(60),
            Kind::LedgerLost => (weather.loses_ledger, weather.drops_ms) = (true, Some(120)),
            Kind::EverythingAtOnce => weather.everything(),
        }
        weather
    }

    /// What the stand-in is told.
    pub fn trouble(&self) -> Trouble {
        Trouble { faults: self.faults.clone(), lag_ms: self.lag_ms }
    }

    fn everything(&mut self) {
        let rate = 0.03;
        self.faults = Faults {
            drop_before: rate,
            drop_after: rate,
            fail_before: rate,
            fail_after: rate,
            throttle: rate,
            throttle_says: RetryAfter::Missing,
            truncate: rate,
            delay: 0.01,
            delay_ms: 2 * TIMEOUT_MS,
            seed: self.faults.seed,
            ..Faults::default()
        };
        self.lag_ms = 15;
        self.store = Rates { before: 0.01, after: 0.01, reads: 0.01 };
        (self.drops_ms, self.jump_ms, self.loaders) = (Some(400), 60_000, 2);
    }
}

/// A clock that jumps back at some looks, and further with each jump.
pub struct Jumpy {
    behind_ms: AtomicI64,
    looks: AtomicI64,
    jump_ms: i64,
}

impl Jumpy {
    pub fn new(jump_ms: i64) -> Self {
        Self { behind_ms: AtomicI64::new(0), looks: AtomicI64::new(0), jump_ms }
    }
}

impl Clock for Jumpy {
    fn now(&self) -> Instant {
        if self.looks.fetch_add(1, Ordering::Relaxed) % 40 == 39 {
            self.behind_ms.fetch_add(self.jump_ms, Ordering::Relaxed);
        }
        let behind_ms = self.behind_ms.load(Ordering::Relaxed).max(0) as u64;
        SystemClock.now().minus_ms(behind_ms)
    }
}
