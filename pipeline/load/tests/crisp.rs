//! What only Crisp does: plans that throttle, a quota of the day, messages that are stored late,
//! files that the customer serves, people who were there before, and what nobody can see.

use std::sync::Arc;

use deskferry_load::crisp::Plan as OwnPlan;
use deskferry_load::preflight::{Acknowledgement, Observation, Permission, Wants};
use deskferry_load::rollback::Fate;
use deskferry_load::target::{Sent, TicketUpdate};
use deskferry_load::{Options, Target, plan};
use emulator::crisp::{Options as Setting, Plan, Quirks};
use futures::TryStreamExt;
use http::Request;
use kernel::Code;
use kernel::fault::Kind;
use kernel::ledger::RecordKind;
use landing::exchange::sha256;
use landing::layout;
use serde_json::{Value, json};

use crate::campaign::town::{self, town};
use crate::double::Double;
use crate::plan_tables::PlanTables;
use crate::rollback::{left, taking_back};
use crate::shop::{files, shop};
use crate::stage::{RUN, SystemClock, options};
use crate::stand::Stand;
use crate::stand::crisp::CrispStage;

fn plan_of_shop() -> PlanTables {
    CrispStage::plan(shop())
}

async fn stage(quirks: Quirks) -> CrispStage {
    CrispStage::with(&plan_of_shop(), Setting { quirks, ..Setting::default() }).await
}

impl CrispStage {
    /// What somebody does in the workspace.
    async fn call(&self, method: &'static str, path: &str, body: Value) -> Value {
        let base = format!("{}/v1/website/{}", self.origin, emulator::crisp::DEMO_WEBSITE_ID);
        let request = Request::json(method, format!("{base}{path}"), body.to_string());
        let reply = self.client.send(&request).await.expect("a reply");
        assert!(reply.is_success(), "{method} {path}: {} {:?}", reply.status, reply.body);
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    /// The conversation with an id of the plan.
    fn conversation(&self, ticket_id: &str) -> Value {
        let records = self.emulator.records();
        let list = records["conversations"].as_array().expect("a list").clone();
        let id = json!(format!("crisp:{ticket_id}"));
        let hit = list.into_iter().find(|one| one["meta"]["data"]["deskferry_id"] == id);
        hit.expect("is there")
    }

    fn person(&self, email: &str) -> Value {
        let records = self.emulator.records();
        let list = records["people"].as_array().expect("a list").clone();
        list.into_iter().find(|one| one["email"] == email).expect("is there")
    }
}

#[tokio::test]
async fn a_creation_above_the_plan_is_waited_out_and_made_once() {
    let plan = CrispStage::plan(town(24, false));
    let quirks =
        Quirks { plan: Some(Plan::Mini), plan_window_ms: Some(3_000), ..Quirks::default() };
    let stage = CrispStage::with(&plan, Setting { quirks, ..Setting::default() }).await;
    for (_, _, bytes) in town::files() {
        stage.land(bytes).await;
    }
    let mut sessions = 0;
    let outcome = loop {
        match stage.load().await {
            Ok(outcome) => break outcome,
            Err(fault) => assert_eq!(fault.code(), Code::Throttled),
        }
        sessions += 1;
        assert!(sessions < 2_000, "does not end");
    };
    assert!(outcome.complete, "{:?}", outcome.findings);
    assert!(outcome.calls["throttled"] > 0);
    assert!(stage.emulator.counters().plan_throttled > 0);
    stage.assert_whole(&plan, "throttled");
    assert_eq!(stage.emulator.counters().holdings.conversations, 24, "no empty one is left");
}

#[tokio::test]
async fn a_day_that_is_used_up_stops_the_load_with_its_name_and_the_next_day_goes_on() {
    let plan = plan_of_shop();
    let (calls_per_day, day_ms) = (Some(30), 1_500);
    let stage = CrispStage::with(&plan, Setting { calls_per_day, day_ms, ..Setting::default() });
    let stage = stage.await;
    let fault = stage.load().await.expect_err("the day is used up");
    assert_eq!((fault.kind(), fault.code()), (Kind::Wait, Code::DayUsedUp));
    assert!(fault.advice().contains("tomorrow"), "{}", fault.advice());
    let mut days = 1;
    while !stage.load().await.is_ok_and(|outcome| outcome.complete) {
        days += 1;
        assert!(days < 300, "does not end");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stage.assert_whole(&plan, "day by day");
}

#[tokio::test]
async fn a_message_that_is_stored_after_its_reply_does_not_open_the_conversation_again() {
    let plan = plan_of_shop();
    let stage = stage(Quirks { store_lag_ms: 10, ..Quirks::default() }).await;
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    stage.assert_whole(&plan, "stored late");
    let unread = |id: &str| stage.conversation(id)["unread"].clone();
    assert_eq!(unread("t2"), json!({"operator": 0, "visitor": 0}));
}

#[tokio::test]
async fn a_message_that_is_taken_and_never_stored_is_a_finding_and_its_ticket_stays_open() {
    let stage = stage(Quirks { store_lag_ms: 600_000, ..Quirks::default() }).await;
    let outcome = stage.load().await.expect("loads");
    assert!(!outcome.complete);
    let reasons: Vec<&str> = outcome.findings.iter().map(|one| one.reason.as_str()).collect();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(reasons.iter().all(|one| one.contains("does not show it")), "{reasons:?}");
}

#[tokio::test]
async fn files_lie_where_they_are_served_and_a_target_without_a_place_for_them_says_so() {
    let stage = stage(Quirks::default()).await;
    stage.load().await.expect("loads");
    for ((hash, bytes), name) in files().into_iter().zip(["cup___saucer.png", "Rechnung_M_rz.pdf"])
    {
        let landed = stage.warehouse.get(&layout::hosted(&hash, name)).await.expect("reads");
        assert_eq!(sha256(&landed.expect("is there")), sha256(bytes));
    }
    let other = CrispStage::with(&plan_of_shop(), Setting::default()).await;
    let target = Arc::new(other.driver(false));
    let seen = target.preflight(&Wants::default()).await.expect("looks");
    assert!(seen.iter().any(|one| one.subject == "files" && one.is_blocking()));
    let outcome = other.load_with(&options(), target).await.expect("loads");
    assert!(outcome.complete);
    let refused = outcome.findings.iter().filter(|one| one.kind == RecordKind::Upload);
    assert_eq!(refused.count(), 2, "{:?}", outcome.findings);
    let messages = other.conversation("t1")["messages"].clone();
    let said = messages.as_array().expect("a list").iter().map(|one| one["content"].to_string());
    let said = said.filter(|text| text.contains("attachment not available"));
    assert_eq!(said.count(), 3, "the message and what were its files");
}

#[tokio::test]
async fn what_crisp_does_not_show_stops_a_load_until_somebody_names_it() {
    let stage = stage(Quirks::default()).await;
    let seen = stage.target().preflight(&Wants::default()).await.expect("looks");
    let blocking: Vec<Acknowledgement> =
        seen.iter().filter_map(Observation::acknowledgement).collect();
    let subjects: Vec<&str> = blocking.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(subjects, ["outgoing-mail", "automations"]);
    let given = |acknowledge: &[Acknowledgement]| {
        let (acknowledge, by) = (acknowledge.to_vec(), "ada".to_owned());
        let permission = Some(Permission { acknowledge, by, calls_per_window: None });
        Options { permission, ..options() }
    };
    let load = async |acknowledge: &[Acknowledgement]| {
        stage.load_with(&given(acknowledge), Arc::new(stage.target())).await
    };
    let fault = load(&blocking[..1]).await.expect_err("one is missing");
    assert_eq!(fault.code(), Code::CouldFire);
    assert_eq!(stage.writes(), 0);
    assert!(load(&blocking[1..]).await.expect("both are known now").complete);
    let again = load(&[]).await.expect("is kept");
    assert_eq!(again.calls_now.keys().collect::<Vec<_>>(), ["preflight"]);
    assert_eq!(again.calls_now["preflight"], 3);
}

#[tokio::test]
async fn a_plan_without_notes_is_said_before_and_costs_the_notes_and_nothing_else() {
    let quirks = Quirks { plan: Some(Plan::Free), ..Quirks::default() };
    let stage = stage(quirks).await;
    let target = stage.driver_of(Some(OwnPlan::Free), true);
    let seen = target.preflight(&Wants::default()).await.expect("looks");
    let plan = seen.iter().find(|one| one.subject == "plan").expect("is shown");
    assert!(plan.is_blocking() && plan.what.contains("10 conversations in 90 s"), "{}", plan.what);
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete);
    let refused: Vec<(&str, &str)> =
        outcome.findings.iter().map(|one| (one.source_id.as_str(), one.reason.as_str())).collect();
    let reason = "status 402, subscription_upgrade_required";
    assert_eq!(refused, [("m1-3", reason), ("m2-5", reason)]);
    assert_eq!(stage.conversation("t2")["state"], "resolved");
}

#[tokio::test]
async fn a_token_that_may_not_see_people_is_found_before_anything_is_written() {
    let refuse = vec!["people/stats".to_owned()];
    let stage = stage(Quirks { refuse, ..Quirks::default() }).await;
    let seen = stage.target().preflight(&Wants::default()).await.expect("looks");
    let people = seen.iter().find(|one| one.subject == "people").expect("is shown");
    assert!(people.is_blocking() && people.what.contains("403"), "{}", people.what);
}

#[tokio::test]
async fn somebody_who_was_there_keeps_their_profile_and_no_rollback_removes_them() {
    let stage = stage(Quirks::default()).await;
    let body = json!({"email": "ada@people.example", "person": {"nickname": "Countess"}});
    stage.call("POST", "/people/profile", body).await;
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    let ada = stage.person("ada@people.example");
    assert_eq!(ada["person"]["nickname"], "Countess");
    assert_eq!(ada["_data"], json!({"visits": 3}), "what is known of her, and no id of ours");
    let some = taking_back(RUN, true);
    let outcome = stage.roll_back_with(&some, Arc::new(stage.target())).await.expect("goes back");
    assert_eq!(left(&outcome), Vec::<String>::new());
    assert_eq!(outcome.fates[&(RecordKind::Customer, Fate::NotOurs)], 1);
    stage.person("ada@people.example");
    assert_eq!(stage.emulator.counters().holdings.people, 1);
}

#[tokio::test]
async fn what_somebody_touched_stays() {
    let stage = stage(Quirks::default()).await;
    stage.load().await.expect("loads");
    let session =
        |id: &str| stage.conversation(id)["session_id"].as_str().expect("text").to_owned();
    let below = |id: &str, part: &str| format!("/conversation/{}/{part}", session(id));
    let reply = json!({"type": "text", "from": "user", "origin": "chat", "content": "and?",
                       "timestamp": 1_700_000_000_000_i64});
    stage.call("POST", &below("t1", "message"), reply).await;
    stage.call("PATCH", &below("t2", "meta"), json!({"subject": "Another"})).await;
    stage.call("PATCH", &below("t3", "state"), json!({"state": "pending"})).await;
    let ben = stage.person("ben@people.example")["people_id"].as_str().expect("text").to_owned();
    stage.call("PATCH", &format!("/people/profile/{ben}"), json!({"notepad": "VIP"})).await;
    let some = taking_back(RUN, true);
    let outcome = stage.roll_back_with(&some, Arc::new(stage.target())).await.expect("goes back");
    let expected = ["ticket t1: messages more: 1", "ticket t2: subject", "ticket t3: state"];
    assert_eq!(left(&outcome), expected);
    assert_eq!(outcome.fates[&(RecordKind::Ticket, Fate::Removed)], 1);
    assert_eq!(outcome.fates[&(RecordKind::Customer, Fate::InUse)], 2);
}

#[tokio::test]
async fn an_address_that_is_refused_costs_the_conversation_its_particulars_and_not_itself() {
    let mut plan = plan_of_shop();
    let mut meta: Value =
        serde_json::from_str(plan.tickets[3]["meta"].as_str().expect("text")).expect("JSON");
    meta["email"] = json!("no address");
    plan.tickets[3]["meta"] = json!(meta.to_string());
    let stage = CrispStage::with(&plan, Setting::default()).await;
    let outcome = stage.load().await.expect("loads");
    assert!(outcome.complete, "{:?}", outcome.findings);
    let [finding] = outcome.findings.as_slice() else { panic!("{:?}", outcome.findings) };
    assert_eq!(finding.source_id, "t4");
    assert!(finding.reason.contains("status 400"), "{}", finding.reason);
    assert!(finding.reason.contains("name and labels only"), "{}", finding.reason);
    let conversation = stage.conversation("t4");
    assert_eq!(conversation["messages"].as_array().map(Vec::len), Some(3));
    assert_eq!(conversation["meta"]["nickname"], "Visitor of t4");
}

#[tokio::test]
async fn two_messages_of_one_key_stop_their_ticket_before_anything_of_it_is_written() {
    let stage = stage(Quirks::default()).await;
    let target = Double::with_one_key(stage.target(), "7");
    let outcome = stage.load_with(&options(), Arc::new(target)).await.expect("loads");
    assert!(!outcome.complete);
    assert_eq!(stage.emulator.counters().holdings.conversations, 1, "t3 has one message");
    assert_eq!(outcome.findings.len(), 3, "{:?}", outcome.findings);
    assert!(outcome.findings.iter().all(|one| one.reason.contains("have the key 7")));
}

#[tokio::test]
async fn an_update_keeps_what_people_added_and_sets_only_what_the_plan_wants() {
    let stage = stage(Quirks::default()).await;
    stage.load().await.expect("loads");
    let session = stage.conversation("t2")["session_id"].as_str().expect("text").to_owned();
    let path = format!("/conversation/{session}/meta");
    let data = json!({"deskferry_id": "crisp:t2", "by_hand": 1});
    stage.call("PATCH", &path, json!({"segments": ["by hand"], "data": data})).await;
    let mut threads = plan::Threads::open(&stage.warehouse, &RUN).await.expect("opens").stream();
    let mut found = None;
    while let Some(thread) = threads.try_next().await.expect("reads") {
        if thread.0.ticket_id == "t2" {
            found = Some(thread);
        }
    }
    let (mut ticket, messages) = found.expect("is planned");
    ticket.status = "unresolved".to_owned();
    ticket.subject = Some("New words".to_owned());
    let now = kernel::Clock::now(&SystemClock);
    for (updates, subject, state) in [
        (vec!["tags", "meta"], "About t2", "resolved"),
        (vec!["subject"], "New words", "resolved"),
        (vec!["status", "spam", "assignee"], "New words", "unresolved"),
        (vec!["dates"], "New words", "unresolved"),
    ] {
        ticket.updates = Some(updates.iter().map(|name| (*name).to_owned()).collect());
        let update = TicketUpdate {
            ticket: &ticket,
            assignee: None,
            tags: vec!["migrated".to_owned()],
            custom_fields: Vec::new(),
            messages: messages.iter().collect(),
        };
        let sent = stage.target().update(&session, &update, now).await.expect("is sent");
        assert!(matches!(sent, Sent::Made(_)), "{sent:?}");
        let conversation = stage.conversation("t2");
        assert_eq!(conversation["meta"]["subject"], subject, "{updates:?}");
        assert_eq!(conversation["state"], state, "{updates:?}");
    }
    let meta = stage.conversation("t2")["meta"].clone();
    assert_eq!(meta["segments"], json!(["by hand", "migrated"]));
    assert_eq!(meta["data"]["by_hand"], 1);
    assert_eq!(meta["data"]["deskferry_id"], "crisp:t2");
    assert!(meta["data"]["created_at"].is_string());
    stage.assert_quiet();
}

#[tokio::test]
async fn an_agent_who_is_no_operator_is_no_finding_and_nothing_is_assigned_to_anybody_else() {
    let mut plan = plan_of_shop();
    plan.tickets[0]["assignee_agent_id"] = json!("op-bo");
    let stage = CrispStage::with(&plan, Setting::default()).await;
    let outcome = stage.load().await.expect("loads");
    assert_eq!((outcome.complete, outcome.findings.len()), (true, 0));
    assert_eq!(outcome.settled[&(RecordKind::Agent, "refused")], 1);
    assert_eq!(outcome.settled[&(RecordKind::Agent, "matched")], 1);
    assert_eq!(stage.conversation("t1")["assigned"], Value::Null);
    stage.assert_whole(&plan, "nobody stands in");
}
