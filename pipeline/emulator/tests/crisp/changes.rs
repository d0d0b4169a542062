//! Changes by command: each keeps lists, orders, counts and finding by address right.

use chrono::{DateTime, Utc};
use deskferry_emulator::crisp::Change;
use serde_json::{Value, json};

use super::{Desk, ids};

impl Desk {
    async fn make(&self, change: Value) {
        let reply = self.control("changes", &json!([change]).to_string()).await;
        assert_eq!(reply.status, 200, "{change}: {}", reply.text);
    }

    /// Session ids of what was updated at a time or later.
    async fn updated_since(&self, time: DateTime<Utc>) -> Vec<String> {
        let query = format!("filter_date_start={}&include_empty=1", time.format("%FT%T%.3fZ"));
        ids(&self.walk("conversations", &query).await, "session_id")
    }
}

#[tokio::test]
async fn what_is_touched_now_is_found_by_a_filter_that_starts_now() {
    let desk = Desk::shop().await;
    let sessions = desk.sessions().await;
    let before = Utc::now();
    assert_eq!(desk.updated_since(before).await, [""; 0]);
    for session in [&sessions[5], &sessions[3], &sessions[9]] {
        desk.make(json!({ "touch": { "session_id": session } })).await;
    }
    let touched = [&sessions[9], &sessions[3], &sessions[5]];
    assert_eq!(desk.updated_since(before).await.iter().collect::<Vec<_>>(), touched);
    let times = desk.emulator.inventory().conversations;
    assert!(times[&sessions[5]] >= before.timestamp_millis());
    assert!(times[&sessions[5]] < times[&sessions[3]] && times[&sessions[3]] < times[&sessions[9]]);
}

#[tokio::test]
async fn a_change_is_later_than_an_update_that_lies_ahead_of_the_clock() {
    let desk = Desk::shop().await;
    let sessions = desk.sessions().await;
    let ahead_ms = Utc::now().timestamp_millis() + 86_400_000;
    desk.make(json!({ "touch": { "session_id": sessions[0], "at_ms": ahead_ms } })).await;
    desk.make(json!({ "state": { "session_id": sessions[1], "state": "pending" } })).await;
    let times = desk.emulator.inventory().conversations;
    assert_eq!((times[&sessions[0]], times[&sessions[1]]), (ahead_ms, ahead_ms + 1));
}

#[tokio::test]
async fn a_conversation_is_created_with_its_messages_and_shows_the_newest() {
    let desk = Desk::shop().await;
    let before_ms = Utc::now().timestamp_millis();
    let message = |fingerprint: i64, kind: &str| {
        json!({
            "session_id": "session_new", "type": kind, "from": "user", "content": kind,
            "fingerprint": fingerprint,
        })
    };
    let conversation = json!({ "session_id": "session_new", "state": "pending" });
    let messages = [message(1, "text"), message(2, "note")];
    desk.make(json!({ "create": { "conversation": conversation, "messages": messages } })).await;
    let first = desk.data("conversations/1").await[0].clone();
    assert_eq!(first["session_id"], "session_new");
    assert_eq!(desk.data("conversations/1?order_date_created=1").await[0], first);
    assert!(first["created_at"].as_i64() >= Some(before_ms));
    assert_eq!(first["created_at"], first["updated_at"]);
    assert_eq!(
        (&first["last_message"], &first["preview_message"]["fingerprint"]),
        (&"text".into(), &1.into())
    );
    assert_eq!(desk.messages("session_new").await.len(), 2);
    let holdings = desk.emulator.counters().holdings;
    assert_eq!((holdings.conversations, holdings.conversations_started), (121, 120));
    let again = json!([{ "create": { "conversation": conversation } }]).to_string();
    assert_eq!(desk.control("changes", &again).await.status, 400, "the id is taken");
}

#[tokio::test]
async fn one_message_disappears_and_the_last_one_empties_the_conversation() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[7].clone();
    let before = Utc::now();
    let prints: Vec<i64> = desk.messages(&session).await.into_keys().collect();
    let holdings = desk.emulator.counters().holdings;
    for (gone, fingerprint) in (1..).zip(&prints) {
        desk.make(
            json!({ "delete_message": { "session_id": session, "fingerprint": fingerprint } }),
        )
        .await;
        assert!(!desk.messages(&session).await.contains_key(fingerprint));
        let path = format!("conversation/{session}/message/{fingerprint}");
        assert_eq!(desk.get(&path).await.status, 404);
        assert_eq!(desk.emulator.counters().holdings.messages, holdings.messages - gone);
        let item = desk.data(&format!("conversation/{session}")).await;
        assert_ne!(item["preview_message"]["fingerprint"], *fingerprint);
    }
    assert_eq!(desk.updated_since(before).await, std::slice::from_ref(&session));
    let started = desk.emulator.counters().holdings.conversations_started;
    assert_eq!(started, holdings.conversations_started - 1);
    let item = desk.data(&format!("conversation/{session}")).await;
    assert!(item.get("last_message").is_none());
    let again = json!([{ "delete_message": { "session_id": session, "fingerprint": prints[0] } }]);
    assert_eq!(desk.control("changes", &again.to_string()).await.status, 400);
}

#[tokio::test]
async fn a_message_without_a_time_is_said_now_and_becomes_the_excerpt() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[0].clone();
    let before_ms = Utc::now().timestamp_millis();
    let message = json!({
        "session_id": session, "type": "text", "from": "user", "content": "one\nmore",
        "fingerprint": 7,
    });
    desk.make(json!({ "say": { "message": message } })).await;
    let said = desk.data(&format!("conversation/{session}/message/7")).await;
    assert!(said["timestamp"].as_i64() >= Some(before_ms));
    let item = desk.data("conversations/1").await[0].clone();
    assert_eq!(item["updated_at"], said["timestamp"]);
    assert_eq!(item["last_message"], "one more");
    assert_eq!(item["preview_message"]["fingerprint"], 7);
}

#[tokio::test]
async fn a_message_that_comes_late_updates_the_conversation_all_the_same() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[1].clone();
    let before = Utc::now();
    let newest = desk.data(&format!("conversation/{session}/messages")).await[39].clone();
    let message = json!({
        "session_id": session, "type": "text", "from": "user", "content": "late",
        "fingerprint": 7, "timestamp": 1,
    });
    desk.make(json!({ "say": { "message": message } })).await;
    assert_eq!(desk.updated_since(before).await, std::slice::from_ref(&session));
    let page = desk.data(&format!("conversation/{session}/messages?timestamp_after=0")).await;
    assert_eq!(page[0]["fingerprint"], 7, "its own time orders it");
    let item = desk.data(&format!("conversation/{session}")).await;
    assert_eq!(item["preview_message"]["fingerprint"], newest["fingerprint"]);
}

#[tokio::test]
async fn a_profile_changes_appears_and_disappears() {
    let desk = Desk::shop().await;
    let before_ms = Utc::now().timestamp_millis();
    let people = desk.walk("people/profiles", "").await;
    let person = people.iter().find(|person| person["email"].is_string()).expect("an address");
    let (id, email) = (person["people_id"].clone(), person["email"].as_str().expect("a text"));
    let set = |field: &str, value: Value| json!({ "profile": { "people_id": id, "field": field, "value": value } });
    desk.make(set("_data", json!({ "calls": 3 }))).await;
    desk.make(set("email", json!("Moved@post.example"))).await;
    let first = desk.data("people/profiles/1?sort_field=updated_at").await[0].clone();
    assert_eq!((&first["people_id"], &first["email"]), (&id, &"Moved@post.example".into()));
    assert!(first["updated_at"].as_i64() >= Some(before_ms));
    assert_eq!(first["created_at"], person["created_at"]);
    assert_eq!(desk.data("people/data/moved%40post.example").await["data"]["calls"], 3);
    let old: String = url::form_urlencoded::byte_serialize(email.trim().as_bytes()).collect();
    assert_eq!(desk.get(&format!("people/profile/{old}")).await.status, 404);
    desk.make(json!({ "create_profile": { "profile": { "people_id": "p-new" } } })).await;
    assert_eq!(desk.data("people/profiles/1").await[0]["people_id"], "p-new");
    assert_eq!(desk.data("people/stats").await["total"], 91);
    desk.make(json!({ "delete_profile": { "people_id": id } })).await;
    assert_eq!(desk.data("people/stats").await["total"], 90);
    assert_eq!(desk.get("people/profile/moved%40post.example").await.status, 404);
    assert!(!ids(&desk.walk("people/profiles", "").await, "people_id").contains(&id.to_string()));
    let refused = json!([{ "profile": { "people_id": id, "field": "score", "value": 1 } }]);
    assert_eq!(desk.control("changes", &refused.to_string()).await.status, 400);
}

#[tokio::test]
async fn an_address_of_two_people_names_the_other_one_when_one_is_gone() {
    let desk = Desk::shop().await;
    for id in ["p1", "p2"] {
        let profile = json!({ "people_id": id, "email": "two@post.example" });
        desk.make(json!({ "create_profile": { "profile": profile } })).await;
    }
    let named = async || desk.data("people/profile/two%40post.example").await["people_id"].clone();
    assert_eq!(named().await, "p1");
    let change = Change::DeleteProfile { people_id: "p1".to_owned() };
    desk.emulator.change(&change).expect("the person is there");
    assert_eq!(named().await, "p2");
}
