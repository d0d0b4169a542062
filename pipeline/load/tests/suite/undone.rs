//! A run that is taken back out of the target, wherever that or the load is stopped.

use std::sync::Arc;

use deskferry_load::Options;
use deskferry_load::rollback::Fate;
use kernel::ledger::RecordKind;

use crate::double::Double;
use crate::rollback::{left, taking_back};
use crate::shop::shop;
use crate::stage::{RUN, options};
use crate::stand::Stand;

/// More calls than any driver makes for the shop.
const CALLS_MAX: u64 = 200;

pub async fn a_run_is_taken_back_whole_and_the_same_plan_loads_again<S: Stand>() {
    let plan = S::plan(shop());
    let stand = S::calm(&S::client(5_000), &plan).await;
    let empty = stand.count();
    stand.load().await.expect("loads");
    let loaded = stand.count();
    let dry = stand.roll_back_with(&taking_back(RUN, false), Arc::new(stand.target())).await;
    let dry = dry.expect("is looked at");
    assert_eq!(left(&dry), Vec::<String>::new());
    assert_eq!(stand.count(), loaded, "a dry run removes nothing");
    let tickets = plan.tickets.len() as u64;
    assert_eq!(dry.fates[&(RecordKind::Ticket, Fate::ToRemove)], tickets);
    for fate in [Fate::Removed, Fate::Gone] {
        let done = stand.roll_back_with(&taking_back(RUN, true), Arc::new(stand.target())).await;
        let done = done.expect("is taken back");
        assert_eq!(left(&done), Vec::<String>::new());
        assert_eq!(done.fates[&(RecordKind::Ticket, fate)], tickets);
        assert_eq!(done.fates[&(RecordKind::Customer, fate)], plan.customers.len() as u64);
        assert_eq!(stand.count(), empty);
    }
    let outcome = stand.load().await.expect("loads again");
    assert!(outcome.complete, "{:?}", outcome.findings);
    stand.assert_whole(&plan, "again");
}

pub async fn a_rollback_that_is_stopped_around_any_removal_goes_on<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(5_000));
    let mut stopped = 0;
    'removals: for at in 1..=CALLS_MAX {
        for after in [false, true] {
            let case = format!("removal {at}, after it: {after}");
            let stand = S::calm(&client, &plan).await;
            let empty = stand.count();
            stand.load().await.expect("loads");
            let target = Arc::new(Double::halting_removal(stand.target(), at, after));
            let some = taking_back(RUN, true);
            tokio::select! {
                end = stand.roll_back_with(&some, target.clone()) => {
                    end.expect(&case);
                    break 'removals;
                }
                () = target.halted.notified() => stopped += 1,
            }
            let refused = stand.load().await.expect_err("half rolled back");
            assert!(refused.advice().contains("rollback"), "{case}: {refused}");
            let outcome = stand.roll_back_with(&some, Arc::new(stand.target())).await;
            let outcome = outcome.expect("is taken back");
            assert_eq!(left(&outcome), Vec::<String>::new(), "{case}");
            assert_eq!(stand.count(), empty, "{case}");
            assert!(stand.load().await.expect("loads again").complete, "{case}");
            stand.assert_whole(&plan, &case);
        }
    }
    let pages = plan.sections.len() + plan.articles.len();
    let removed = plan.tickets.len() + plan.customers.len() + plan.tags.len() + pages;
    assert_eq!(stopped, 2 * removed);
}

pub async fn a_load_that_was_stopped_around_any_write_is_taken_back_as_well<S: Stand>() {
    let (plan, client) = (S::plan(shop()), S::client(5_000));
    'writes: for at in 1..=CALLS_MAX {
        for after in [false, true] {
            let case = format!("write {at}, after it: {after}");
            let stand = S::calm(&client, &plan).await;
            let empty = stand.count();
            let target = Arc::new(Double::halting(stand.target(), at, after));
            let one = Options { tickets_in_flight: 1, ..options() };
            tokio::select! {
                end = stand.load_with(&one, target.clone()) => {
                    assert!(end.expect(&case).complete, "{case}");
                    break 'writes;
                }
                () = target.halted.notified() => {}
            }
            let some = taking_back(RUN, true);
            let outcome = stand.roll_back_with(&some, Arc::new(stand.target())).await;
            let outcome = outcome.expect("is taken back");
            // One record that no reply named cannot be told from somebody else's, so it stays; but
            // never is the plan doubled by it.
            let stays = u64::from(S::LEAVES_UNNAMED && after);
            let count = stand.count() - empty;
            assert!(count <= stays, "{case}: {count} records, {:?}", left(&outcome));
            assert!(stand.load().await.expect("loads").complete, "{case}");
            stand.assert_whole(&plan, &case);
        }
    }
}
