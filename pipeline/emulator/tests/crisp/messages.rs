//! Messages: pages, their bounds, hard shapes, originals and files.

use std::collections::{BTreeMap, BTreeSet};

use deskferry_emulator::crisp::{Bound, Quirks};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Desk, text_at};

fn times(page: &Value) -> Vec<i64> {
    let messages = page.as_array().expect("a list");
    messages.iter().map(|message| message["timestamp"].as_i64().expect("a time")).collect()
}

#[tokio::test]
async fn forty_messages_are_one_page_and_eighty_are_two() {
    let desk = Desk::shop().await;
    let sessions = desk.sessions().await;
    let forty = desk.get(&format!("conversation/{}/messages", sessions[0])).await;
    assert_eq!((forty.status, forty.json["data"].as_array().map(Vec::len)), (200, Some(40)));
    let newest = desk.get(&format!("conversation/{}/messages", sessions[1])).await;
    assert_eq!((newest.status, newest.json["data"].as_array().map(Vec::len)), (206, Some(40)));
    let bounds = times(&newest.json["data"]);
    assert!(bounds.is_sorted());
    let path = format!("conversation/{}/messages?timestamp_before={}", sessions[1], bounds[0]);
    let oldest = desk.get(&path).await;
    assert_eq!(oldest.status, 200);
    assert!(times(&oldest.json["data"]).iter().all(|time| *time < bounds[0]));
    assert_eq!(desk.messages(&sessions[1]).await.len(), 80);
}

#[tokio::test]
async fn a_long_conversation_is_walked_to_its_beginning() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[2].clone();
    assert_eq!(desk.messages(&session).await.len(), 620);
    desk.emulator.set_quirks(Quirks {
        message_page: 20,
        bound: Bound::Inclusive,
        ..Quirks::default()
    });
    let newest = desk.data(&format!("conversation/{session}/messages")).await;
    assert_eq!(newest.as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn the_exclusive_bound_loses_messages_of_the_same_millisecond() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[4].clone();
    let walk = async |step: i64| {
        let mut found = BTreeSet::new();
        let mut query = String::new();
        for _ in 0..20 {
            let reply = desk.get(&format!("conversation/{session}/messages{query}")).await;
            let page = reply.json["data"].as_array().expect("a list").clone();
            found.extend(page.iter().filter_map(|message| message["fingerprint"].as_i64()));
            if reply.status == 200 {
                break;
            }
            query = format!("?timestamp_before={}", times(&reply.json["data"])[0] + step);
        }
        found.len()
    };
    assert!(walk(0).await < 55, "the naive bound must lose some");
    assert_eq!(walk(1).await, 55);
    let inclusive = Quirks { bound: Bound::Inclusive, ..Quirks::default() };
    desk.emulator.set_quirks(inclusive);
    assert_eq!(walk(0).await, 55);
}

#[tokio::test]
async fn a_run_longer_than_a_page_is_whole_only_from_both_sides() {
    let desk = Desk::with_quirks(Quirks { equal_ms_run: 60, ..Quirks::default() }).await;
    let session = desk.sessions().await[2].clone();
    let known = desk.emulator.inventory().messages;
    let known = known.into_iter().filter(|(owner, _)| *owner == session).count();
    assert_eq!(known, 620);
    let newest = desk.get(&format!("conversation/{session}/messages")).await;
    let shared = times(&newest.json["data"])[0];
    assert_eq!(times(&newest.json["data"]), [shared; 40]);
    // Asked for what is earlier, the page of the same millisecond comes again and again.
    let path = format!("conversation/{session}/messages?timestamp_before={}", shared + 1);
    assert_eq!(desk.get(&path).await.json["data"], newest.json["data"]);
    let path = format!("conversation/{session}/messages?timestamp_after={}", shared - 1);
    let after = desk.get(&path).await;
    assert_eq!((after.status, times(&after.json["data"])), (206, vec![shared; 40]));
    let prints = |page: &Value| -> BTreeSet<i64> {
        page.as_array()
            .expect("a list")
            .iter()
            .filter_map(|row| row["fingerprint"].as_i64())
            .collect()
    };
    let both: BTreeSet<_> =
        prints(&newest.json["data"]).union(&prints(&after.json["data"])).copied().collect();
    assert_eq!(both.len(), 60);
}

#[tokio::test]
async fn a_run_lies_in_the_middle_at_the_end_or_at_the_beginning() {
    let desk = Desk::with_quirks(Quirks { equal_ms_run: 5, ..Quirks::default() }).await;
    let sessions = desk.sessions().await;
    let longest = async |at: usize| {
        let found = desk.messages(&sessions[at]).await;
        let mut times: Vec<_> =
            found.values().filter_map(|row| row["timestamp"].as_i64()).collect();
        times.sort_unstable();
        let mut runs = times.chunk_by(|left, right| left == right).scan(0, |start, run| {
            let place = (run.len(), *start);
            *start += run.len();
            Some(place)
        });
        let found = runs.find(|(run, _)| *run >= 5);
        found.map(|(run, start)| (run, start, times.len()))
    };
    assert_eq!(longest(0).await, None, "each fourth conversation has none");
    assert!(matches!(longest(1).await, Some((5.., 30..45, 80))));
    assert_eq!(longest(7).await, Some((5, 0, 5)));
    desk.emulator.set_quirks(Quirks { equal_ms_run: 30, ..Quirks::default() });
    assert!(
        matches!(longest(1).await, Some((30.., 20..30, 80))),
        "a run can be made while serving"
    );
}

#[tokio::test]
async fn pages_after_a_time_come_oldest_first_until_nothing_newer_remains() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[1].clone();
    let (mut query, mut seen, mut statuses) = (-1, Vec::new(), Vec::new());
    while statuses.last() != Some(&200) {
        let path = format!("conversation/{session}/messages?timestamp_after={query}");
        let reply = desk.get(&path).await;
        let page = times(&reply.json["data"]);
        assert!(page.is_sorted() && page[0] > query);
        query = *page.last().expect("a message");
        seen.extend(page);
        statuses.push(reply.status);
    }
    assert!(seen.is_sorted());
    assert_eq!((seen.len(), statuses), (80, vec![206, 200]));
}

#[tokio::test]
async fn pages_can_be_asked_for_after_and_around_a_time() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[1].clone();
    let newest = times(&desk.data(&format!("conversation/{session}/messages")).await);
    let after = desk.get(&format!("conversation/{session}/messages?timestamp_after=0")).await;
    assert_eq!(after.status, 206);
    assert!(times(&after.json["data"]).iter().all(|time| *time <= newest[0]));
    let path = format!("conversation/{session}/messages?timestamp_around={}", newest[0]);
    assert!(times(&desk.data(&path).await).contains(&newest[0]));
    let both = format!("conversation/{session}/messages?timestamp_after=0&timestamp_before=9");
    assert_eq!(desk.get(&both).await.status, 400);
    let text = format!("conversation/{session}/messages?timestamp_before=yesterday");
    assert_eq!(desk.get(&text).await.status, 400);
}

#[tokio::test]
async fn all_nine_types_and_an_unknown_one_keep_their_content() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[5].clone();
    let messages = desk.messages(&session).await;
    let by_type: BTreeMap<String, &Value> =
        messages.values().map(|message| (text_at(message, "type"), &message["content"])).collect();
    let expected = [
        "animation",
        "audio",
        "carousel",
        "event",
        "field",
        "file",
        "hologram",
        "note",
        "picker",
        "text",
    ];
    assert_eq!(by_type.keys().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(by_type["text"].is_string() && by_type["note"].is_string());
    assert!(by_type["file"]["url"].is_string() && by_type["audio"]["duration"].is_u64());
    assert!(by_type["picker"]["choices"][0]["selected"].is_boolean());
    assert!(by_type["carousel"]["targets"][0]["actions"][0]["url"].is_string());
    let picker = messages.values().find(|message| message["type"] == "picker").expect("a picker");
    assert_eq!((&picker["automated"], &picker["user"]["type"]), (&true.into(), &"website".into()));
}

#[tokio::test]
async fn numbers_that_break_narrow_readers_are_there() {
    let desk = Desk::shop().await;
    let sessions = desk.sessions().await;
    let old = desk.messages(&sessions[6]).await;
    let times: Vec<_> = old.values().filter_map(|message| message["timestamp"].as_i64()).collect();
    assert!(times.contains(&0) && times.contains(&946_684_799_000));
    let (seventh, eighth) = (desk.messages(&sessions[7]).await, desk.messages(&sessions[8]).await);
    assert!(seventh.contains_key(&-333) && eighth.contains_key(&-333));
    let long = desk.messages(&sessions[2]).await;
    assert!(long.keys().any(|print| print.to_string().len() == 16));
    assert!(long.keys().any(|print| print.to_string().len() == 15));
    let long = long.values().map(|message| message["timestamp"].clone()).collect::<Vec<_>>();
    assert_eq!(long.len(), 620);
}

#[tokio::test]
async fn an_email_keeps_its_html_in_the_original_and_some_originals_are_gone() {
    let desk = Desk::shop().await;
    let sessions = desk.sessions().await;
    let (mut found, mut gone) = (0, 0);
    for session in &sessions[11..60] {
        for message in desk.messages(session).await.values() {
            let Some(original_id) = message["original"]["original_id"].as_str() else { continue };
            let reply = desk.get(&format!("conversation/{session}/original/{original_id}")).await;
            if reply.status == 404 {
                assert_eq!(reply.reason(), "original_not_found");
                gone += 1;
            } else {
                let original = &reply.json["data"];
                assert_eq!(original["type"], "text/html");
                assert!(text_at(original, "content").starts_with("<html>"));
                assert_ne!(original["content"], message["content"]);
                found += 1;
            }
        }
    }
    assert!(found > 10 && gone > 0, "{found} originals and {gone} missing ones");
}

#[tokio::test]
async fn every_listed_file_downloads_with_its_own_bytes_and_one_link_is_dead() {
    let desk = Desk::shop().await;
    let folder = tempfile::tempdir().expect("a scratch folder");
    deskferry_emulator::crisp::write_folder(1, 120, folder.path()).expect("a written shop");
    let notes = std::fs::read_to_string(folder.path().join("files.json")).expect("a readable file");
    let notes: BTreeMap<String, Value> = serde_json::from_str(&notes).expect("a map");
    let (mut whole, mut dead, mut types) = (0, 0, BTreeSet::new());
    for session in desk.sessions().await {
        let data = desk.walk(&format!("conversation/{session}/files"), "").await;
        let messages = desk.messages(&session).await;
        for file in data {
            assert!(messages.contains_key(&file["fingerprint"].as_i64().expect("an integer")));
            let url = text_at(&file, "url");
            assert!(url.starts_with(&desk.origin), "{url}");
            let response = desk.http.get(&url).send().await.expect("a reply");
            if response.status() == 404 {
                dead += 1;
                continue;
            }
            let id = url.rsplit('/').nth(1).expect("an id");
            assert_eq!(response.headers()["content-type"], text_at(&notes[id], "type").as_str());
            types.insert(text_at(&notes[id], "type"));
            let digest = Sha256::digest(response.bytes().await.expect("whole bytes"));
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, text_at(&notes[id], "sha256"));
            whole += 1;
        }
    }
    assert_eq!(dead, 1);
    assert!(whole > 40);
    assert_eq!(types.len(), 5, "{types:?}");
    let counters = desk.emulator.counters();
    assert_eq!((counters.files_served, counters.files_missing), (whole, 1));
}

#[tokio::test]
async fn inline_images_in_markdown_point_at_served_files() {
    let desk = Desk::shop().await;
    let mut images = 0;
    for session in &desk.sessions().await[..60] {
        for message in desk.messages(session).await.values() {
            let text = message["content"].as_str().unwrap_or_default();
            if let Some((_, rest)) = text.split_once("![shot](") {
                let (url, _) = rest.split_once(')').expect("a closed link");
                assert_eq!(
                    desk.http.get(url).send().await.expect("a reply").status(),
                    200,
                    "{url}"
                );
                images += 1;
            }
        }
    }
    assert!(images > 0);
}
