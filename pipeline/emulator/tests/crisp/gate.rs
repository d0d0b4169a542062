//! The gate: credentials, scopes, statuses, quota, cache, faults and control.

use deskferry_emulator::crisp::{DEMO_IDENTIFIER, DEMO_KEY, Faults, Helpdesk, Options, Quirks};
use reqwest::Method;

use super::{Desk, Reply};

#[tokio::test]
async fn a_wrong_key_is_401_and_a_wrong_tier_403() {
    let desk = Desk::shop().await;
    let url = format!("{}/v1/plugin/connect/account", desk.origin);
    let ask = async |key: Option<&str>, tier: &str| {
        let request = desk.http.get(&url).header("X-Crisp-Tier", tier);
        let request = match key {
            Some(key) => request.basic_auth(DEMO_IDENTIFIER, Some(key)),
            None => request,
        };
        Reply::of(request.send().await.expect("a reply")).await
    };
    assert_eq!(ask(Some(DEMO_KEY), "plugin").await.status, 200);
    assert_eq!(ask(Some("wrong"), "plugin").await.reason(), "unauthorized");
    assert_eq!(ask(None, "plugin").await.status, 401);
    assert_eq!(ask(Some(DEMO_KEY), "website").await.status, 403);
    assert_eq!(desk.emulator.counters().refused, 3);
}

#[tokio::test]
async fn three_causes_of_404_differ_in_their_reason() {
    let desk = Desk::shop().await;
    let missing = desk.get("conversation/session_00000000-0000-4000-8000-000000000000").await;
    let route = desk.get("conversation_list/1").await;
    let elsewhere =
        format!("{}/v1/website/00000000-0000-4000-8000-000000000000/people/stats", desk.origin);
    let request = desk.http.get(elsewhere).basic_auth(DEMO_IDENTIFIER, Some(DEMO_KEY));
    let website =
        Reply::of(request.header("X-Crisp-Tier", "plugin").send().await.expect("a reply")).await;
    assert_eq!([missing.status, route.status, website.status], [404; 3]);
    assert_eq!(missing.reason(), "session_not_found");
    assert_eq!(route.reason(), "not_found");
    assert_eq!(website.reason(), "subscription_not_found");
    assert!(website.json["data"]["message"].is_string());
}

#[tokio::test]
async fn every_write_is_refused_and_counted() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[0].clone();
    let writes = [
        (Method::POST, "conversation".to_owned()),
        (Method::POST, format!("conversation/{session}/message")),
        (Method::PATCH, format!("conversation/{session}/meta")),
        (Method::PATCH, format!("conversation/{session}/read")),
        (Method::DELETE, format!("conversation/{session}")),
        (Method::PUT, "people/profile/x".to_owned()),
        (Method::PATCH, "batch/resolve".to_owned()),
    ];
    let count = writes.len() as u64;
    for (method, path) in writes {
        let response = desk.request(method, &path).body("{}").send().await.expect("a reply");
        assert_eq!(response.status(), 405, "{path}");
    }
    assert_eq!(desk.get("people/profile?search_text=a").await.status, 405);
    let counters = desk.emulator.counters();
    assert_eq!(counters.writes_attempted, count);
    assert_eq!(counters.holdings.conversations, 120);
    let head = desk.request(Method::HEAD, &format!("conversation/{session}")).send().await;
    assert_eq!(head.expect("a reply").status(), 200);
    assert_eq!(desk.emulator.counters().writes_attempted, count);
}

#[tokio::test]
async fn the_daily_quota_ends_in_423_and_a_cached_reply_is_free() {
    let quirks = Quirks { cache_ms: 60_000, ..Quirks::default() };
    let desk = Desk::open(Options { calls_per_day: Some(2), quirks, ..Options::default() }).await;
    assert_eq!(desk.get("people/stats").await.bloom.as_deref(), Some("MISS"));
    for _ in 0..5 {
        assert_eq!(desk.get("people/stats").await.bloom.as_deref(), Some("HIT"));
    }
    assert_eq!(desk.get("conversations/1").await.status, 200);
    let refused = desk.get("conversations/2").await;
    assert_eq!((refused.status, refused.reason()), (423, "quota_limit_exceeded"));
    let counters = desk.emulator.counters();
    assert_eq!((counters.quota_used, counters.cache_hits, counters.limited), (2, 5, 1));
}

#[tokio::test]
async fn the_quota_day_ends_and_calls_pass_again() {
    let options = Options { calls_per_day: Some(1), day_ms: 50, ..Options::default() };
    let desk = Desk::open(options).await;
    assert_eq!(desk.get("people/stats").await.status, 200);
    for _ in 0..200 {
        if desk.get("people/stats").await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the quota never opened again");
}

#[tokio::test]
async fn calls_are_counted_by_quota_day_and_423_are_not() {
    let options = Options { calls_per_day: Some(2), day_ms: 400, ..Options::default() };
    let desk = Desk::open(options).await;
    let (mut granted, mut refused) = (0, 0);
    let began = std::time::Instant::now();
    while began.elapsed() < std::time::Duration::from_millis(900) {
        match desk.get("people/stats").await.status {
            200 => granted += 1,
            status => {
                assert_eq!(status, 423);
                refused += 1;
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let counters = desk.emulator.counters();
    assert!(refused > 0 && counters.limited == refused);
    assert_eq!(counters.calls_by_day.values().sum::<u64>(), granted);
    assert!(counters.calls_by_day.values().all(|calls| *calls <= 2), "{counters:?}");
    assert!(counters.calls_by_day.len() >= 2);
    assert_eq!(
        counters.calls_by_day.last_key_value().map(|(_, calls)| *calls),
        Some(counters.quota_used)
    );
}

#[tokio::test]
async fn every_reply_carries_the_date() {
    let desk = Desk::shop().await;
    for path in ["people/stats", "no/such/route"] {
        let response = desk.request(Method::GET, path).send().await.expect("a reply");
        let date = response.headers()["date"].to_str().expect("a text").to_owned();
        let date = chrono::DateTime::parse_from_rfc2822(&date).expect("an HTTP date");
        let age = chrono::Utc::now().signed_duration_since(date);
        assert!((-2..5).contains(&age.num_seconds()), "{date}");
    }
}

#[tokio::test]
async fn a_refused_family_is_403_and_its_neighbours_are_not() {
    let families = ["inboxes/list/{page}", "helpdesk", "conversations/spams/{page}"];
    let refuse = families.map(str::to_owned).to_vec();
    let helpdesk = Helpdesk::Legacy;
    let desk = Desk::with_quirks(Quirks { refuse, helpdesk, ..Quirks::default() }).await;
    for (path, status) in [
        ("inboxes/list/1", 403),
        ("helpdesk", 403),
        ("conversations/spams/2", 403),
        ("helpdesk/locales/1", 200),
        ("teams/list/1", 200),
        ("conversations/1", 200),
    ] {
        assert_eq!(desk.get(path).await.status, status, "{path}");
    }
    assert_eq!(desk.get("helpdesk").await.reason(), "not_allowed");
    assert_eq!(desk.emulator.counters().refused, 4);
}

#[tokio::test]
async fn a_cached_list_is_older_than_the_workspace() {
    let desk = Desk::with_quirks(Quirks { cache_ms: 60_000, ..Quirks::default() }).await;
    let before = desk.get("conversations/1").await.text;
    let session = desk.sessions().await[0].clone();
    let change = format!(r#"[{{"touch":{{"session_id":"{session}"}}}}]"#);
    assert_eq!(desk.control("changes", &change).await.status, 200);
    assert_eq!(desk.get("conversations/1").await.text, before);
    assert_ne!(desk.get("conversations/1?fresh=1").await.text, before);
}

#[tokio::test]
async fn a_production_token_without_a_scope_gets_403_and_no_field() {
    let scopes = ["website:conversation:sessions", "website:operators"].map(str::to_owned).to_vec();
    let desk = Desk::open(Options { scopes: Some(scopes), ..Options::default() }).await;
    let item = desk.data("conversations/1").await[0].clone();
    for absent in ["last_message", "assigned", "state", "people_id", "unread", "participants"] {
        assert!(item.get(absent).is_none(), "{absent}");
    }
    assert!(item["meta"].is_object() && item["created_at"].is_i64());
    let session = item["session_id"].as_str().expect("an id");
    assert_eq!(desk.get(&format!("conversation/{session}/messages")).await.status, 403);
    assert_eq!(desk.get("people/profiles/1").await.status, 403);
    assert_eq!(desk.get("operators/list").await.status, 200);
}

#[tokio::test]
async fn undocumented_fields_appear_in_some_records_only() {
    let desk = Desk::with_quirks(Quirks { extra_fields: true, ..Quirks::default() }).await;
    let data = desk.data("conversations/1?per_page=50").await;
    let rows = data.as_array().expect("a list");
    let dressed = rows.iter().filter(|row| row.get("x_not_documented").is_some()).count();
    assert!(dressed > 0 && dressed < rows.len());
}

#[tokio::test]
async fn broken_replies_break_and_the_next_call_is_whole() {
    let desk = Desk::shop().await;
    let plan = |kind: &str| {
        format!(r#"{{"faults":{{"planned":[{{"path":"people/stats","times":1,"kind":{kind}}}]}}}}"#)
    };
    let ask = async || desk.request(Method::GET, "people/stats").send().await;
    assert_eq!(desk.control("faults", &plan(r#""dropped""#)).await.status, 200);
    assert!(ask().await.is_err(), "no reply at all");
    assert_eq!(ask().await.expect("a reply").status(), 200);
    desk.control("faults", &plan(r#""truncated""#)).await;
    let cut = ask().await.expect("a head");
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err(), "half a body");
    desk.control("faults", &plan(r#""non_json""#)).await;
    let html = Reply::of(ask().await.expect("a reply")).await;
    assert_eq!((html.status, html.json.is_null()), (502, true));
    for status in [420, 423, 429, 503] {
        desk.control("faults", &plan(&format!(r#"{{"status":{status}}}"#))).await;
        let response = ask().await.expect("a reply");
        assert_eq!(response.status(), status);
        assert!(response.headers().get("retry-after").is_none());
    }
    desk.control("faults", r#"{"quirks":{"retry_after_s":3}}"#).await;
    desk.control("faults", &plan(r#"{"status":429}"#)).await;
    let response = ask().await.expect("a reply");
    assert_eq!(response.headers()["retry-after"], "3");
    let counters = desk.emulator.counters();
    assert_eq!((counters.faults, counters.limited), (8, 4));
}

#[tokio::test]
async fn drawn_faults_are_the_same_in_every_run() {
    let faults = Faults { seed: 5, too_many_429: 200, server_5xx: 200, ..Faults::default() };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let desk = Desk::open(Options { faults: faults.clone(), ..Options::default() }).await;
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(desk.get("people/stats").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&200) && runs[0].contains(&429));
}

#[tokio::test]
async fn a_file_host_refuses_credentials() {
    let desk = Desk::shop().await;
    let session = desk.sessions().await[5].clone();
    let files = desk.data(&format!("conversation/{session}/files/1")).await;
    let url = files[0]["url"].as_str().expect("an address");
    let leak = desk.http.get(url).basic_auth(DEMO_IDENTIFIER, Some(DEMO_KEY)).send().await;
    assert_eq!(leak.expect("a reply").status(), 400);
    assert_eq!(desk.http.get(url).send().await.expect("a reply").status(), 200);
    desk.emulator.set_faults(Faults { truncated: 1_000, files: true, ..Faults::default() });
    let cut = desk.http.get(url).send().await.expect("a head");
    assert!(cut.bytes().await.is_err());
    let counters = desk.emulator.counters();
    assert_eq!((counters.files_with_credentials, counters.files_served), (1, 2));
}

#[tokio::test]
async fn control_counts_calls_by_family_and_refuses_unknown_settings() {
    let desk = Desk::shop().await;
    desk.get("conversations/1").await;
    desk.get("conversations/2").await;
    let url = format!("{}/_emulator/counters", desk.origin);
    let counters = Reply::of(desk.http.get(url).send().await.expect("a reply")).await.json;
    assert_eq!(counters["calls"]["GET conversations/{page}"], 2);
    assert_eq!(counters["holdings"]["conversations"], 120);
    assert_eq!(counters, serde_json::json!(desk.emulator.counters()));
    assert_eq!(desk.control("faults", r#"{"quirks":{"mesage_page":20}}"#).await.status, 400);
    assert_eq!(desk.control("faults", r#"{"quirks":{"message_page":20}}"#).await.status, 200);
    let current = desk.control("faults", "{}").await.json;
    assert_eq!(current["quirks"]["message_page"], 20);
    assert_eq!(current["quirks"]["list_partial"], false);
}
