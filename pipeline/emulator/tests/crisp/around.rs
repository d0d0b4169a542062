//! What lies around conversations and people: spam, events, campaigns, blocked visitors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Desk, folder, ids, text_at};

#[tokio::test]
async fn spam_is_listed_without_content_and_read_with_it() {
    let desk = Desk::shop().await;
    let rows = desk.walk("conversations/spams", "").await;
    assert!(rows.len() > 20, "more than one page");
    for row in &rows {
        let fields: Vec<_> = row.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["spam_id", "type", "reason", "metadata", "headers", "timestamp"]);
        let id = text_at(row, "spam_id");
        let whole = desk.data(&format!("conversations/spam/{id}/content")).await;
        assert!(text_at(&whole, "content").starts_with("<html>"));
        assert_eq!((&whole["spam_id"], &whole["headers"]), (&row["spam_id"], &row["headers"]));
    }
    let missing = desk.get("conversations/spam/none/content").await;
    assert_eq!((missing.status, missing.reason()), (404, "spam_not_found"));
    let listed = ids(&desk.walk("conversations", "include_empty=1").await, "session_id");
    assert_eq!(listed.len(), 120, "spam is no conversation");
}

#[tokio::test]
async fn events_and_campaigns_are_those_of_one_person() {
    let desk = Desk::shop().await;
    let campaigns: BTreeSet<_> =
        ids(&desk.walk("campaigns/list", "").await, "campaign_id").into_iter().collect();
    assert_eq!(campaigns.len(), 2);
    let (mut counts, mut most, mut delivered) = (BTreeMap::new(), 0, 0);
    for id in ids(&desk.walk("people/profiles", "").await, "people_id") {
        let events = desk.walk(&format!("people/events/{id}/list"), "").await;
        for event in &events {
            let fields: Vec<_> = event.as_object().expect("an object").keys().collect();
            assert_eq!(fields, ["text", "data", "color", "timestamp"]);
            *counts.entry(text_at(event, "text")).or_insert(0) += 1;
        }
        most = most.max(events.len());
        for delivery in desk.walk(&format!("people/campaigns/{id}/list"), "").await {
            assert!(campaigns.contains(&text_at(&delivery, "campaign_id")));
            assert!(delivery.get("_people_id").is_none() && delivery["occurred_at"].is_i64());
            delivered += 1;
        }
    }
    assert!(most > 20, "somebody has more events than a page holds");
    assert_eq!(delivered, 30);
    let census = desk.walk("people/suggest/events", "").await;
    let told: BTreeMap<String, i32> = census
        .iter()
        .map(|row| (text_at(row, "text"), row["count"].as_i64().expect("a count") as i32))
        .collect();
    assert_eq!(told, counts);
    assert_eq!(desk.get("people/events/nobody/list/1").await.status, 404);
}

#[tokio::test]
async fn inboxes_teams_and_blocked_visitors_have_entries() {
    let desk = Desk::shop().await;
    assert_eq!(desk.walk("inboxes/list", "").await.len(), 2);
    assert_eq!(desk.walk("teams/list", "").await.len(), 1);
    let blocked = desk.data("visitors/blocked").await;
    assert_eq!(blocked.as_array().map(Vec::len), Some(3));
    assert!(blocked[0]["rule"].is_string() && blocked[2].get("blocked_until").is_none());
}

#[tokio::test]
async fn a_folder_without_the_lists_has_none_of_them() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let desk = Desk::open(folder(scratch.path())).await;
    desk.control("faults", r#"{"quirks":{"helpdesk":"new"}}"#).await;
    for path in [
        "conversations/spams/1",
        "campaigns/list/1",
        "visitors/blocked",
        "people/suggest/events/1",
        "inboxes/list/1",
        "helpdesk/locales/1",
        "helpdesk/redirections/1",
    ] {
        assert_eq!(desk.data(path).await, json!([]), "{path}");
    }
    let spam = r#"[{"spam_id":"a", "content":"b", "n":1.50}]"#;
    std::fs::write(scratch.path().join("spams.json"), spam).expect("a written file");
    let desk = Desk::open(folder(scratch.path())).await;
    let text = desk.get("conversations/spams/1").await.text;
    assert!(text.ends_with(r#""data":[{"spam_id":"a", "n":1.50}]}"#), "{text}");
}
