//! Extractions over many quota days, in moments: the clock of the test runs fast.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use deskferry_extract::{Manifest, Options, Outcome, Progress, Standing, WhenUsedUp, extract};
use emulator::crisp::{self, Faults};
use kernel::fault::Kind;
use kernel::{Clock, Fault, Instant};
use landing::Warehouse;

use super::{MachineClock, extracted, keys, options, run, serve, source};

/// A clock that moves by a millisecond with each look at it, and by a wait when somebody waits: days
/// pass as fast as the machine can ask.
struct SimulatedClock(AtomicI64);

impl SimulatedClock {
    fn new() -> Self {
        Self(AtomicI64::new(MachineClock.now().micros() / 1_000))
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn machine_ms(&self, ms: u64) -> u64 {
        self.0.fetch_add(ms as i64, Ordering::Relaxed);
        0
    }
}

/// Keeps what it was told about waiting.
#[derive(Default)]
struct Waits(Mutex<Vec<Standing>>);

impl Progress for Waits {
    fn stream(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn standing(&self, standing: &Standing) {
        let mut waits = self.0.lock().expect("nobody panicked");
        if waits.last().is_none_or(|last| last.day != standing.day) {
            waits.push(standing.clone());
        }
    }
}

async fn over_days(url: &str, limit: Option<u64>) -> (Outcome, Vec<Standing>) {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let options = Options { calls_per_day: limit, ..options(&manifest, url) };
    let (waits, clock) = (Waits::default(), Arc::new(SimulatedClock::new()));
    let outcome = extract(&warehouse, &manifest, &options, clock, &waits).await;
    (outcome.expect("finishes by itself"), waits.0.into_inner().expect("nobody panicked"))
}

#[tokio::test]
async fn twenty_quota_days_pass_in_seconds_and_no_call_is_wasted() {
    let (_, whole) = extracted(source()).await;
    let limit = whole.calls.div_ceil(20);
    let (emulator, url) = serve(source()).await;
    let (outcome, days) = over_days(&url, Some(limit)).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert_eq!(outcome.calls, whole.calls);
    assert!((20..=21).contains(&days.len()), "{} days", days.len());
    assert_eq!(emulator.counters().calls.values().sum::<u64>(), whole.calls);
    let began = Instant::parse(&format!("{}T00:00:00Z", days[0].day)).expect("is a day");
    let forecast = days[days.len() / 2].finish_at.expect("is forecast by the middle");
    let forecast_days = forecast.day() - began.day();
    assert!((10..=30).contains(&forecast_days), "forecast by the middle: {forecast_days} days");
}

#[tokio::test]
async fn a_quota_that_only_the_server_knows_is_waited_for() {
    let (_, whole) = extracted(source()).await;
    let faults = Faults { seed: 4, quota_423: 60, ..Faults::default() };
    let (emulator, url) = serve(crisp::Options { faults, ..source() }).await;
    let (outcome, _) = over_days(&url, Some(u64::MAX)).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert!(emulator.counters().statuses[&423] > 10, "the server had to refuse");
}

#[tokio::test]
async fn whoever_does_not_want_to_wait_stops_cleanly_and_goes_on_another_day() {
    let (emulator, url) = serve(source()).await;
    let warehouse = Warehouse::open("memory://").expect("opens");
    let manifest = Manifest::built_in("crisp").expect("reads");
    let when_used_up = WhenUsedUp::Stop;
    let limited = Options { calls_per_day: Some(50), when_used_up, ..options(&manifest, &url) };
    let fault: Fault = run(&warehouse, limited).await.expect_err("the day is over");
    assert_eq!(fault.kind(), Kind::Wait);
    assert!(fault.advice().contains("run the same command again"), "{}", fault.advice());
    assert_eq!(emulator.counters().calls.values().sum::<u64>(), 50);
    let outcome = run(&warehouse, options(&manifest, &url)).await.expect("goes on");
    assert!(outcome.resumed >= 50);
    let (_, whole) = extracted(source()).await;
    assert_eq!(keys(&outcome), keys(&whole));
    assert_eq!(outcome.facts.exchanges, whole.facts.exchanges, "no call was made twice");
}

#[tokio::test]
async fn the_quota_of_the_kind_of_token_holds_when_none_is_given() {
    let manifest = Manifest::built_in("crisp").expect("reads");
    for (tier, calls) in [("plugin", Some(5_000)), ("website", Some(10_000)), ("user", None)] {
        let settings = [("tier".to_owned(), tier.to_owned())].into();
        assert_eq!(manifest.api_budget.calls_per_day(&settings), calls, "{tier}");
    }
}
