//! What stops a load before it begins, what lets it begin all the same, and what is kept of that.

use std::sync::Arc;

use deskferry_load::preflight::{Acknowledgement, Observation, Permission, State, Wants};
use deskferry_load::{Gorgias, Options, Outcome, Target};
use emulator::gorgias::{Bucket, Options as Setting, Quirks};
use http::Request;
use kernel::{Code, Result};
use landing::acknowledged;
use landing::session::{self, Ending, State as Standing};
use serde_json::{Value, json};

use crate::shop::shop;
use crate::stage::{ADMIN, QUICK, RUN, Stage, client, options};

/// Calls of a preflight, as the plan forecasts them.
const CALLS: u64 = 5;

fn given(acknowledge: &[Acknowledgement]) -> Options {
    let (acknowledge, by) = (acknowledge.to_vec(), "ada".to_owned());
    let permission = Some(Permission { acknowledge, by, calls_per_window: None });
    Options { permission, tool: "deskferry 0".into(), ..options() }
}

async fn load(stage: &Stage, acknowledge: &[Acknowledgement]) -> Result<Outcome> {
    stage.load_with(&given(acknowledge), Arc::new(stage.gorgias())).await
}

async fn seen(stage: &Stage, everything: bool) -> Vec<Observation> {
    let wants = Wants { everything, ..Wants::default() };
    stage.gorgias().preflight(&wants).await.expect("looks")
}

fn blocking(seen: &[Observation]) -> Vec<Acknowledgement> {
    seen.iter().filter_map(Observation::acknowledgement).collect()
}

fn subjects(seen: &[Observation]) -> Vec<&str> {
    let found = seen.iter().filter(|one| one.is_blocking());
    found.map(|one| one.subject.as_str()).collect()
}

async fn put(stage: &Stage, path: &str, body: Value) {
    let request = Request::json("PUT", format!("{}{path}", stage.origin), body.to_string());
    let reply = stage.client.send(&request).await.expect("a reply");
    assert!(reply.is_success(), "{}: {:?}", reply.status, reply.body);
}

fn reply_to_all(code: &str) -> Value {
    json!({"name": "Reply to all", "code": code, "event_types": "ticket-created"})
}

/// An account with a rule, an integration, surveys and merging, all of them on.
async fn lively() -> Stage {
    let quirks = Quirks { surveys_on: true, ..Quirks::default() };
    let stage = Stage::new(&shop(), Setting { quirks, ..Setting::default() }).await;
    stage.post("/api/rules", reply_to_all("if (true) { }")).await;
    let http = json!({"url": "https://erp.example/hook", "method": "POST",
                      "headers": {"x-key": "secret"}, "triggers": {"ticket-created": true}});
    let integration = json!({"type": "http", "name": "ERP", "http": http});
    stage.post("/api/integrations", integration).await;
    let settings = stage.get("/api/account/settings?type=auto-merge").await;
    let on = json!({"type": "auto-merge", "data": {"tickets": {"enabled": true}}});
    put(&stage, &format!("/api/account/settings/{}", settings["data"][0]["id"]), on).await;
    stage
}

#[tokio::test]
async fn an_account_in_which_nothing_could_act_is_loaded_and_was_looked_at_in_five_calls() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let outcome = load(&stage, &[]).await.expect("nothing stops it");
    assert!(outcome.complete);
    assert_eq!(outcome.calls["preflight"], CALLS);
    let again = load(&stage, &[]).await.expect("nothing is left");
    assert_eq!(again.calls_now["preflight"], CALLS);
    assert_eq!(again.calls_now.len(), 1, "{:?}", again.calls_now);
    assert_eq!(acknowledged::list(&stage.warehouse, &RUN).await.expect("reads"), []);
}

#[tokio::test]
async fn whatever_could_act_stops_the_load_before_anything_is_written() {
    let stage = lively().await;
    let seen = seen(&stage, false).await;
    let found = subjects(&seen);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("rule:") && found[1].starts_with("integration:"), "{found:?}");
    assert_eq!(found[2..], ["setting:satisfaction-surveys", "setting:auto-merge"]);
    let before = stage.emulator.counters().records;
    let fault = load(&stage, &[]).await.expect_err("stops");
    assert_eq!(fault.code(), Code::CouldFire);
    for acknowledgement in blocking(&seen) {
        let flag = format!("--acknowledge {acknowledgement}");
        assert!(fault.advice().contains(&flag), "{flag} is not in {}", fault.advice());
    }
    assert!(!format!("{fault} {}", fault.advice()).contains("secret"));
    assert_eq!(stage.emulator.counters().records, before);
    let sessions = session::list(&stage.warehouse, &RUN).await.expect("reads");
    let ended = sessions[0].ended.as_ref().expect("ended");
    assert_eq!((ended.ending, ended.code), (Ending::Failed, Some(Code::CouldFire)));
}

#[tokio::test]
async fn what_is_acknowledged_is_kept_in_the_run_and_need_not_be_said_again() {
    let stage = lively().await;
    let all = blocking(&seen(&stage, false).await);
    let fault = load(&stage, &all[1..]).await.expect_err("one is missing");
    assert!(fault.advice().ends_with(&format!("deskferry load --acknowledge {}", all[0])));
    let outcome = load(&stage, &all[..1]).await.expect("all are acknowledged by now");
    assert!(outcome.complete);
    assert!(load(&stage, &[]).await.expect("is kept").complete);
    assert!(load(&stage, &all).await.expect("may be said again").complete);
    let kept = acknowledged::list(&stage.warehouse, &RUN).await.expect("reads");
    assert_eq!(kept.len(), 4, "each once");
    assert!(
        kept.iter()
            .all(|one| one.by == "ada" && one.what.contains("on") || one.what.contains("called"))
    );
    stage.assert_quiet();
}

#[tokio::test]
async fn a_rule_that_was_changed_needs_a_new_acknowledgement() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let rule = stage.post("/api/rules", reply_to_all("if (true) { }")).await;
    let path = format!("/api/rules/{}", rule["id"]);
    let first = blocking(&seen(&stage, false).await);
    load(&stage, &first).await.expect("is acknowledged");
    put(&stage, &path, reply_to_all("if (false) { }")).await;
    let fault = load(&stage, &[]).await.expect_err("it is another rule now");
    assert_eq!(fault.code(), Code::CouldFire);
    let second = blocking(&seen(&stage, false).await);
    assert_eq!(second[0].subject, first[0].subject);
    assert_ne!(second[0].fingerprint, first[0].fingerprint);
    load(&stage, &second).await.expect("is acknowledged anew");
    let off = json!({"deactivated_datetime": "2024-01-01T00:00:00+00:00"});
    put(&stage, &path, off).await;
    assert_eq!(blocking(&seen(&stage, false).await), []);
    load(&stage, &second).await.expect("the same command goes on when it is off");
}

#[tokio::test]
async fn what_nobody_sees_cannot_be_acknowledged() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let typo: Acknowledgement = "rule:12345@0a1b2c3d".parse().expect("is one");
    let fault = load(&stage, &[typo]).await.expect_err("there is no such rule");
    assert_eq!(fault.code(), Code::NotAcknowledged);
    let rule = stage.post("/api/rules", reply_to_all("if (true) { }")).await;
    let stale: Acknowledgement = format!("rule:{}@0a1b2c3d", rule["id"]).parse().expect("is one");
    let fault = load(&stage, &[stale]).await.expect_err("it is not in that state");
    assert_eq!(fault.code(), Code::NotAcknowledged);
    assert!(fault.advice().contains("--acknowledge rule:"), "{}", fault.advice());
    assert_eq!(acknowledged::list(&stage.warehouse, &RUN).await.expect("reads"), []);
}

#[tokio::test]
async fn what_may_not_be_seen_is_never_fine() {
    for (path, subject) in [
        ("/api/rules", "rules"),
        ("/api/integrations", "integrations"),
        ("/api/account/settings", "settings"),
        ("/api/users/0", "account:role"),
    ] {
        let quirks = Quirks { forbidden: vec![path.into()], ..Quirks::default() };
        let stage = Stage::new(&shop(), Setting { quirks, ..Setting::default() }).await;
        let seen = seen(&stage, true).await;
        assert_eq!(subjects(&seen), [subject]);
        let one = seen.iter().find(|one| one.subject == subject).expect("is shown");
        assert_eq!(one.state, State::Unseen, "{subject}");
        let fault = load(&stage, &[]).await.expect_err("stops");
        assert_eq!(fault.code(), Code::CouldFire, "{subject}");
        load(&stage, &blocking(&seen)).await.expect("is acknowledged");
    }
}

#[tokio::test]
async fn lists_that_cannot_act_are_shown_as_not_seen_and_stop_nothing() {
    let forbidden = ["/api/macros", "/api/tags", "/api/custom-fields"];
    let quirks = Quirks { forbidden: forbidden.map(str::to_owned).into(), ..Quirks::default() };
    let stage = Stage::new(&shop(), Setting { quirks, ..Setting::default() }).await;
    let seen = seen(&stage, true).await;
    assert_eq!(subjects(&seen), Vec::<&str>::new());
    let unseen: Vec<&str> =
        seen.iter().filter(|one| one.is_finding()).map(|one| one.subject.as_str()).collect();
    assert_eq!(unseen, ["macros", "tags", "custom_fields:Ticket", "custom_fields:Customer"]);
}

#[tokio::test]
async fn a_role_that_may_not_do_it_and_a_server_that_is_none_are_named() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let own = stage.get("/api/users/0").await;
    let role = json!({"role": {"name": "lite-agent"}});
    put(&stage, &format!("/api/users/{}", own["id"]), role).await;
    assert_eq!(subjects(&seen(&stage, false).await), ["account:role"]);
    let elsewhere = format!("{}/_emulator/counters?", stage.origin);
    let other = Gorgias::new(client("x"), &elsewhere, ADMIN).with_policy(QUICK);
    let fault = other.preflight(&Wants::default()).await.expect_err("is no Gorgias");
    assert_eq!(fault.code(), Code::NotThisVendor);
}

#[tokio::test]
async fn the_bucket_is_compared_with_what_the_configuration_counts_on() {
    let bucket = Some(Bucket { calls: 40, window_ms: 20_000 });
    let stage = Stage::new(&shop(), Setting { bucket, ..Setting::default() }).await;
    for (configured, state) in [(40, State::Fine), (80, State::Note)] {
        let wants = Wants { calls_per_window: Some(configured), ..Wants::default() };
        let seen = stage.gorgias().preflight(&wants).await.expect("looks");
        let one = seen.iter().find(|one| one.subject == "bucket").expect("is shown");
        assert_eq!(one.state, state, "{}", one.what);
        assert!(one.what.starts_with("40 calls fit"), "{}", one.what);
    }
}

#[tokio::test]
async fn each_session_ends_with_a_record_of_how_it_ended() {
    let quirks = Quirks { message_quota: Some(2), ..Quirks::default() };
    let stage = Stage::new(&shop(), Setting { quirks, ..Setting::default() }).await;
    load(&stage, &[]).await.expect_err("the quota is used up");
    let records = session::list(&stage.warehouse, &RUN).await.expect("reads");
    let [first] = records.as_slice() else { panic!("{records:?}") };
    let ended = first.ended.as_ref().expect("ended");
    assert_eq!((ended.ending, ended.code), (Ending::Failed, Some(Code::MessagingQuota)));
    assert_eq!(first.state(ended.at), Standing::Ended(Ending::Failed));
    assert!(first.standing.errors.contains_key(&Code::MessagingQuota));
    let phase = |name: &str| {
        let phases = first.standing.phases.iter();
        phases.clone().find(|one| one.phase == name).unwrap_or_else(|| panic!("{name} is missing"))
    };
    assert_eq!((phase("customers_create").settled, phase("customers_create").planned), (3, 3));
    assert_eq!(phase("customers_create").calls, 3);
    assert_eq!(phase("preflight").calls, CALLS);
    assert!(phase("tickets_create").settled < phase("tickets_create").planned);
}

#[tokio::test]
async fn a_session_counts_earlier_calls_and_says_when_nothing_is_left() {
    let stage = Stage::new(&shop(), Setting::default()).await;
    let trial = Options { limit: Some(1), ..given(&[]) };
    stage.load_with(&trial, Arc::new(stage.gorgias())).await.expect("a trial");
    load(&stage, &[]).await.expect("the rest");
    let records = session::list(&stage.warehouse, &RUN).await.expect("reads");
    let complete: Vec<bool> =
        records.iter().map(|one| one.ended.as_ref().expect("ended").is_complete).collect();
    assert_eq!(complete, [false, true]);
    let standing = &records[1].standing;
    let tickets =
        standing.phases.iter().find(|one| one.phase == "tickets_create").expect("is there");
    assert_eq!((tickets.calls, tickets.forecast), (4, 4), "the call of the trial counts");
    assert_eq!((tickets.settled, tickets.planned), (4, 4));
    assert!(standing.bucket.is_some());
    assert_eq!(standing.finish_at, None);
}
