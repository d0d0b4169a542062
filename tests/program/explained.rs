//! What an auditor does with `explain`: one record from its bytes to the target, and back.

use std::path::{Path, PathBuf};
use std::process::Command;

use emulator::crisp;
use emulator::crisp::Change;
use serde_json::Value;

use crate::program::{Bench, Servers, helpdesk, shop};

/// A shop that was moved; one of its messages has lost its time.
fn moved() -> (Servers, Bench) {
    let scratch = Bench::bare("");
    let folder = scratch.path("corpus");
    crisp::write_folder(11, 120, &folder).expect("can be written");
    lose_a_time(&folder.join("messages.jsonl"));
    let data = crisp::Data::Folder(folder);
    let source = crisp::Options { data, ..shop(0) };
    let servers = Servers::start(source, helpdesk());
    let bench = Bench { folder: scratch.folder };
    bench.configure(&bench.configuration(&servers.crisp_url, &servers.gorgias_url));
    for verb in ["extract", "transform", "plan", "load", "reconcile"] {
        let ended = bench.run(&[verb]);
        assert!(ended.code <= 1, "{verb}\n{}", ended.stderr);
    }
    (servers, bench)
}

/// Takes the time away from the first message that is not the only one of its conversation.
fn lose_a_time(file: &Path) {
    let text = std::fs::read_to_string(file).expect("is there");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = &mut lines[1];
    let start = line.find("\"timestamp\":").expect("every message has a time");
    let end = start + line[start..].find(',').expect("another field follows") + 1;
    line.replace_range(start..end, "");
    std::fs::write(file, lines.join("\n") + "\n").expect("can be written");
}

fn explain(bench: &Bench, id: &str) -> Value {
    let ended = bench.run(&["explain", "--format", "json", id]);
    assert_eq!(ended.code, 0, "{id}\n{}", ended.stderr);
    serde_json::from_str(&ended.stdout).expect("is one JSON document")
}

/// The first cell of the first row.
fn first(bench: &Bench, sql: &str) -> String {
    let rows = bench.ask(sql);
    let row = rows.first().unwrap_or_else(|| panic!("{sql} gave nothing"));
    let cell = row.as_object().and_then(|row| row.values().next()).and_then(Value::as_str);
    cell.unwrap_or_else(|| panic!("{sql} gave {row}")).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Every version was hashed by the program, and is hashed here by pyarrow and hashlib.
fn assert_bytes_are_there(bench: &Bench, explanation: &Value) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = root.join("target/venv/bin/python");
    assert!(python.exists(), "run `make venv` first");
    let received = list(&explanation["received"]);
    assert!(!received.is_empty(), "{explanation}");
    for record in received {
        for version in list(&record["versions"]) {
            assert_eq!(version["matches"], true, "{version}");
            assert_eq!(version["exchange"]["body_matches"], true, "{version}");
            let file = version["file"].as_str().expect("is text");
            let place = ["row_group", "row_in_group"].map(|name| version[name].to_string());
            let read = Command::new(&python)
                .arg(root.join("tests/python/bytes_of_row.py"))
                .arg(bench.path("warehouse").join(file))
                .args(place)
                .output()
                .expect("Python starts");
            let read: Value = serde_json::from_slice(&read.stdout)
                .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&read.stderr)));
            assert_eq!(read["key"], record["key"]);
            assert_eq!(read["sha256"], version["sha256"]);
        }
    }
}

/// The line of the SQL that a rule names does name the rule.
fn assert_rules_are_where_they_say(explanation: &Value) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    for rule in list(&explanation["rules"]).iter().chain(list(&explanation["fates"])) {
        let Some(name) = rule["rule"].as_str() else { continue };
        let made_by = rule["made_by"].as_str().unwrap_or_else(|| panic!("nobody made {rule}"));
        let (file, line) = made_by.split_once(':').expect("a file and a line");
        let sql = std::fs::read_to_string(root.join(file)).expect("the file is there");
        let line = sql.lines().nth(line.parse::<usize>().expect("a number") - 1);
        let names = line.is_some_and(|line| line.contains(&format!("'{name}'")));
        assert!(names, "{made_by} does not name {name}");
    }
}

fn has_rule(explanation: &Value, rule: &str) -> bool {
    list(&explanation["rules"]).iter().any(|row| row["rule"] == rule)
}

fn assert_whole(bench: &Bench, explanation: &Value) {
    assert_bytes_are_there(bench, explanation);
    assert_rules_are_where_they_say(explanation);
    let is_open = |row: &Value| row["verdict"] == "unexplained";
    assert!(!list(&explanation["differences"]).iter().any(is_open), "{explanation}");
    assert_eq!(list(&explanation["notes"]).len(), 0, "{}", explanation["notes"]);
}

/// An explanation without what differs from run to run: places, hashes, ports, ids of the target,
/// moments of today, and line numbers.
pub(crate) fn masked(text: &str) -> String {
    let facts = ["file ", "record ", "place ", "exchange ", "body ", "bytes ", "seen:"];
    let line = |line: &str| {
        let is_fact = facts.iter().any(|fact| line.trim_start().starts_with(fact));
        let words = line.split(' ').map(|word| masked_word(word, is_fact));
        words.collect::<Vec<_>>().join(" ") + "\n"
    };
    text.lines().map(line).collect()
}

fn masked_word(word: &str, is_fact: bool) -> String {
    let bare = word.trim_end_matches([',', ')']);
    let end = &word[bare.len()..];
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_of_today = bare.ends_with('Z') && bare.contains('T') && bare > "2026-06";
    if let Some((file, _)) = bare.split_once(':').filter(|_| bare.starts_with("sql/")) {
        return format!("{file}:LINE{end}");
    }
    let shown = match bare.len() {
        _ if bare.contains("127.0.0.1") => "ADDRESS",
        _ if is_of_today => "TODAY",
        64 if is_hex(bare) => "SHA256",
        12 if is_fact && is_hex(bare) => "BUILD",
        1.. if is_fact && bare.bytes().all(|byte| byte.is_ascii_digit()) => "N",
        _ => return with_short_numbers(word),
    };
    format!("{shown}{end}")
}

/// The word with its long numbers, which are ids that the target gave, taken out.
fn with_short_numbers(word: &str) -> String {
    let mut shown = String::new();
    let mut rest = word;
    while let Some(start) = rest.find(|sign: char| sign.is_ascii_digit()) {
        let digits = rest[start..].bytes().take_while(u8::is_ascii_digit).count();
        let number = &rest[start..start + digits];
        shown += &rest[..start];
        shown += if digits > 8 { "ID" } else { number };
        rest = &rest[start + digits..];
    }
    shown + rest
}

#[test]
fn a_record_is_followed_from_its_bytes_to_the_target_and_back() {
    let (_servers, bench) = moved();
    follow_a_ticket_and_a_message(&bench);
    follow_a_person_of_two_profiles(&bench);
    follow_what_was_left_out(&bench);
    follow_files(&bench);
    ask_for_what_is_not_there(&bench);
}

fn follow_a_ticket_and_a_message(bench: &Bench) {
    let whole = "select ticket_id from tickets where messages between 3 and 9 order by 1 limit 1";
    let ticket_id = first(bench, whole);
    let ticket = explain(bench, &ticket_id);
    assert_eq!((&ticket["kind"], &ticket["id"]), (&"ticket".into(), &ticket_id.clone().into()));
    assert_whole(bench, &ticket);
    let messages = list(&ticket["staged"]["staged.messages"]);
    assert_eq!(messages.len(), list(&ticket["target"]["rows"]["readback.messages"]).len());
    assert!(messages.iter().all(|row| row["body_text"].is_string()), "the JSON holds all of it");
    let states: Vec<&Value> = list(&ticket["ledger"]).iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["intent", "done"]);
    let target_id = ticket["target"]["target_id"].as_str().expect("has one");
    assert_eq!(ticket["target"]["received"]["matches"], true);
    assert_eq!(explain(bench, &format!("ticket:{target_id}"))["id"], ticket["id"]);

    let message_id = messages[0]["message_id"].as_str().expect("is text");
    let message = explain(bench, message_id);
    assert_eq!(message["kind"], "message");
    assert_whole(bench, &message);
    let fingerprint = message_id.rsplit('/').next().expect("has an end");
    assert_eq!(explain(bench, fingerprint)["id"], message_id);
    let target_id = message["target"]["target_id"].as_str().expect("has one");
    assert_eq!(explain(bench, &format!("message:{target_id}"))["id"], message_id);

    let text = bench.run(&["explain", &ticket_id]);
    assert_eq!(text.code, 0, "{}", text.stderr);
    for part in ["1. What was received", "matches", "comes back whole", "5. What the target"] {
        assert!(text.stdout.contains(part), "{part} is not in {}", text.stdout);
    }
    let long = "select message_id from messages where char_length(body_text) > 200 limit 1";
    let long = bench.run(&["explain", &first(bench, long)]);
    let body = long.stdout.lines().find(|line| line.trim_start().starts_with("body_text "));
    let words = body.expect("is shown").trim_start().trim_start_matches("body_text").trim_start();
    assert_eq!(words.chars().count(), 81, "80 characters and an ellipsis: {words}");
}

fn follow_a_person_of_two_profiles(bench: &Bench) {
    let merged = "select customer_id from actors where email is not null \
                  group by customer_id having count(*) > 1 order by 1 limit 1";
    let customer_id = first(bench, merged);
    let customer = explain(bench, &customer_id);
    assert_eq!(customer["kind"], "customer");
    assert_whole(bench, &customer);
    let profiles: Vec<&Value> = list(&customer["received"])
        .iter()
        .filter(|record| record["stream"] == "people")
        .map(|record| &record["key"])
        .collect();
    assert!(profiles.len() > 1, "{profiles:?}");
    let reasons = list(&customer["rules"]).iter();
    let reasons = reasons.filter(|row| row["about"] == "person_id").count();
    assert_eq!(reasons, profiles.len(), "each profile has the reason why it is this person");
    let email = customer["staged"]["staged.customers"][0]["email"].as_str().expect("has one");
    assert_eq!(explain(bench, &email.to_uppercase())["id"], *customer_id);
    for profile in profiles {
        let profile = profile.as_str().expect("is text");
        assert_eq!(explain(bench, profile)["id"], *customer_id);
    }
    let target_id = customer["target"]["target_id"].as_str().expect("has one");
    assert_eq!(explain(bench, &format!("customer:{target_id}"))["id"], *customer_id);
}

fn follow_what_was_left_out(bench: &Bench) {
    for fate in ["dropped", "quarantined"] {
        let sql = format!(
            "select source_key from fates where fate = '{fate}' and stream = 'messages' \
             order by 1 limit 1"
        );
        let key = first(bench, &sql);
        let record = explain(bench, &key);
        assert_eq!(record["kind"], "record", "{fate}");
        assert_eq!(record["id"], format!("messages/{key}"));
        assert_bytes_are_there(bench, &record);
        assert_rules_are_where_they_say(&record);
        let judged = &record["fates"][0];
        assert_eq!(judged["fate"], fate);
        assert_ne!(judged["meaning"], judged["rule"], "the rule has a meaning");
        assert_eq!(judged["offending"].is_string(), fate == "quarantined", "{judged}");
        assert_eq!(explain(bench, &format!("record:messages/{key}"))["id"], record["id"]);
    }
}

fn follow_files(bench: &Bench) {
    let broken = "select message_id from attachments where fetch_status = 'broken' limit 1";
    let message = explain(bench, &first(bench, broken));
    assert!(list(&message["files"]).iter().any(|file| file["reason"].is_string()));
    assert!(has_rule(&message, "attachment_not_available"), "{}", message["rules"]);
    let stored = "select message_id from attachments where fetch_status = 'stored' limit 1";
    let message = explain(bench, &first(bench, stored));
    let file = list(&message["files"]).iter().find(|file| file["file"].is_string());
    let file = file.expect("its bytes are there");
    assert_eq!(file["matches"], true);
    let path = bench.path("warehouse").join(file["file"].as_str().expect("is text"));
    let hashed = Command::new("sha256sum").arg(path).output().expect("coreutils are there");
    let hashed = String::from_utf8_lossy(&hashed.stdout).into_owned();
    assert!(hashed.starts_with(file["sha256"].as_str().expect("is text")), "{hashed}");
}

fn ask_for_what_is_not_there(bench: &Bench) {
    let ticket_id = first(bench, "select ticket_id from tickets order by 1 limit 1");
    let slip = format!("{}x", &ticket_id[..ticket_id.len() - 1]);
    for (id, hint) in [
        (slip.as_str(), ticket_id.as_str()),
        ("ticket:1", "looked in snapshot crisp/0001"),
        ("nobody@shop.example", "looked in snapshot crisp/0001"),
        ("", "takes the id"),
    ] {
        let refused = bench.run(&["explain", id]);
        assert_eq!(refused.code, 2, "{id}");
        let line = refused.stderr.lines().find(|line| line.starts_with("hint: "));
        assert!(line.is_some_and(|line| line.contains(hint)), "{id}: {}", refused.stderr);
        assert!(!refused.stderr.contains('@'), "an address is repeated: {}", refused.stderr);
    }
    let refused = bench.run(&["explain", "--format", "csv", &ticket_id]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--format json"), "{}", refused.stderr);
}

#[test]
fn every_version_along_a_chain_is_shown_and_what_is_gone_is_said_to_be() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = Bench::new(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    let sessions: Vec<String> = servers.crisp.inventory().conversations.into_keys().collect();
    let gone = &sessions[2];
    let resolved = "select key from landing.conversations \
                    where raw like '%\"state\":\"resolved\"%' order by 1";
    let resolved = bench.ask(resolved);
    let mut resolved = resolved.iter().filter_map(|row| row["key"].as_str());
    let kept = resolved.find(|key| key != gone).expect("some conversations are resolved");
    let early = explain(&bench, kept);
    assert_eq!(early["kind"], "record", "nothing is staged yet");
    assert_eq!(early["id"], format!("conversations/{kept}"));
    assert!(early["notes"][0].as_str().is_some_and(|note| note.contains("deskferry transform")));

    servers.crisp.change(&Change::Delete { session_id: gone.clone() }).expect("is deleted");
    let state = Change::State { session_id: kept.to_owned(), state: "pending".to_owned() };
    servers.crisp.change(&state).expect("is changed");
    assert!(bench.run(&["extract", "--delta"]).code <= 1);
    assert_eq!(bench.run(&["transform"]).code, 0);
    let ticket = explain(&bench, kept);
    assert_bytes_are_there(&bench, &ticket);
    let standings = |explanation: &Value| -> Vec<(String, String)> {
        let versions = list(&explanation["received"][0]["versions"]).iter();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        versions.map(|row| (word(&row["snapshot"]), word(&row["standing"]))).collect()
    };
    let pair = |snapshot: &str, standing: &str| (snapshot.to_owned(), standing.to_owned());
    let expected = [pair("crisp/0001", "superseded"), pair("crisp/0002", "in force")];
    assert_eq!(standings(&ticket), expected);
    assert_eq!(ticket["received"][0]["versions"][1]["change"], "state_changed");
    assert!(has_rule(&ticket, "pending_is_open_with_tag"), "{}", ticket["rules"]);

    let deleted = explain(&bench, gone);
    assert_eq!(standings(&deleted), [pair("crisp/0001", "deleted")]);
    assert_eq!(deleted["received"][0]["deletions"][0]["snapshot"], "crisp/0002");
    assert_eq!(list(&deleted["fates"]).len(), 0, "a deleted record is not staged");
}
