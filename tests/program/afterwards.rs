//! What comes after a load: reading back until the target shows everything, finding a single
//! changed byte, and taking the run back out.

use std::io::{Read, Write};

use emulator::gorgias;

use crate::program::{Bench, Servers, helpdesk, pause, shop};

fn loaded(servers: &Servers) -> Bench {
    let bench = Bench::new(servers);
    for verb in ["extract", "transform", "plan", "load"] {
        let ended = bench.run(&[verb]);
        assert!(ended.code <= 1, "{verb}\n{}", ended.stderr);
    }
    bench
}

#[test]
fn a_byte_that_changed_in_the_target_is_found_and_the_run_can_be_taken_back() {
    let scratch = Bench::bare("");
    let state = scratch.path("gorgias.state");
    let target = gorgias::Options { state: Some(state.clone()), ..helpdesk() };
    let servers = Servers::start(shop(40), target);
    let before = servers.gorgias.counters().records;
    let bench = loaded(&servers);
    let calm = bench.run(&["reconcile"]);
    assert_eq!(calm.code, 0, "{}\n{}", calm.stdout, calm.stderr);
    assert!(calm.stderr.contains("% of the"), "{}", calm.stderr);
    let exact = "select sum(records) from reconcile.verdicts \
                 where \"table\" = 'attachments' and field = 'content' and verdict = 'exact'";
    assert!(bench.number(exact) > 0, "files were compared");
    let uploads = std::fs::read_dir(state.with_extension("state.uploads")).expect("is there");
    let file = uploads.map(|file| file.expect("is one").path()).min().expect("is one");
    let mut bytes = std::fs::read(&file).expect("can be read");
    let kept = bytes.clone();
    bytes[0] ^= 1;
    std::fs::write(&file, bytes).expect("can be written");
    assert_eq!(bench.run(&["reconcile"]).code, 1);
    let fields = "select distinct \"table\", field from reconcile.differences \
                  where verdict = 'unexplained'";
    let found = bench.ask(fields);
    assert_eq!(found, [serde_json::json!({"table": "attachments", "field": "content"})]);
    std::fs::write(&file, kept).expect("can be written");
    taken_back_and_loaded_again(&bench, &servers, &before);
}

fn taken_back_and_loaded_again(
    bench: &Bench,
    servers: &Servers,
    before: &std::collections::BTreeMap<String, u64>,
) {
    let loaded = servers.gorgias.counters().records;
    let dry = bench.run(&["rollback", "0001"]);
    assert_eq!(dry.code, 0, "{}\n{}", dry.stdout, dry.stderr);
    assert!(dry.stdout.contains("would be removed"), "{}", dry.stdout);
    assert_eq!(servers.gorgias.counters().records, loaded, "a dry run removes nothing");
    let done = bench.run(&["rollback", "0001", "--execute"]);
    assert_eq!(done.code, 0, "{}\n{}", done.stdout, done.stderr);
    let after = servers.gorgias.counters().records;
    for kind in ["tickets", "messages", "customers", "tags", "users"] {
        assert_eq!(after.get(kind), before.get(kind), "{kind}\n{}", done.stdout);
    }
    let again = bench.run(&["load"]);
    assert_eq!(again.code, 0, "{}\n{}", again.stdout, again.stderr);
    let reconciled = bench.run(&["reconcile"]);
    assert_eq!(reconciled.code, 0, "{}\n{}", reconciled.stdout, reconciled.stderr);
    assert_eq!(servers.gorgias.outbox(), 0, "a customer got a message");
}

/// Changes how the stand-in behaves.
fn set_quirks(servers: &Servers, quirks: &str) {
    let host = servers.gorgias_url.trim_start_matches("http://");
    let body = format!("{{\"quirks\": {quirks}}}");
    let request = format!(
        "POST /_emulator/faults HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(host).expect("listens");
    stream.write_all(request.as_bytes()).expect("takes it");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[test]
fn a_target_whose_lists_are_late_is_read_again_until_it_shows_everything() {
    let servers = Servers::start(shop(12), helpdesk());
    let bench = loaded(&servers);
    set_quirks(&servers, "{\"list_lag_ms\": 3600000}");
    let mut child = bench.start(&["reconcile", "--pause-s", "2"]);
    let said = || std::fs::read_to_string(bench.path("stderr")).expect("was written");
    while !said().contains("not listed yet") {
        assert!(child.try_wait().expect("can be asked").is_none(), "{}", said());
        pause(50);
    }
    set_quirks(&servers, "{\"list_lag_ms\": 0}");
    let status = child.wait().expect("ends");
    assert_eq!(status.code(), Some(0), "{}", said());
    set_quirks(&servers, "{\"list_lag_ms\": 3600000}");
    let hasty = bench.run(&["reconcile", "--reads", "1"]);
    assert_eq!(hasty.code, 1, "{}", hasty.stderr);
    assert!(!hasty.stderr.contains("not listed yet"), "{}", hasty.stderr);
}
