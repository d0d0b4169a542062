//! A replay that is stopped anywhere and begun again, or begun twice.

use std::sync::Arc;

use deskferry_load::{Options, Target};
use kernel::fault::Kind;

use crate::double::Double;
use crate::shop::shop;
use crate::stage::options;
use crate::stand::Stand;

/// More writes than any driver makes for the shop.
const WRITES_MAX: u64 = 200;

pub async fn a_replay_that_is_stopped_around_any_write_ends_the_same<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(5_000));
    for in_flight in [1, 4] {
        let mut stopped = 0;
        'writes: for at in 1..=WRITES_MAX {
            for after in [false, true] {
                let case = format!("write {at}, after it: {after}, in flight: {in_flight}");
                let stand = S::calm(&client, &plan).await;
                let target = Arc::new(Double::halting(stand.target(), at, after));
                let some = Options { tickets_in_flight: in_flight, ..options() };
                tokio::select! {
                    end = stand.load_with(&some, target.clone()) => {
                        assert!(end.expect(&case).complete, "{case}");
                        break 'writes;
                    }
                    () = target.halted.notified() => stopped += 1,
                }
                let outcome = stand.load().await.expect("goes on");
                assert!(outcome.complete, "{case}: {:?}", outcome.findings);
                stand.assert_whole(&plan, &case);
            }
        }
        assert!((30..2 * WRITES_MAX).contains(&stopped), "{stopped} stops");
    }
}

pub async fn of_two_loaders_of_one_run_the_second_to_write_stops_and_creates_nothing<S: Stand>() {
    let plan = S::plan(shop());
    let stand = S::calm(&S::client(5_000), &plan).await;
    let waiting = Arc::new(Double::waiting(stand.target()));
    let all = options();
    let slow = stand.load_with(&all, waiting.clone());
    let quick = async {
        waiting.arrived.notified().await;
        let outcome = stand.load().await.expect("the quick one loads");
        let writes = stand.writes();
        waiting.leave.add_permits(1);
        (outcome, writes)
    };
    let (slow, (quick, writes)) = tokio::join!(slow, quick);
    assert!(quick.complete);
    let fault = slow.expect_err("the slow one stops");
    assert_eq!(fault.kind(), Kind::Refused);
    assert!(fault.to_string().contains("another loader"), "{fault}");
    assert_eq!(waiting.calls().keys().collect::<Vec<_>>(), ["agents_read", "tickets_read"]);
    assert_eq!(stand.writes(), writes);
    stand.assert_whole(&plan, "two loaders");
}
