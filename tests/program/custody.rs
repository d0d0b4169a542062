//! What a compliance officer does with a snapshot: verify, sign, export, look at what changed.

use std::path::Path;
use std::process::Command;

use emulator::crisp::{Change, Helpdesk, Quirks};

use crate::program::{Bench, Servers, helpdesk, shop};

fn extracted() -> (Servers, Bench) {
    let servers = Servers::start(shop(60), helpdesk());
    let bench = Bench::new(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    (servers, bench)
}

/// Runs a program of the system in a folder; says whether it was content.
fn is_content(program: &str, arguments: &[&str], folder: &Path) -> bool {
    let ended = Command::new(program).args(arguments).current_dir(folder).output();
    ended
        .unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"))
        .status
        .success()
}

#[test]
fn an_exported_snapshot_is_proved_by_coreutils_and_by_the_program() {
    let (_servers, bench) = extracted();
    let exported = bench.run(&["snapshot", "export", "--to", "one.tar"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert!(is_content("tar", &["-xf", "one.tar"], bench.folder.path()));
    let folder = bench.path("crisp-0001");
    for list in ["tagmanifest-sha256.txt", "manifest-sha256.txt"] {
        assert!(is_content("sha256sum", &["--check", "--quiet", list], &folder), "{list}");
    }
    for what in ["one.tar", "crisp-0001"] {
        let verified = bench.run(&["snapshot", "verify", what]);
        assert_eq!(verified.code, 0, "{what}: {}", verified.stdout);
    }
    let again = bench.run(&["snapshot", "export", "--to", "one.tar"]);
    assert_eq!(again.code, 2, "an export never writes over a file");
    let lines = bench.run(&["snapshot", "export", "--as", "jsonl", "--stream", "messages"]);
    let messages = bench.number("select count(*) from landing.messages");
    assert_eq!(lines.stdout.lines().count() as i64, messages);
    let first: serde_json::Value =
        serde_json::from_str(lines.stdout.lines().next().expect("has one")).expect("is JSON");
    assert!(first["raw"]["fingerprint"].is_i64(), "{first}");
}

#[test]
fn one_changed_byte_is_named_and_a_signature_is_of_its_key() {
    let (_servers, bench) = extracted();
    for key in ["key", "other"] {
        let (private, public) = (format!("{key}.pem"), format!("{key}.public.pem"));
        let make = ["genpkey", "-algorithm", "ed25519", "-out", &private];
        assert!(is_content("openssl", &make, bench.folder.path()));
        let show = ["pkey", "-in", &private, "-pubout", "-out", &public];
        assert!(is_content("openssl", &show, bench.folder.path()));
    }
    let signed = bench.run(&["snapshot", "sign", "--key", "key.pem"]);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    let of_key = |key: &str| bench.run(&["snapshot", "verify", "--public-key", key]).code;
    assert_eq!(of_key("key.public.pem"), 0);
    assert_eq!(of_key("other.public.pem"), 1);

    let part = "data/messages/part-00000.parquet";
    let path = bench.path("warehouse/landing/crisp/0001").join(part);
    let mut bytes = std::fs::read(&path).expect("is there");
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    let mut permissions = std::fs::metadata(&path).expect("is there").permissions();
    assert!(permissions.readonly(), "a sealed snapshot is read-only");
    #[expect(clippy::permissions_set_readonly_false, reason = "somebody tampers with it")]
    permissions.set_readonly(false);
    std::fs::set_permissions(&path, permissions).expect("can be lifted");
    std::fs::write(&path, bytes).expect("can be tampered with");
    let verified = bench.run(&["snapshot", "verify"]);
    assert_eq!(verified.code, 1, "{}", verified.stderr);
    assert!(verified.stdout.contains(part), "{}", verified.stdout);
    assert!(verified.stdout.contains("row group 0"), "{}", verified.stdout);
}

#[test]
fn a_delta_counts_the_classes_of_change_and_is_staged_with_its_parent() {
    let (servers, bench) = extracted();
    let sessions: Vec<String> = servers.crisp.inventory().conversations.into_keys().collect();
    let gone = sessions[2].clone();
    servers.crisp.change(&Change::Delete { session_id: gone.clone() }).expect("is deleted");
    let state = Change::State { session_id: sessions[4].clone(), state: "pending".to_owned() };
    servers.crisp.change(&state).expect("is changed");
    let delta = bench.run(&["extract", "--delta"]);
    assert_eq!(delta.code, 0, "{}", delta.stderr);
    let shown = bench.run(&["snapshot", "show", "--format", "json"]);
    let row = shown.stdout.lines().find(|line| line.contains("\"conversations\""));
    let row: serde_json::Value = serde_json::from_str(row.expect("is there")).expect("is JSON");
    assert_eq!(
        (row["deleted"].as_i64(), row["state_changed"].as_i64()),
        (Some(1), Some(1)),
        "{row}"
    );
    assert!(shown.stderr.contains("holds what changed since crisp/0001"), "{}", shown.stderr);
    assert_eq!(bench.run(&["transform"]).code, 0);
    let of =
        |id: &str| bench.number(&format!("select count(*) from tickets where ticket_id = '{id}'"));
    assert_eq!((of(&gone), of(&sessions[0])), (0, 1));
    assert_eq!(bench.run(&["snapshot", "verify"]).code, 0);
    let parent = bench.path("warehouse/landing/crisp/0001/snapshot.json");
    let text = std::fs::read_to_string(&parent).expect("is there");
    std::fs::remove_file(&parent).expect("whoever owns the disk can");
    std::fs::write(&parent, text.replace("\"gaps\"", "\"gap\"")).expect("can be tampered with");
    let verified = bench.run(&["snapshot", "verify"]);
    assert_eq!(verified.code, 1);
    assert!(verified.stdout.contains("crisp/0001"), "{}", verified.stdout);
}

#[test]
fn a_lock_that_the_store_cannot_keep_is_refused_before_anything_is_written() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let refused = bench.run(&["extract", "--lock-until", "2099-01-01"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("Object Lock"), "{}", refused.stderr);
    assert!(servers.crisp.counters().calls.is_empty(), "no call was made");
    let refused = bench.run(&["extract", "--lock-until", "someday"]);
    assert!(refused.stderr.contains("--lock-until 2036-12-31"), "{}", refused.stderr);
}

#[test]
fn a_source_is_looked_at_with_one_request_for_each_stream() {
    let servers = Servers::start(shop(40), helpdesk());
    let refuse = vec!["people/profiles/{page}".to_owned()];
    let quirks = Quirks { refuse, helpdesk: Helpdesk::Legacy, ..Quirks::default() };
    servers.crisp.set_quirks(quirks);
    let bench = Bench::new(&servers);
    let checked = bench.run(&["check", "--format", "csv"]);
    assert_eq!(checked.code, 1, "{}", checked.stderr);
    let line = |stream: &str| {
        let lines = checked.stdout.lines();
        lines
            .map(str::to_owned)
            .find(|line| line.starts_with(&format!("source,{stream},")))
            .expect(stream)
    };
    assert!(line("conversations").contains("readable"));
    assert!(line("helpdesk_article_bodies").contains("readable"));
    assert!(line("people").contains("refused"), "{}", line("people"));
    assert!(line("people_data").contains("not asked"));
    let calls = servers.crisp.counters().calls;
    assert!(calls.values().all(|calls| *calls == 1), "{calls:?}");
}

#[test]
fn a_manifest_of_the_users_own_is_read_and_its_slips_are_named() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let manifest = r#"format = 1
platform = "mine"
name = "My desk"
docs = "none"
url_base = "https://desk.example"
authenticator = { type = "http_basic", username = "{{ config.user }}", password = "{{ config.user }}" }
request_headers = { X-Crisp-Tier = "plugin" }
[spec.user]
meaning = "who we are"
required = true
secret = true
[[streams]]
name = "agents"
path = "/website/47eaa099-2cb6-416d-86dc-283cf0480ff9/operators/list"
data_selector = "data"
key = ["{{ record.details.user_id }}"]
"#;
    let url = &servers.crisp_url;
    let configuration = format!(
        "[warehouse]\nurl = \"file://{}/warehouse\"\n[source]\nmanifest = \"mine.toml\"\n\
         base_url = \"{url}/v1\"\nuser = {{ file = \"key\" }}\n",
        bench.folder.path().display()
    );
    bench.configure(&configuration);
    std::fs::write(bench.path("mine.toml"), manifest).expect("can be written");
    let extracted = bench.run(&["extract"]);
    assert_eq!(extracted.code, 0, "{}", extracted.stderr);
    let agents = servers.crisp.counters().holdings.operators as i64;
    assert_eq!(bench.number("select count(*) from landing.agents"), agents);
    let slip = manifest.replace("data_selector", "data_selecter");
    std::fs::write(bench.path("mine.toml"), slip).expect("can be written");
    let refused = bench.run(&["check"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("mine.toml line 15"), "{}", refused.stderr);
    assert!(refused.stderr.contains("data_selector"), "{}", refused.stderr);
}

#[test]
fn a_day_whose_calls_are_used_up_is_left_cleanly_and_gone_on_from() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&text.replace("[target]", "calls_per_day = 100\n[target]"));
    let stopped = bench.run(&["extract", "--until-quota"]);
    assert_eq!(stopped.code, 2, "{}", stopped.stderr);
    assert!(stopped.stderr.contains("100 of 100 used"), "{}", stopped.stderr);
    assert!(stopped.stderr.contains("it goes on where it stopped"), "{}", stopped.stderr);
    bench.configure(&text);
    let done = bench.run(&["extract"]);
    assert!(done.code <= 1, "{}", done.stderr);
    assert!(done.stderr.contains("exchanges were there already"), "{}", done.stderr);
}
