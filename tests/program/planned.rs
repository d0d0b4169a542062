//! What the plan promises: that exactly it is loaded, in its order, with its calls, within its
//! bytes and in its time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use emulator::gorgias;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::program::{Bench, Ended, Servers, helpdesk, shop};

/// A shop that is extracted and planned.
fn planned(servers: &Servers) -> Bench {
    let bench = Bench::new(servers);
    assert!(bench.run(&["extract"]).code <= 1);
    let ended = bench.run(&["plan"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    bench
}

fn assert_refused(ended: &Ended, said: &str) {
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains(said), "{said} is not in {}", ended.stderr);
    assert!(ended.stderr.contains("hint: deskferry plan"), "{}", ended.stderr);
}

#[test]
fn a_plan_of_which_one_byte_was_changed_is_not_loaded() {
    let servers = Servers::start(shop(12), helpdesk());
    let bench = planned(&servers);
    let file = bench.path("warehouse/runs/0001/plan/messages.parquet");
    let original = std::fs::read(&file).expect("is there");
    let mut changed = original.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&file, &changed).expect("can be written");
    assert_refused(&bench.run(&["load"]), "messages.parquet was changed");
    assert_refused(&bench.run(&["plan"]), "messages.parquet was changed");
    std::fs::write(&file, &original).expect("can be written");
    let added = bench.path("warehouse/runs/0001/plan/extra.parquet");
    std::fs::copy(&file, &added).expect("can be copied");
    assert_refused(&bench.run(&["load"]), "extra.parquet was added");
    std::fs::remove_file(&added).expect("can be removed");
    let gone = bench.path("warehouse/runs/0001/plan/tags.parquet");
    std::fs::rename(&gone, bench.path("tags.parquet")).expect("can be moved");
    assert_refused(&bench.run(&["load"]), "tags.parquet is gone");
    std::fs::rename(bench.path("tags.parquet"), &gone).expect("can be moved");
    assert_eq!(servers.gorgias.counters().records.get("tickets").copied().unwrap_or(0), 0);
    assert_eq!(bench.run(&["load"]).code, 0);
}

#[test]
fn a_plan_is_not_loaded_when_the_mapping_or_the_staged_tables_changed_since() {
    let servers = Servers::start(shop(12), helpdesk());
    let bench = planned(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&format!("{text}[mapping]\npacking = \"seed\"\n"));
    assert_refused(&bench.run(&["load"]), "changed since run 0001 was planned");
    assert_eq!(bench.run(&["transform"]).code, 0);
    assert_refused(&bench.run(&["load"]), "the staged tables changed since run 0001");
    bench.configure(&text);
    assert_refused(&bench.run(&["load"]), "the staged tables changed since run 0001");
    assert_eq!(bench.run(&["plan"]).code, 0);
    assert_eq!(bench.run(&["load"]).code, 0);
    let missing = "select count(*) from plan.tickets left anti join ledger.records \
                   on records.source_id = tickets.ticket_id and records.state = 'done'";
    assert_eq!(bench.number(missing), 0);
}

#[test]
fn the_order_of_tickets_is_chosen_for_a_run_and_kept_in_it() {
    let servers = Servers::start(shop(12), helpdesk());
    let bench = planned(&servers);
    let recent = "select count(*) from plan.tickets as one join plan.tickets as next \
                  on next.seq = one.seq + 1 where one.status = 'closed' and next.status = 'open'";
    assert_eq!(bench.number(recent), 0, "open tickets come first");
    assert_eq!(bench.run(&["plan", "--order", "oldest"]).code, 0);
    let facts = std::fs::read_to_string(bench.path("warehouse/runs/0002/run.json"));
    assert!(facts.expect("is another run").contains("\"order\": \"oldest\""));
    let oldest = "select count(*) from plan.tickets as one join plan.tickets as next \
                  on next.seq = one.seq + 1 where one.created_at > next.created_at";
    assert_eq!(bench.number(oldest), 0);
    let ended = bench.run(&["load", "--limit", "3"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let loaded = "select count(*) from ledger.records join plan.tickets \
                  on records.source_id = tickets.ticket_id \
                  where kind = 'ticket' and tickets.seq <= 3";
    assert_eq!(bench.number(loaded), 3);
    assert_eq!(bench.run(&["plan", "--order", "oldest"]).code, 0);
    let newest = std::fs::metadata(bench.path("warehouse/runs/0003"));
    assert!(newest.is_err(), "the same plan is the same run");
}

#[test]
fn the_forecast_is_kept_and_holds_in_calls_exactly_and_in_time_within_one_percent() {
    let bucket = Some(gorgias::Bucket { calls: 40, window_ms: 20_000 });
    let servers = Servers::start(shop(50), gorgias::Options { bucket, ..helpdesk() });
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    let real = "calls_per_window = 40\nwindow_s = 20\n";
    bench.configure(&text.replace("calls_per_window = 1000000\nwindow_s = 1\n", real));
    assert!(bench.run(&["extract"]).code <= 1);
    for verb in ["plan", "load"] {
        let ended = bench.run(&[verb]);
        assert_eq!(ended.code, 0, "{verb}: {}", ended.stderr);
    }
    let facts = std::fs::read(bench.path("warehouse/runs/0001/run.json")).expect("is there");
    let facts: Value = serde_json::from_slice(&facts).expect("is JSON");
    let time = &facts["forecast_time"];
    assert_eq!(time["calls_per_window"], 40);
    let forecast_ms = time["forecast_ms"].as_i64().expect("a time");
    let counted = "select sum(calls) from plan.forecast";
    let made = "select sum(calls) from ledger.calls where phase <> 'lookups'";
    assert_eq!(bench.number(counted), bench.number(made));
    let took_ms = bench.number("select took_ms from ledger.time");
    println!("forecast {forecast_ms} ms, took {took_ms} ms");
    assert!(forecast_ms > 100_000, "there are enough calls to tell: {forecast_ms} ms");
    let off_ms = (took_ms - forecast_ms).abs();
    assert!(off_ms * 100 <= forecast_ms, "forecast {forecast_ms} ms, took {took_ms} ms");
    let throttled = "select count(*) from ledger.calls where phase = 'throttled'";
    assert_eq!(bench.number(throttled), 0);
    // What is kept can be read where the move is summed up.
    bench.configure(&text);
    let ended = bench.run(&["reconcile"]);
    let said = ended.stderr.lines().find(|line| line.starts_with("time at 40 calls in 20 s"));
    assert!(said.is_some_and(|line| line.contains("made in")), "{}", ended.stderr);
}

#[test]
fn no_call_is_larger_than_the_plan_says() {
    let servers = Servers::start(shop(40), helpdesk());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let gorgias = servers.gorgias_url.trim_start_matches("http://").to_owned();
    let proxy = runtime.block_on(listen(gorgias, seen.clone()));
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &format!("http://{proxy}"));
    bench.configure(&format!("{text}[mapping]\npacking = \"auto\"\npayload_bytes_max = 30000\n"));
    assert!(bench.run(&["extract"]).code <= 1);
    for verb in ["plan", "load"] {
        let ended = bench.run(&[verb]);
        assert_eq!(ended.code, 0, "{verb}: {}", ended.stderr);
    }
    let calls = bench.ask("select phase, source_id, bytes from plan.calls where kind is not null");
    let mut bounds: BTreeMap<(String, String), u64> = BTreeMap::new();
    for call in &calls {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        bounds.insert((text("phase"), text("source_id")), call["bytes"].as_u64().expect("bytes"));
    }
    let seen = std::mem::take(&mut *seen.lock().expect("nobody panicked"));
    assert_eq!(seen.len(), calls.len(), "every write is planned and every planned one is made");
    let (mut sent, mut counted) = (0, 0);
    for call in seen.iter().filter(|call| call.source_id.is_some()) {
        let place = (call.phase.to_owned(), call.source_id.clone().unwrap_or_default());
        let bound = *bounds.get(&place).unwrap_or_else(|| panic!("{place:?} is not planned"));
        assert!(call.bytes <= bound, "{place:?} has {} bytes, planned {bound}", call.bytes);
        sent += call.bytes;
        counted += bound;
    }
    println!("{} calls with {sent} bytes, at most {counted} planned", seen.len());
    assert!(counted < sent * 3, "the bound is not far away: {sent} of {counted}");
    let uploads = |calls: &[Value]| -> u64 {
        let files = calls.iter().filter(|call| call["phase"] == json!("files_upload"));
        files.map(|call| call["bytes"].as_u64().unwrap_or_default()).sum()
    };
    let uploaded: u64 =
        seen.iter().filter(|call| call.phase == "files_upload").map(|call| call.bytes).sum();
    assert!(uploaded <= uploads(&calls) && uploaded > 0);
}

/// A write as it passed the proxy.
struct Passed {
    phase: &'static str,
    /// The id on our side, where the body tells it.
    source_id: Option<String>,
    bytes: u64,
}

/// Listens on a free port and hands everything on to `target`, noting every write.
async fn listen(target: String, seen: Arc<Mutex<Vec<Passed>>>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("is bound");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&target).await else { continue };
            let ((from_client, mut to_client), (mut from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
            tokio::spawn(pass_on(from_client, to_server, seen.clone()));
        }
    });
    address
}

/// Hands requests on and notes those that write.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, seen: Arc<Mutex<Vec<Passed>>>) {
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        buffer.extend_from_slice(&chunk[..count]);
        while let Some((call, length)) = first_request(&buffer) {
            buffer.drain(..length);
            if let Some(call) = call {
                seen.lock().expect("nobody panicked").push(call);
            }
        }
        if to.write_all(&chunk[..count]).await.is_err() {
            return;
        }
    }
}

/// The first request of what was read, if it is there whole, and its length.
fn first_request(buffer: &[u8]) -> Option<(Option<Passed>, usize)> {
    let head_bytes = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&buffer[..head_bytes]).into_owned();
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?, words.next()?);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "lengths are said");
    let end = head_bytes + length.unwrap_or(0);
    let body = buffer.get(head_bytes..end)?;
    let steps: Vec<&str> = path.split(['/', '?']).skip(2).collect();
    let phase = match (method, steps.as_slice()) {
        ("POST", ["customers"]) => "customers_create",
        ("POST", ["tags"]) => "tags_create",
        ("POST", ["upload", ..]) => "files_upload",
        ("POST", ["tickets"]) => "tickets_create",
        ("POST", ["tickets", _, "messages"]) => "messages_append",
        ("PUT", ["tickets", _]) => "tickets_update",
        _ => return Some((None, end)),
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let source_id = ["external_id", "name"].iter().find_map(|name| body.get(*name)?.as_str());
    let source_id = source_id.map(str::to_owned);
    Some((Some(Passed { phase, source_id, bytes: (end - head_bytes) as u64 }), end))
}
