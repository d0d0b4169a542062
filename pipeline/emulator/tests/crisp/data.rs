//! Data: the shop's repeatability, the folder's fidelity and what unreadable data says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use deskferry_emulator::crisp::{Data, Emulator, Options, write_folder};

use super::{Desk, folder, ids};

fn shop(seed: u64, conversations: usize) -> Options {
    Options { data: Data::Shop { seed, conversations }, ..Options::default() }
}

#[tokio::test]
async fn a_written_folder_serves_the_records_of_the_shop() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    write_folder(7, 40, scratch.path()).expect("a written shop");
    let (from_shop, from_folder) =
        (Desk::open(shop(7, 40)).await, Desk::open(folder(scratch.path())).await);
    assert_eq!(from_shop.emulator.counters().holdings, from_folder.emulator.counters().holdings);
    let mut paths: Vec<String> = [
        "conversations/1?per_page=50&include_empty=1",
        "people/profiles/1",
        "people/profiles/2",
        "operators/list",
        "inboxes/list/1",
        "teams/list/1",
        "conversations/spams/2",
        "visitors/blocked",
        "campaigns/list/1",
        "people/suggest/events/1",
        "people/suggest/data/1",
        "conversations/suggest/data/1",
    ]
    .map(str::to_owned)
    .to_vec();
    for session in ids(&from_shop.walk("conversations", "include_empty=1").await, "session_id") {
        paths.push(format!("conversation/{session}/messages"));
        paths.push(format!("conversation/{session}/messages?timestamp_before=1700000000000"));
        paths.push(format!("conversation/{session}/files/1"));
    }
    for path in paths {
        let (left, right) = (from_shop.get(&path).await, from_folder.get(&path).await);
        let right_text = right.text.replace(&from_folder.origin, &from_shop.origin);
        assert_eq!((left.status, left.text), (right.status, right_text), "{path}");
    }
}

#[test]
fn the_same_seed_and_size_write_the_same_bytes() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let (first, again, other) =
        (scratch.path().join("a"), scratch.path().join("b"), scratch.path().join("c"));
    write_folder(3, 30, &first).expect("a written shop");
    write_folder(3, 30, &again).expect("a written shop");
    write_folder(4, 30, &other).expect("a written shop");
    let bytes = |dir: &Path, name: &str| fs::read(dir.join(name)).expect("a readable file");
    for name in [
        "conversations.jsonl",
        "messages.jsonl",
        "people.jsonl",
        "originals.jsonl",
        "operators.json",
        "inboxes.json",
        "teams.json",
        "spams.json",
        "events.json",
        "deliveries.json",
        "helpdesk_articles.json",
        "files.json",
    ] {
        assert_eq!(bytes(&first, name), bytes(&again, name), "{name}");
    }
    assert_ne!(bytes(&first, "messages.jsonl"), bytes(&other, "messages.jsonl"));
}

#[test]
fn a_shop_of_any_small_size_can_be_made() {
    for conversations in 0..16 {
        let emulator = Emulator::new(shop(1, conversations)).expect("a shop");
        assert_eq!(emulator.counters().holdings.conversations, conversations as u64);
    }
}

#[tokio::test]
async fn the_shop_talks_about_many_things_in_many_languages() {
    let desk = Desk::open(shop(1, 300)).await;
    let rows = desk.walk("conversations", "").await;
    let distinct = |pointer: &str| {
        rows.iter()
            .filter_map(|row| row.pointer(pointer))
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    assert!(distinct("/meta/device/locales/0").len() >= 12);
    assert_eq!(distinct("/state").len(), 3);
    assert!(distinct("/meta/origin").len() >= 4);
    assert!(distinct("/meta/subject").len() >= 4);
    assert!(distinct("/meta/segments").len() > 20);
    assert!(distinct("/inbox_id").len() == 1);
    assert!(rows.iter().any(|row| row["is_blocked"] == true));
    assert!(rows.iter().any(|row| row["meta"].get("connection").is_none()));
    assert!(rows.iter().any(|row| row.get("compose").is_none()));
    assert!(rows.iter().any(|row| row["active"].get("last").is_none()));
    for row in &rows {
        let last = row["last_message"].as_str().expect("a text");
        assert!(last.chars().count() <= 203 && !last.contains('\n'));
    }
    assert!(
        rows.iter()
            .any(|row| row["last_message"].as_str().is_some_and(|text| text.ends_with("...")))
    );
}

#[tokio::test]
async fn records_are_served_as_they_stand_but_for_the_origin() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let meta = r#"{"b":2E3, "a":"\u00e9\/"}"#;
    let conversation =
        format!(r#"{{ "zeta": 1.50, "session_id": "s1", "updated_at": 5, "meta": {meta} }}"#);
    let content = r#""see @@FILES@@/users/upload/x/1/a.png", "n": 12345678901234567890123"#;
    let message = format!(
        r#"{{"content": {content}, "session_id": "s1", "timestamp": 4, "fingerprint": 9}}"#
    );
    let person = r#"{"people_id": "p1", "_data": {"k": 1.0}, "email": null}"#;
    fs::write(scratch.path().join("conversations.jsonl"), format!("{conversation}\n"))
        .expect("a written file");
    fs::write(scratch.path().join("messages.jsonl"), format!("{message}\r\n\n"))
        .expect("a written file");
    fs::write(scratch.path().join("people.jsonl"), person).expect("a written file");
    let desk = Desk::open(folder(scratch.path())).await;
    let listed = |record: &str| format!(r#"{{"error":false,"reason":"listed","data":[{record}]}}"#);
    assert_eq!(desk.get("conversations/1").await.text, listed(&conversation));
    let expected = message.replace("@@FILES@@", &desk.origin);
    assert_eq!(desk.get("conversation/s1/messages").await.text, listed(&expected));
    assert_eq!(
        desk.get("people/profiles/1").await.text,
        listed(r#"{"people_id": "p1", "email": null}"#)
    );
    let data = desk.get("people/data/p1").await.text;
    assert_eq!(data, r#"{"error":false,"reason":"resolved","data":{"data":{"k": 1.0}}}"#);
    assert_eq!(desk.data("operators/list").await, serde_json::json!([]));
}

#[test]
fn a_line_that_is_not_json_is_named() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let path = scratch.path().join("conversations.jsonl");
    let failure = |text: &str| {
        fs::write(&path, text).expect("a written file");
        Emulator::new(folder(scratch.path())).expect_err("unreadable").to_string()
    };
    let broken = failure("{\"session_id\":\"a\"}\n{\"session_id\":\n");
    assert!(broken.contains("conversations.jsonl line 2: "), "{broken}");
    assert!(failure("{\"state\":\"pending\"}\n").contains("line 1: missing field `session_id`"));
    assert!(failure("{\"session_id\":\"a\"}\n{\"session_id\":\"a\"}").contains("line 2: a second"));
    fs::write(scratch.path().join("messages.jsonl"), "{\"session_id\":\"b\"}\n")
        .expect("a written file");
    assert!(failure("{\"session_id\":\"a\"}").contains("messages.jsonl line 1: a message of"));
    let nowhere = scratch.path().join("nowhere");
    let missing = Emulator::new(folder(&nowhere)).expect_err("no folder").to_string();
    assert!(missing.ends_with("nowhere: no such folder"));
}
