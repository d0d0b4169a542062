//! A load with and without trouble around its calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use deskferry_load::Options;
use emulator::faults::{Fault, Faults, Once, RetryAfter};
use kernel::RunId;
use landing::layout;

use crate::shop::shop;
use crate::stage::{RUN, options};
use crate::stand::{Stand, Trouble};

/// Longer than any reply of a stand-in takes that is not disturbed.
const TIMEOUT_MS: u64 = 5_000;
const FAULTS: [Fault; 7] = [
    Fault::DropBefore,
    Fault::DropAfter,
    Fault::FailBefore,
    Fault::FailAfter,
    Fault::Truncate,
    Fault::Throttle,
    Fault::Late,
];

pub async fn a_plan_is_replayed_as_planned_and_once<S: Stand>() {
    let plan = S::plan(shop());
    let stand = S::calm(&S::client(TIMEOUT_MS), &plan).await;
    let outcome = stand.load().await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    assert_eq!(outcome.findings, []);
    stand.assert_whole(&plan, "calm");
    let writes = stand.writes();
    let again = stand.load().await.expect("loads");
    assert!(again.complete);
    assert_eq!((stand.writes(), again.calls_now), (writes, BTreeMap::new()));
}

pub async fn one_fault_on_any_kind_of_call_changes_nothing_about_the_result<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(TIMEOUT_MS));
    for fault in FAULTS {
        for (method, path) in S::CALLS {
            for skip in [0, 1] {
                // A call that comes twice after all is what the campaign is about.
                if fault == Fault::Late && *method == "GET" {
                    continue;
                }
                let case = format!("{fault:?} on {method} {path} after {skip}");
                let (method, path) = ((*method).to_owned(), (*path).to_owned());
                let once = vec![Once { fault, method, path, skip, count: 1 }];
                let throttle_says = RetryAfter::Missing;
                let faults = Faults { once, throttle_says, late_ms: 1, ..Faults::default() };
                let stand = S::troubled(&client, &plan, Trouble { faults, lag_ms: 0 }).await;
                let outcome = stand.load_with(&patient(), Arc::new(stand.target())).await;
                let outcome = outcome.expect(&case);
                assert!(outcome.complete, "{case}: {:?}", outcome.findings);
                stand.assert_whole(&plan, &case);
                let throttled = outcome.calls.get("throttled").copied().unwrap_or_default();
                let is_hit = fault == Fault::Throttle;
                assert!(throttled <= u64::from(is_hit), "{case}");
            }
        }
    }
}

/// What is late by a millisecond is there when it is looked for.
fn patient() -> Options {
    let lookup = deskferry_load::Patience { looks: 3, pause_first_ms: 8 };
    Options { lookup, ..options() }
}

pub async fn a_call_that_is_lost_again_and_again_stops_and_the_next_session_goes_on<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(TIMEOUT_MS));
    for fault in [Fault::DropBefore, Fault::FailBefore] {
        for (method, path) in S::CALLS {
            let case = format!("{fault:?} on {method} {path}");
            let (method, path) = ((*method).to_owned(), (*path).to_owned());
            let once = Once { fault, method, path, skip: 0, count: 200 };
            let stand = S::troubled(&client, &plan, Trouble::once(once)).await;
            let first = stand.load().await;
            assert!(
                first.is_err() || first.is_ok_and(|one| !one.complete),
                "{case}: it got through"
            );
            stand.clear();
            let outcome = stand.load().await.expect(&case);
            assert!(outcome.complete, "{case}: {:?}", outcome.findings);
            stand.assert_whole(&plan, &case);
        }
    }
}

pub async fn a_ledger_that_was_lost_is_made_anew_and_nothing_is_doubled<S: Stand>() {
    let plan = S::plan(shop());
    let stand = S::calm(&S::client(TIMEOUT_MS), &plan).await;
    let first = stand.load().await.expect("loads");
    assert!(first.complete);
    let folder = layout::ledger(&RUN);
    for keeps_some in [true, false] {
        let segments = stand.warehouse().list(&folder).await.expect("lists");
        for segment in segments.iter().skip(usize::from(keeps_some)) {
            stand.warehouse().remove(segment).await.expect("is removed");
        }
        let anew = Options { rebuild_ledger: true, ..options() };
        let again = stand.load_with(&anew, Arc::new(stand.target())).await.expect("is made anew");
        assert!(again.complete, "{:?}", again.findings);
        assert_eq!(again.findings, []);
        for phase in ["tickets_create", "messages_append", "customers_create"] {
            let made = again.calls_now.get(phase).copied().unwrap_or_default();
            // A customer's second call may be made again; no record is.
            let known = u64::from(phase == "customers_create") * plan.customers.len() as u64;
            assert!(made <= known, "{phase}: {:?}", again.calls_now);
        }
        stand.assert_whole(&plan, "made anew");
        let last = stand.load().await.expect("loads");
        assert_eq!(last.calls_now, BTreeMap::new());
    }
}

pub async fn a_new_run_into_the_same_target_makes_only_what_is_missing<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(TIMEOUT_MS));
    for limit in [Some(1), Some(2), None] {
        let stand = S::calm(&client, &plan).await;
        let trial = Options { limit, ..options() };
        stand.load_with(&trial, Arc::new(stand.target())).await.expect("loads");
        let run = RunId(RUN.0 + 1);
        plan.write(stand.warehouse(), run).await;
        let next = Options { run, ..options() };
        let outcome = stand.load_with(&next, Arc::new(stand.target())).await.expect("loads");
        assert!(outcome.complete, "{:?}", outcome.findings);
        stand.assert_whole(&plan, &format!("after {limit:?}"));
    }
}
