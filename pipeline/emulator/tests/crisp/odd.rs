//! Odd bytes and odd files: each kind is there, the same every time, and only when it is asked for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use deskferry_emulator::crisp::Quirks;
use reqwest::redirect::Policy;

use super::{Desk, text_at};

/// The bytes of every first message page.
async fn pages(desk: &Desk) -> Vec<(String, Vec<u8>)> {
    let mut pages = Vec::new();
    for session in desk.sessions().await {
        let path = format!("conversation/{session}/messages");
        let response = desk.request(reqwest::Method::GET, &path).send().await.expect("a reply");
        pages.push((session, response.bytes().await.expect("a whole body").to_vec()));
    }
    pages
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn odd_bytes_of_every_kind_are_in_the_messages_and_the_same_each_time() {
    let desk = Desk::with_quirks(Quirks { odd_bytes: true, ..Quirks::default() }).await;
    let first = pages(&desk).await;
    assert_eq!(first, pages(&desk).await);
    let whole: Vec<u8> = first.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let kinds: [&[u8]; 10] = [
        b"\"\xff",
        b"\"\xe2\x82",
        b"\"\xed\xa0\x80",
        b"\"\0",
        b"\"\x01\n\t",
        br#""\ud83d\ude00\ud83d"#,
        br#""\ude00 \ud800\ud800"#,
        br#","content":"the second of two"}"#,
        br#","stamped":false}"#,
        br#""a":1.0,"a":1e3,"b":-0,"#,
    ];
    for kind in kinds {
        assert!(holds(&whole, kind), "{kind:?}");
    }
    assert!(!holds(&whole, b"@@"));
    let is_sound = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
    assert!(first.iter().any(|(_, bytes)| is_sound(bytes)));
    assert!(first.iter().any(|(_, bytes)| !is_sound(bytes)));
    desk.emulator.set_quirks(Quirks::default());
    assert!(pages(&desk).await.iter().all(|(_, bytes)| is_sound(bytes)));
}

#[tokio::test]
async fn one_message_has_the_bytes_of_its_page() {
    let desk = Desk::with_quirks(Quirks { odd_bytes: true, ..Quirks::default() }).await;
    let session = desk.sessions().await[0].clone();
    let messages = desk.emulator.inventory().messages;
    let page = &pages(&desk).await[0].1;
    for (_, fingerprint) in messages.iter().filter(|(owner, _)| *owner == session) {
        let path = format!("conversation/{session}/message/{fingerprint}");
        let response = desk.request(reqwest::Method::GET, &path).send().await.expect("a reply");
        let bytes = response.bytes().await.expect("a whole body");
        let start = br#"{"error":false,"reason":"resolved","data":"#.len();
        assert!(holds(page, &bytes[start..bytes.len() - 1]));
    }
}

/// Status and `Location` of an odd file, without following it.
async fn look(desk: &Desk, name: &str) -> (u16, String) {
    let http = reqwest::Client::builder().redirect(Policy::none()).build().expect("a client");
    let url = format!("{}/users/odd/{name}", desk.origin);
    let response = http.get(url).send().await.expect("a head");
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    (response.status().as_u16(), location.unwrap_or_default().to_owned())
}

#[tokio::test]
async fn refusing_and_leading_files_answer_as_their_names_say() {
    let desk = Desk::shop().await;
    for (name, status, location) in [
        ("whole/1.png", 200, ""),
        ("missing/1.png", 404, ""),
        ("forbidden/1.png", 403, ""),
        ("gone/1.png", 410, ""),
        ("broken/1.png", 500, ""),
        ("moved/1.png", 302, "/users/odd/whole/1.png"),
        ("loop/1.png", 302, "/users/odd/loop/2.png"),
        ("elsewhere/1.png", 302, "http://127.0.0.1:1/secret.png"),
        ("metadata/1.png", 302, "http://169.254.169.254/latest/meta-data/"),
        ("flaky/1.png", 503, ""),
        ("flaky/1.png", 200, ""),
        ("flaky/2.png", 503, ""),
        ("unheard-of/1.png", 404, ""),
    ] {
        assert_eq!(look(&desk, name).await, (status, location.to_owned()), "{name}");
    }
    let url = format!("{}/users/odd/loop/1.png", desk.origin);
    assert!(desk.http.get(url).send().await.expect_err("no end").is_redirect());
    let leak = desk.http.get(format!("{}/users/odd/whole/1.png", desk.origin));
    assert_eq!(leak.bearer_auth("x").send().await.expect("a reply").status(), 400);
}

#[tokio::test]
async fn files_without_end_late_files_and_short_files_behave_so() {
    let desk = Desk::with_quirks(Quirks { slow_file_ms: 300, ..Quirks::default() }).await;
    let open = async |name: &str| {
        let url = format!("{}/users/odd/{name}", desk.origin);
        desk.http.get(url).send().await.expect("a head")
    };
    for (name, length) in [("huge/1.png", Some(1 << 40)), ("endless/1.png", None)] {
        let mut response = open(name).await;
        assert_eq!(response.content_length(), length, "{name}");
        let mut read = 0;
        while read < 8 << 20 {
            read += response.chunk().await.expect("more").expect("no end").len();
        }
    }
    let began = Instant::now();
    let mut slow = open("slow/1.png").await;
    let first = slow.chunk().await.expect("a chunk").expect("the first half");
    assert!(first.starts_with(b"\x89PNG"));
    while slow.chunk().await.expect("the rest").is_some() {}
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(open("short/1.png").await.bytes().await.is_err());
    let (one, same) =
        (open("whole/7.png").await.bytes().await, open("whole/7.png").await.bytes().await);
    assert_eq!(one.expect("whole"), same.expect("whole"));
}

/// The odd cases that a text points at.
fn cases(text: &str, before: &str, desk: &Desk, found: &mut BTreeSet<String>) {
    for part in text.split(before).skip(1) {
        let url = part.split([')', '"']).next().expect("an address");
        let local = url.strip_prefix(&format!("{}/users/odd/", desk.origin));
        let case = local.and_then(|rest| rest.split('/').next()).unwrap_or(url);
        found.insert(case.to_owned());
    }
}

#[tokio::test]
async fn messages_and_originals_point_at_odd_files_only_when_asked_to() {
    let desk = Desk::shop().await;
    let (mut inline, mut html) = (BTreeSet::new(), BTreeSet::new());
    let (mut uploads, mut noted) = (BTreeSet::new(), 0);
    let sessions = desk.sessions().await;
    let plain = desk.messages(&sessions[0]).await;
    desk.emulator.set_quirks(Quirks { odd_files: true, ..Quirks::default() });
    for session in &sessions {
        let messages = desk.messages(session).await;
        let files = desk.walk(&format!("conversation/{session}/files"), "").await;
        for file in &files {
            let message = &messages[&file["fingerprint"].as_i64().expect("an integer")];
            assert_eq!(file["url"], message["content"]["url"], "the check list agrees");
        }
        for message in messages.values() {
            if message["type"] == "file" {
                let text = message["content"].to_string();
                cases(&text, "\"url\":\"", &desk, &mut uploads);
            }
            let text = message["content"].as_str().unwrap_or_default();
            cases(text, "![odd](", &desk, &mut inline);
            noted += u32::from(message["type"] == "note" && text.contains("![odd]("));
            if let Some(id) = message["original"]["original_id"].as_str() {
                let reply = desk.get(&format!("conversation/{session}/original/{id}")).await;
                if reply.status == 200 {
                    let content = text_at(&reply.json["data"], "content");
                    cases(&content, "<img alt=\"odd\" src=\"", &desk, &mut html);
                }
            }
        }
    }
    assert_eq!(inline.len(), 16, "{inline:?}");
    assert!(uploads.len() >= 14 && html.len() >= 12, "{uploads:?} {html:?}");
    assert!(noted > 0 && inline.contains("http://169.254.169.254/latest/meta-data/"));
    desk.emulator.set_quirks(Quirks::default());
    assert_eq!(desk.messages(&sessions[0]).await, plain);
}
