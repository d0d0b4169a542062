//! What the program says before and while it loads: check, acknowledge, status, metrics.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::gorgias;
use serde_json::{Value, json};

use crate::program::{ACCOUNT, Bench, KEY, Servers, helpdesk, pause, shop};

/// A call of the target's API, as somebody else makes it; gives the body.
fn call(servers: &Servers, method: &str, path: &str, body: &Value) -> Value {
    let host = servers.gorgias_url.strip_prefix("http://").expect("plain HTTP");
    let body = body.to_string();
    let credentials = format!("{ACCOUNT}:{KEY}");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Basic {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        STANDARD.encode(credentials),
        body.len()
    );
    let text = exchange(host, &(head + &body));
    let (head, body) = text.split_once("\r\n\r\n").expect("a reply");
    assert!(head.starts_with("HTTP/1.1 20"), "{text}");
    serde_json::from_str(body).expect("JSON")
}

/// Sends a request and reads until the other side ends.
fn exchange(host: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("can be set");
    stream.write_all(request.as_bytes()).expect("is sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("is text");
    reply
}

/// Everything up to a plan; the words of `check` are shown by the tests that need them.
fn planned(servers: &Servers) -> Bench {
    let bench = Bench::new(servers);
    assert!(bench.run(&["extract"]).code <= 1);
    assert_eq!(bench.run(&["transform"]).code, 0);
    assert_eq!(bench.run(&["plan"]).code, 0);
    bench
}

fn status(bench: &Bench) -> Value {
    let ended = bench.run(&["status", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("is JSON")
}

#[test]
fn a_live_rule_is_shown_by_check_stops_the_load_and_may_be_acknowledged() {
    let servers = Servers::start(shop(30), helpdesk());
    let bench = planned(&servers);
    let calm = bench.run(&["check", "target", "--format", "json"]);
    assert_eq!(calm.code, 0, "{}\n{}", calm.stdout, calm.stderr);
    let rule = json!({"name": "Thank you", "code": "if (true) { }",
                      "event_types": "ticket-created"});
    let rule = call(&servers, "POST", "/api/rules", &rule);
    let checked = bench.run(&["check", "target", "--format", "json"]);
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    let lines: Vec<Value> =
        checked.stdout.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect();
    let subject = format!("rule:{}", rule["id"]);
    let found = lines.iter().find(|line| line["subject"] == subject).expect("is shown");
    assert_eq!(found["state"], "live");
    let acknowledge = found["acknowledge"].as_str().expect("a text");
    assert!(checked.stderr.contains(&format!("deskferry load --acknowledge {acknowledge}")));
    let addresses = checked.stdout.matches('@').count();
    assert_eq!(addresses, 1, "the acknowledgement alone: {}", checked.stdout);

    let before = servers.gorgias.counters().records;
    let stopped = bench.run(&["load"]);
    assert_eq!(stopped.code, 2);
    assert!(stopped.stderr.contains("[DF5001]"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains(&format!("--acknowledge {acknowledge}")));
    assert_eq!(servers.gorgias.counters().records, before);
    let loaded = bench.run(&["load", "--acknowledge", acknowledge]);
    assert_eq!(loaded.code, 0, "{}", loaded.stderr);
    let kept = bench.run(&["check", "target", "--format", "json"]);
    assert_eq!(kept.code, 0, "{}", kept.stderr);
    assert!(kept.stdout.contains("live, acknowledged"));
    assert_eq!(servers.gorgias.outbox(), 0);
}

#[test]
fn check_looks_at_both_sides_and_says_what_it_may_not_see() {
    let quirks = gorgias::Quirks {
        forbidden: vec!["/api/account/settings".into()],
        surveys_on: true,
        ..gorgias::Quirks::default()
    };
    let servers = Servers::start(shop(30), gorgias::Options { quirks, ..helpdesk() });
    let bench = Bench::new(&servers);
    let checked = bench.run(&["check", "--format", "csv"]);
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    let line = |start: &str| {
        let found = checked.stdout.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start} in {}", checked.stdout))
    };
    assert!(line("source,conversations,").contains("readable"));
    assert!(line("target,settings,").contains("not seen"));
    assert!(line("target,agents,").contains("no run is planned"));
    assert!(line("target,account:role,").contains("fine"));
}

#[test]
fn status_says_how_each_session_ended() {
    let servers = Servers::start(shop(30), helpdesk());
    let bench = planned(&servers);
    assert_eq!(status(&bench)["state"], "planned");
    assert_eq!(bench.run(&["load", "--limit", "2"]).code, 0);
    let trial = status(&bench);
    assert_eq!(trial["state"], "load: done");
    assert_eq!(trial["sessions"][0]["is_complete"], false);
    assert_eq!(bench.run(&["load"]).code, 0);
    assert_eq!(bench.run(&["reconcile"]).code, 0);
    let whole = status(&bench);
    assert_eq!(whole["state"], "reconcile: done");
    let sessions = whole["sessions"].as_array().expect("a list");
    let verbs: Vec<&Value> = sessions.iter().map(|one| &one["verb"]).collect();
    assert_eq!(verbs, ["load", "load", "reconcile"]);
    assert_eq!(sessions[1]["is_complete"], true);
    let shown = bench.run(&["status"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    for words in ["reconcile: done", "nothing; the plan is loaded", "customers_create", "bucket"] {
        assert!(shown.stdout.contains(words), "{words} is not in\n{}", shown.stdout);
    }
    std::fs::write(bench.path("key"), "wrong\n").expect("can be written");
    let refused = bench.run(&["load"]);
    assert!(refused.stderr.contains("[DF3008]"), "{}", refused.stderr);
    let failed = status(&bench);
    assert_eq!(
        (&failed["state"], &failed["sessions"][3]["code"]),
        (&json!("load: failed"), &json!("DF3008"))
    );
}

#[test]
fn status_and_metrics_show_a_load_while_it_runs() {
    // Forty calls at once and then forty a second, so that the load takes some seconds.
    let bucket = Some(gorgias::Bucket { calls: 40, window_ms: 1_000 });
    let servers = Servers::start(shop(60), gorgias::Options { bucket, ..helpdesk() });
    let bench = planned(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&text.replace("calls_per_window = 1000000", "calls_per_window = 40"));
    let mut load = bench.start(&["load", "--metrics", "0"]);
    let began = Instant::now();
    let address = loop {
        let said = std::fs::read_to_string(bench.path("stderr")).expect("is there");
        let found = said.lines().find_map(|line| {
            let rest = line.strip_prefix("metrics at http://")?;
            Some(rest.split_once("/metrics")?.0.to_owned())
        });
        match found {
            Some(address) => break address,
            None => assert!(began.elapsed() < Duration::from_secs(30), "{said}"),
        }
        pause(20);
    };
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let gauge = |page: &str, name: &str| {
        let line = page.lines().find(|line| line.starts_with(&format!("deskferry_{name}{{")));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok())
    };
    let page = loop {
        let page = exchange(&address, &request);
        if gauge(&page, "calls_last_minute").is_some_and(|calls| calls > 20) {
            break page;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{page}");
        pause(100);
    };
    assert!(page.contains("application/openmetrics-text"), "{page}");
    assert_eq!(gauge(&page, "bucket_limit"), Some(40));
    assert!(page.contains("deskferry_calls_forecast{run=\"0001\",phase=\"tickets_create\"}"));
    let other = Bench { folder: tempfile::tempdir().expect("a folder") };
    let config = bench.path("deskferry.toml").display().to_string();
    let running = loop {
        let asked = other.run(&["--config", &config, "status", "--format", "json"]);
        let running: Value = serde_json::from_str(&asked.stdout).expect("is JSON");
        assert_eq!(running["state"], "load: running", "{}", asked.stdout);
        if running["sessions"][0]["calls_last_minute"].as_u64() > Some(0) {
            break running;
        }
    };
    let session = &running["sessions"][0];
    assert_eq!(session["bucket_limit"], 40);
    assert!(session["finish_at"].is_string(), "{session}");
    // Killed without a word, as the kernel does it.
    load.kill().expect("is killed");
    load.wait().expect("ends");
    assert_eq!(status(&bench)["sessions"][0]["state"], "running", "its last sign is fresh");
    assert_eq!(bench.run(&["load"]).code, 0);
    assert_eq!(status(&bench)["state"], "load: done");
    assert_eq!(servers.gorgias.outbox(), 0);
}
