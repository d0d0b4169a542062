//! The pace of a replay against a bucket that really refuses.

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use deskferry_load::Gorgias;
use emulator::gorgias::{Bucket, Options as Setting};
use http::{Client, ClientOptions, Pace};
use kernel::Clock;
use kernel::bucket::Shape;
use serde_json::json;

use crate::plan_tables::PlanTables;
use crate::shop::{asked, customer, ticket};
use crate::stage::{ADMIN, KEY, QUICK, Stage, SystemClock, options};

/// A bucket of 40 in one second instead of twenty.
const SHAPE: Shape = Shape { calls: 40, window_ms: 1_000 };
/// Tickets of one call each.
const TICKETS: usize = 240;
/// The calls over which the rate is measured: the burst at the beginning is over by then.
const STEADY_FROM: u64 = 60;
const STEADY_TO: u64 = 230;

fn many_small_tickets() -> PlanTables {
    let mut plan = PlanTables {
        tags: vec![json!({"name": "migrated"})],
        customers: vec![customer("c1", Some("ada@people.example"))],
        ..PlanTables::default()
    };
    for number in 0..TICKETS {
        let messages = vec![asked(&format!("m{number}"), "c1", true)];
        plan.thread(ticket(&format!("t{number}"), "c1", "open"), messages);
    }
    plan
}

#[tokio::test]
async fn a_replay_uses_98_percent_of_the_rate_and_is_never_refused() {
    let bucket = Some(Bucket { calls: SHAPE.calls, window_ms: SHAPE.window_ms });
    let stage = Stage::new(&many_small_tickets(), Setting { bucket, ..Setting::default() }).await;
    let clock = Arc::new(SystemClock);
    let header = Some("x-gorgias-account-api-call-limit".to_owned());
    let client = Client::new(ClientOptions {
        headers: vec![("authorization".to_owned(), http::basic(ADMIN, KEY))],
        timeout_ms: 5_000,
        pace: Pace::bucket(SHAPE, header, clock.now()),
        policy: QUICK,
        clock,
    });
    let client = client.expect("a client");
    let target = Gorgias::new(client, &stage.origin, ADMIN).with_policy(QUICK);
    let target = Arc::new(target);
    let all = options();
    let (outcome, took_s) = tokio::join!(stage.load_with(&all, target), steady_s(&stage));
    assert!(outcome.expect("loads").complete);
    assert_eq!(stage.emulator.counters().throttled, 0);
    let rate = (STEADY_TO - STEADY_FROM) as f64 / took_s;
    let possible = f64::from(SHAPE.calls) * 1_000.0 / SHAPE.window_ms as f64;
    println!("{rate:.2} calls a second of {possible:.2}");
    assert!(rate >= 0.98 * possible, "{rate} a second");
}

/// How long the calls between two numbers take, in seconds.
async fn steady_s(stage: &Stage) -> f64 {
    let calls = || stage.emulator.counters().calls.values().sum::<u64>();
    let reached = async |number: u64| {
        while calls() < number {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Moment::now()
    };
    let from = reached(STEADY_FROM).await;
    (reached(STEADY_TO).await - from).as_secs_f64()
}
