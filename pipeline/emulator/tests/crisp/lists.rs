//! Numbered lists: size, end, order, filters and what a live workspace does to a walk.

use std::collections::BTreeSet;

use deskferry_emulator::crisp::{PastEnd, PerPage, Quirks};

use serde_json::json;

use super::{Desk, ids};

#[tokio::test]
async fn the_page_size_is_20_unless_20_to_50_is_asked_for() {
    let desk = Desk::shop().await;
    let size = async |query: &str| {
        let data = desk.data(&format!("conversations/1{query}")).await;
        data.as_array().expect("a list").len()
    };
    assert_eq!(size("").await, 20);
    assert_eq!(size("?per_page=35&never_heard_of=1").await, 35);
    for path in ["conversations/1?per_page=51", "conversations/1?per_page=19", "conversations/0"] {
        let reply = desk.get(path).await;
        assert_eq!((reply.status, reply.reason()), (400, "invalid_data"), "{path}");
    }
    desk.emulator.set_quirks(Quirks { per_page: PerPage::Clamp, ..Quirks::default() });
    assert_eq!(size("?per_page=500").await, 50);
    assert_eq!(size("?per_page=1").await, 20);
}

#[tokio::test]
async fn the_list_ends_with_an_empty_page_or_with_404() {
    let desk = Desk::shop().await;
    let reply = desk.get("conversations/7").await;
    assert_eq!(
        (reply.status, reply.text.as_str()),
        (200, r#"{"error":false,"reason":"listed","data":[]}"#)
    );
    desk.emulator.set_quirks(Quirks { past_end: PastEnd::NotFound, ..Quirks::default() });
    assert_eq!(desk.get("conversations/6").await.status, 200);
    assert_eq!(desk.get("conversations/7").await.status, 404);
    assert_eq!(desk.get("people/profiles/99").await.status, 404);
}

#[tokio::test]
async fn a_trailing_slash_changes_nothing() {
    let desk = Desk::shop().await;
    let plain = desk.get("conversations/2").await.text;
    assert_eq!(desk.get("conversations/2/").await.text, plain);
}

#[tokio::test]
async fn the_empty_conversation_shows_only_when_asked_for() {
    let desk = Desk::shop().await;
    assert_eq!(desk.walk("conversations", "").await.len(), 119);
    let all = desk.walk("conversations", "include_empty=1").await;
    assert_eq!(all.len(), 120);
    let empty = desk.sessions().await[3].clone();
    assert!(ids(&all, "session_id").contains(&empty));
    assert_eq!(desk.data(&format!("conversation/{empty}/messages")).await, json!([]));
}

#[tokio::test]
async fn both_orders_are_newest_first_and_update_order_is_the_default() {
    let desk = Desk::shop().await;
    for (query, field) in [
        ("", "updated_at"),
        ("order_date_updated=1", "updated_at"),
        ("order_date_created=1", "created_at"),
    ] {
        let rows = desk.walk("conversations", query).await;
        let times: Vec<_> = rows.iter().map(|row| row[field].as_i64().expect("a time")).collect();
        assert!(times.is_sorted_by(|left, right| left >= right), "{query}");
    }
    let waiting = desk.walk("conversations", "order_date_waiting=1").await;
    assert_eq!(waiting.len(), 119);
    assert!(waiting[0]["waiting_since"].is_i64());
    assert!(waiting[118].get("waiting_since").is_none());
}

#[tokio::test]
async fn short_pages_show_every_conversation_once() {
    let desk = Desk::with_quirks(Quirks { short_pages: true, ..Quirks::default() }).await;
    let (mut sizes, mut seen) = (Vec::new(), BTreeSet::new());
    for page in 1..20 {
        let data = desk.data(&format!("conversations/{page}?per_page=50&include_empty=1")).await;
        let rows = data.as_array().expect("a list");
        sizes.push(rows.len());
        for id in ids(rows, "session_id") {
            assert!(seen.insert(id), "seen twice");
        }
        if rows.is_empty() {
            break;
        }
    }
    assert_eq!(seen.len(), 120);
    assert_eq!(sizes, [50, 50, 20, 0]);
    let shorter = desk.data("conversations/8?per_page=20&include_empty=1").await;
    assert_eq!(shorter, json!([]));
    let people = desk.walk("people/profiles", "").await;
    assert_eq!(people.len(), 90);
}

#[tokio::test]
async fn partial_lists_may_say_206_until_the_end() {
    let desk = Desk::with_quirks(Quirks { list_partial: true, ..Quirks::default() }).await;
    assert_eq!(desk.get("conversations/1?per_page=50").await.status, 206);
    assert_eq!(desk.get("conversations/3?per_page=50").await.status, 200);
}

#[tokio::test]
async fn the_two_resolved_filters_together_are_the_whole_list() {
    let desk = Desk::shop().await;
    let resolved = desk.walk("conversations", "filter_resolved=1").await;
    let others = desk.walk("conversations", "filter_not_resolved=1").await;
    assert!(resolved.iter().all(|row| row["state"] == "resolved" && row["status"] == 2));
    assert!(others.iter().all(|row| row["state"] != "resolved"));
    assert!(!others.is_empty());
    assert_eq!(resolved.len() + others.len(), 119);
}

#[tokio::test]
async fn filters_keep_what_they_name() {
    let desk = Desk::shop().await;
    let all = desk.walk("conversations", "").await;
    let unread = desk.walk("conversations", "filter_unread=1").await;
    assert!(!unread.is_empty() && unread.iter().all(|row| row["unread"]["operator"] != 0));
    let assigned: Vec<_> = all.iter().filter(|row| row["assigned"].is_object()).collect();
    let user_id = assigned[0]["assigned"]["user_id"].as_str().expect("an id");
    let own = desk.walk("conversations", &format!("filter_assigned={user_id}")).await;
    let expected = assigned.iter().filter(|row| row["assigned"]["user_id"] == user_id).count();
    assert_eq!(own.len(), expected);
    let free = desk.walk("conversations", "filter_unassigned=1").await;
    assert_eq!(free.len(), all.len() - assigned.len());
    let inboxes = desk.data("inboxes/list/1").await;
    let inbox_id = inboxes[0]["inbox_id"].as_str().expect("an id");
    let inbox = desk.walk("conversations", &format!("filter_inbox_id={inbox_id}")).await;
    assert!(!inbox.is_empty() && inbox.iter().all(|row| row["inbox_id"] == inbox_id));
    assert!(inbox.len() < all.len());
}

#[tokio::test]
async fn date_filters_look_at_the_update_and_take_no_milliseconds() {
    let desk = Desk::shop().await;
    let all = desk.walk("conversations", "").await;
    let cut = 1_717_200_000_000_i64; // 2024-06-01T00:00:00Z
    let later = desk.walk("conversations", "filter_date_start=2024-06-01T00:00:00.000Z").await;
    let earlier = desk.walk("conversations", "filter_date_end=2024-05-31T23:59:59.999Z").await;
    let is_later = |row: &&serde_json::Value| row["updated_at"].as_i64().expect("a time") >= cut;
    assert_eq!(later.len(), all.iter().filter(is_later).count());
    assert_eq!(later.len() + earlier.len(), all.len());
    assert!(!later.is_empty() && !earlier.is_empty());
    assert_eq!(desk.get("conversations/1?filter_date_start=1717200000000").await.status, 400);
}

#[tokio::test]
async fn searches_go_by_text_segment_and_condition() {
    let desk = Desk::shop().await;
    let text = desk.walk("conversations", "search_query=visitor&search_type=text").await;
    assert!(!text.is_empty() && text.iter().all(|row| row.to_string().contains("visitor")));
    let segment =
        desk.walk("conversations", "search_query=vip&search_type=segment&include_empty=1").await;
    assert!(!segment.is_empty());
    let filter =
        r#"[{"model":"session","criterion":"meta.segments","operator":"eq","query":["vip"]}]"#;
    let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let found = desk
        .walk("conversations", &format!("search_query={query}&search_type=filter&include_empty=1"))
        .await;
    assert_eq!(ids(&found, "session_id"), ids(&segment, "session_id"));
    let census = desk.data("conversations/suggest/segments/1?per_page=50").await;
    let rows = census.as_array().expect("a list");
    let vip = rows.iter().find(|row| row["segment"] == "vip").expect("vip is counted");
    assert_eq!(vip["count"], segment.len());
}

#[tokio::test]
async fn a_touched_conversation_moves_to_the_front_between_two_pages() {
    let desk = Desk::with_quirks(Quirks { touch_every: 1, ..Quirks::default() }).await;
    let naive = ids(&desk.walk("conversations", "").await, "session_id");
    let distinct: BTreeSet<_> = naive.iter().collect();
    assert!(distinct.len() < 119, "one pass in update order must miss somebody");
    let stable = ids(&desk.walk("conversations", "order_date_created=1").await, "session_id");
    assert_eq!(stable.iter().collect::<BTreeSet<_>>().len(), 119);
}

#[tokio::test]
async fn a_deletion_between_two_pages_hides_another_conversation() {
    let desk = Desk::with_quirks(Quirks { delete_every: 1, ..Quirks::default() }).await;
    let seen: BTreeSet<String> =
        ids(&desk.walk("conversations", "order_date_created=1").await, "session_id")
            .into_iter()
            .collect();
    desk.emulator.set_quirks(Quirks::default());
    let left = ids(&desk.walk("conversations", "order_date_created=1").await, "session_id");
    assert!(left.iter().any(|id| !seen.contains(id)), "one pass must skip somebody who stayed");
    assert_eq!(desk.emulator.counters().holdings.conversations_started, left.len() as u64);
}

#[tokio::test]
async fn an_edit_keeps_the_fingerprint_and_bumps_the_update() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[0].clone();
    let before = desk.data(&format!("conversation/{session}")).await;
    let messages = desk.messages(&session).await;
    let (fingerprint, _) = messages.first_key_value().expect("a message");
    let edit = json!({
        "edit": { "session_id": session, "fingerprint": fingerprint, "content": "changed" },
    });
    assert_eq!(desk.control("changes", &json!([edit]).to_string()).await.status, 200);
    let message = desk.data(&format!("conversation/{session}/message/{fingerprint}")).await;
    assert_eq!((&message["content"], &message["edited"]), (&"changed".into(), &true.into()));
    let first = desk.data("conversations/1").await[0].clone();
    assert_eq!(first["session_id"], session.as_str());
    assert!(first["updated_at"].as_i64() > before["updated_at"].as_i64());
    assert_eq!(first["created_at"], before["created_at"]);
    let message = json!({
        "session_id": session, "type": "text", "from": "user", "content": "one more",
        "fingerprint": 7, "timestamp": 1_767_200_000_000_i64,
    });
    let say = json!({ "say": { "message": message } });
    let state = json!({ "state": { "session_id": session, "state": "pending" } });
    assert_eq!(desk.control("changes", &json!([say, state]).to_string()).await.status, 200);
    assert_eq!(desk.messages(&session).await.len(), 41);
    assert_eq!(desk.data(&format!("conversation/{session}/state")).await["state"], "pending");
    assert_eq!(desk.control("changes", r#"[{"delete":{"session_id":"x"}}]"#).await.status, 400);
}
