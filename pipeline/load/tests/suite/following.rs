//! A run that follows another one: it makes what is new and nothing a second time, wherever it is
//! stopped, and can be taken back alone.

use std::sync::Arc;

use deskferry_load::Options;
use deskferry_load::rollback::Fate;
use kernel::RunId;
use kernel::ledger::RecordKind;
use serde_json::{Value, json};

use crate::double::Double;
use crate::plan_tables::PlanTables;
use crate::rollback::{note_run, taking_back};
use crate::shop::shop;
use crate::stage::{RUN, options};
use crate::stand::Stand;

/// More writes than any driver makes for what is new.
const WRITES_MAX: u64 = 100;
const NEXT: RunId = RunId(RUN.0 + 1);

/// The plan of the shop as it was before somebody wrote once more in one ticket and began another,
/// and the plan that brings both over.
fn two_plans<S: Stand>() -> (PlanTables, PlanTables) {
    let mut later = S::plan(shop());
    let mut earlier = later.clone();
    let messages_in = |plan: &PlanTables, ticket: &Value| -> Vec<Value> {
        let of = |message: &&Value| message["ticket_seq"] == ticket["seq"];
        plan.messages.iter().filter(of).cloned().collect()
    };
    let begun = earlier.tickets.pop().expect("a ticket");
    earlier.messages.retain(|message| message["ticket_seq"] != begun["seq"]);
    let grown = earlier.tickets.iter().position(|ticket| {
        let last = messages_in(&later, ticket).pop();
        messages_in(&later, ticket).len() > 2
            && last.is_some_and(|message| {
                message["attachments"] == json!("[]") || message["attachments"].is_null()
            })
    });
    let grown = grown.expect("a ticket with more than two messages");
    let said = messages_in(&later, &later.tickets[grown]).pop().expect("a message");
    earlier.messages.retain(|message| message["message_id"] != said["message_id"]);
    earlier.tickets[grown]["messages"] = json!(messages_in(&earlier, &later.tickets[grown]).len());
    for (place, ticket) in later.tickets.iter_mut().enumerate() {
        let updates = if place == grown { json!("[\"dates\"]") } else { json!("[]") };
        ticket["updates"] = if place < earlier.tickets.len() { updates } else { Value::Null };
    }
    let appended = later.messages.iter_mut().find(|one| one["message_id"] == said["message_id"]);
    appended.expect("is there")["in_create"] = json!(false);
    (earlier, later)
}

/// A stand in which the earlier plan is loaded, and the later one is written down.
async fn followed<S: Stand>(client: &http::Client, earlier: &PlanTables, later: &PlanTables) -> S {
    let stand = S::calm(client, earlier).await;
    note_run(stand.warehouse(), RUN, None).await;
    assert!(stand.load().await.expect("loads").complete);
    later.write(stand.warehouse(), NEXT).await;
    note_run(stand.warehouse(), NEXT, Some(RUN)).await;
    stand
}

pub async fn a_run_that_follows_makes_what_is_new_once_wherever_it_is_stopped<S: Stand>() {
    let ((earlier, later), client) = (two_plans::<S>(), S::client(5_000));
    let next = Options { run: NEXT, tickets_in_flight: 1, ..options() };
    let mut stopped = 0;
    'writes: for at in 1..=WRITES_MAX {
        for after in [false, true] {
            let case = format!("write {at}, after it: {after}");
            let stand: S = followed(&client, &earlier, &later).await;
            let target = Arc::new(Double::halting(stand.target(), at, after));
            tokio::select! {
                end = stand.load_with(&next, target.clone()) => {
                    assert!(end.expect(&case).complete, "{case}");
                    stand.assert_whole(&later, &case);
                    break 'writes;
                }
                () = target.halted.notified() => stopped += 1,
            }
            let again = stand.load_with(&next, Arc::new(stand.target())).await;
            let again = again.expect("goes on");
            assert!(again.complete, "{case}: {:?}", again.findings);
            stand.assert_whole(&later, &case);
        }
    }
    assert!((4..2 * WRITES_MAX).contains(&stopped), "{stopped} stops");
}

pub async fn a_run_that_follows_is_taken_back_alone<S: Stand>() {
    let (earlier, later) = two_plans::<S>();
    let stand: S = followed(&S::client(5_000), &earlier, &later).await;
    let next = Options { run: NEXT, ..options() };
    let before = stand.count();
    stand.load_with(&next, Arc::new(stand.target())).await.expect("loads");
    let loaded = stand.count();
    assert!(loaded > before, "something is new");
    for (execute, fate, count) in
        [(false, Fate::ToRemove, loaded), (true, Fate::Removed, before), (true, Fate::Gone, before)]
    {
        let way = taking_back(NEXT, execute);
        let back = stand.roll_back_with(&way, Arc::new(stand.target())).await;
        let back = back.expect("is taken back");
        assert_eq!(back.fates.get(&(RecordKind::Ticket, fate)), Some(&1), "{:?}", back.fates);
        assert_eq!(back.fates.get(&(RecordKind::Message, fate)), Some(&1), "{:?}", back.fates);
        assert_eq!(stand.count(), count);
    }
    stand.assert_whole(&earlier, "as before");
    let again = stand.load_with(&next, Arc::new(stand.target())).await.expect("loads again");
    assert!(again.complete, "{:?}", again.findings);
    stand.assert_whole(&later, "again");
}
