//! What a snapshot proves of itself and of its ancestors, to this program and to others.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow::array::{Array, AsArray};
use bytes::Bytes;
use deskferry_landing::bag::{Closing, seal};
use deskferry_landing::chain::{as_of, chain, landed_files};
use deskferry_landing::exchange::{Deletion, Download, RecordSpan, sha256};
use deskferry_landing::snapshot::{SnapshotFacts, describe, fingerprint, streams, verify};
use deskferry_landing::{Warehouse, layout, sign};
use kernel::{Instant, SnapshotId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{clock, exchange, open, rows, sealed};

/// A version of a record in a reply of its own.
struct Version {
    key: String,
    raw: Vec<u8>,
    fetched_ms: i64,
    change: Option<&'static str>,
}

fn version(key: &str, raw: impl Into<Vec<u8>>, fetched_ms: i64) -> Version {
    Version { key: key.to_owned(), raw: raw.into(), fetched_ms, change: None }
}

fn deletion(key: &str, noticed_ms: i64) -> Deletion {
    Deletion {
        stream: "things".into(),
        key: key.to_owned(),
        parent_key: Some("p".into()),
        reason: "it answers 404".into(),
        noticed_at: Instant::from_millis(noticed_ms),
    }
}

async fn landed(warehouse: &Warehouse, versions: &[Version], closing: Closing) -> SnapshotFacts {
    let mut journal = open(warehouse).await;
    for (number, version) in versions.iter().enumerate() {
        let span = RecordSpan {
            stream: "things".into(),
            key: version.key.clone(),
            parent_key: Some("p".into()),
            start: 1,
            end: 1 + version.raw.len(),
            change: version.change.map(str::to_owned),
        };
        let body = [b"[", version.raw.as_slice(), b"]"].concat();
        let mut exchange = exchange(format!("things|{number}"), vec![span]);
        exchange.ended_at = Instant::from_millis(version.fetched_ms);
        journal.note(exchange, Bytes::from(body)).await.expect("is noted");
    }
    seal(&mut journal, closing, clock().now()).await.expect("is sealed")
}

async fn texts(warehouse: &Warehouse, id: &SnapshotId) -> BTreeMap<String, String> {
    let chain = chain(warehouse, id).await.expect("is whole");
    as_of(warehouse, &chain, "things", |row| Some(row.raw.to_owned())).await.expect("reads")
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_beside_what_can_be_shown() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let odd: &[u8] = b"{\"a\":\"\xff\xed\xa0\x80\"}";
    let nul: &[u8] = b"{\"a\":\"\0\"}";
    let versions = [version("odd", odd, 1), version("nul", nul, 2)];
    let facts = landed(&warehouse, &versions, Closing::default()).await;
    let batch = &rows(&warehouse, &facts.id, "things").await[0];
    let raw = batch.column_by_name("raw").expect("is there").as_string::<i32>();
    let exact = batch.column_by_name("raw_bytes").expect("is there").as_binary::<i32>();
    let hash = batch.column_by_name("sha256").expect("is there").as_string::<i32>();
    assert_eq!(raw.value(0), String::from_utf8_lossy(odd));
    assert_eq!((exact.value(0), hash.value(0)), (odd, sha256(odd).as_str()));
    assert_eq!((raw.value(1).as_bytes(), exact.is_null(1)), (nul, true));
    let verdict = verify(&warehouse, &facts.id).await.expect("verifies");
    assert_eq!((verdict.findings, verdict.bodies), (Vec::new(), 2));
}

#[tokio::test]
async fn a_stream_that_would_lie_in_an_inner_table_is_refused() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut journal = open(&warehouse).await;
    let closing = Closing { streams: vec!["files".into()], ..Closing::default() };
    let fault = seal(&mut journal, closing, clock().now()).await.expect_err("is refused");
    assert_eq!(fault.to_string(), "no stream may be called \"files\"");
}

#[tokio::test]
async fn a_delta_says_what_changed_and_which_parent_it_was_made_against() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = sealed(&warehouse).await.id;
    let changed = |key: &str, change| Version { change: Some(change), ..version(key, "{}", 1) };
    let versions = [changed("1/a", "edited"), changed("x", "new"), changed("y", "new")];
    let closing = Closing {
        complete: BTreeSet::from(["things".to_owned()]),
        parent: Some(first.clone()),
        deletions: vec![deletion("2/a", 5)],
        unproven: vec!["that nothing was deleted before".into()],
        filters: BTreeMap::from([("since".to_owned(), "2026".to_owned())]),
        ..Closing::default()
    };
    let facts = landed(&warehouse, &versions, closing).await;
    let things = &facts.streams["things"];
    let counts = things.changes.iter().map(|(class, count)| (class.as_str(), *count));
    assert_eq!(counts.collect::<Vec<_>>(), [("deleted", 1), ("edited", 1), ("new", 2)]);
    assert!(things.complete);
    let tags = fingerprint(&warehouse, &first).await.expect("reads");
    assert_eq!(facts.parent_sha256.as_ref(), Some(&tags));
    assert_eq!(describe(&warehouse, &facts.id).await.expect("reads"), facts);
    assert_eq!(streams(&warehouse, &facts.id).await.expect("lists"), ["things"]);

    let info = layout::in_snapshot(&facts.id, "bag-info.txt");
    let info = warehouse.get(&info).await.expect("reads").expect("is there");
    let info = String::from_utf8(info.to_vec()).expect("is text");
    let named =
        format!("Deskferry-Parent: crisp/0001\nDeskferry-Parent-Tagmanifest-Sha256: {tags}\n");
    assert!(info.ends_with(&named), "{info}");
    let payload = warehouse.list(&layout::in_snapshot(&facts.id, "data")).await.expect("lists");
    let mut bytes = 0;
    for path in &payload {
        bytes += warehouse.get(path).await.expect("reads").expect("is there").len();
    }
    assert!(info.contains(&format!("Payload-Oxum: {bytes}.{}\n", payload.len())), "{info}");

    let gone = &rows(&warehouse, &facts.id, "deletions").await[0];
    assert_eq!(gone.num_rows(), 1);
    assert_eq!(gone.column_by_name("key").expect("is there").as_string::<i32>().value(0), "2/a");
    let keys: Vec<String> = texts(&warehouse, &facts.id).await.into_keys().collect();
    assert_eq!(keys.len(), 101);
    assert!(!keys.contains(&"2/a".to_owned()));
}

#[test]
fn what_was_sealed_before_there_were_deltas_is_still_read() {
    let old = r#"{"format":1,"id":"crisp/0001","parent":null,"account":"a","started_at":"s",
        "sealed_at":"t","question_sha256":"q","tool":"x","exchanges":1,"body_bytes":2,"files":0,
        "streams":{"things":{"records":3,"keys":2}},"gaps":[],"evidence":[]}"#;
    let facts: SnapshotFacts = serde_json::from_str(old).expect("is still read");
    assert_eq!((facts.parent_sha256, facts.unproven.len(), facts.filters.len()), (None, 0, 0));
    assert!(!facts.streams["things"].complete && facts.streams["things"].changes.is_empty());
    let span = r#"{"stream":"things","key":"k","start":1,"end":2}"#;
    let span: RecordSpan = serde_json::from_str(span).expect("is still read");
    assert_eq!(span.change, None);
}

#[tokio::test]
async fn a_record_that_was_fetched_after_its_deletion_was_noticed_is_there_again() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let all = [version("back", "1", 1), version("gone", "1", 1), version("late", "1", 1)];
    let first = landed(&warehouse, &all, Closing::default()).await.id;
    // "late" was fetched, then found to be gone, in the same delta.
    let again = [version("late", "2", 10), version("back", "2", 30)];
    let closing = Closing {
        parent: Some(first.clone()),
        deletions: vec![deletion("back", 20), deletion("gone", 20), deletion("late", 20)],
        ..Closing::default()
    };
    let second = landed(&warehouse, &again, closing).await.id;
    let back = BTreeMap::from([("back".to_owned(), "2".to_owned())]);
    assert_eq!(texts(&warehouse, &second).await, back);
    assert_eq!(texts(&warehouse, &first).await.len(), 3, "the parent alone is as it was");
    let closing = Closing { parent: Some(second), ..Closing::default() };
    let third = landed(&warehouse, &[version("gone", "3", 5)], closing).await.id;
    assert_eq!(texts(&warehouse, &third).await["gone"], "3", "a newer snapshot has it again");
}

#[tokio::test]
async fn a_chain_read_as_one_is_what_the_source_held_at_its_end() {
    for seed in 0..20 {
        let mut dice = StdRng::seed_from_u64(seed);
        let warehouse = Warehouse::open("memory://").expect("opens");
        let mut source: BTreeMap<String, String> = BTreeMap::new();
        let mut parent = None;
        for _ in 0..dice.random_range(1..5) {
            let (mut versions, mut deletions) = (Vec::new(), Vec::new());
            for step in 0..dice.random_range(0..40) {
                let key = format!("k{}", dice.random_range(0..12));
                if source.contains_key(&key) && dice.random_range(0..4) == 0 {
                    source.remove(&key);
                    deletions.push(deletion(&key, step));
                } else {
                    let raw = format!("{{\"v\":{}}}", dice.random::<u16>());
                    versions.push(version(&key, raw.clone(), step));
                    source.insert(key, raw);
                }
            }
            let closing = Closing { parent: parent.take(), deletions, ..Closing::default() };
            let id = landed(&warehouse, &versions, closing).await.id;
            assert_eq!(texts(&warehouse, &id).await, source, "seed {seed}, {id}");
            parent = Some(id);
        }
        let id = parent.expect("there is one");
        let odd = |raw: &str| raw.len() % 2 == 1;
        let chain = chain(&warehouse, &id).await.expect("is whole");
        let kept = as_of(&warehouse, &chain, "things", |row| odd(row.raw).then_some(())).await;
        let kept: Vec<String> = kept.expect("reads").into_keys().collect();
        source.retain(|_, raw| odd(raw));
        assert_eq!(kept, source.into_keys().collect::<Vec<_>>(), "seed {seed}: newest, then kept");
    }
}

#[tokio::test]
async fn files_that_were_landed_anywhere_in_a_chain_are_known() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = sealed(&warehouse).await.id;
    let mut journal = open(&warehouse).await;
    let mut lost = exchange("files|v".into(), Vec::new());
    lost.download = Some(Download::missing("https://files.example/v", Some(404), "not found"));
    journal.note(lost, Bytes::new()).await.expect("is noted");
    let closing = Closing { parent: Some(first), ..Closing::default() };
    let second = seal(&mut journal, closing, clock().now()).await.expect("is sealed").id;
    let chain = chain(&warehouse, &second).await.expect("is whole");
    let urls = landed_files(&warehouse, &chain).await.expect("reads");
    assert_eq!(urls, HashSet::from(["https://files.example/u".to_owned()]));
}

/// A sealed snapshot in a folder of its own, and where it lies.
async fn in_folder() -> (tempfile::TempDir, PathBuf, Warehouse, SnapshotId) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let warehouse = Warehouse::open(&format!("file://{}", folder.path().display()));
    let warehouse = warehouse.expect("opens");
    let id = sealed(&warehouse).await.id;
    let bag = folder.path().join("landing/crisp/0001");
    (folder, bag, warehouse, id)
}

#[tokio::test]
async fn coreutils_alone_confirm_the_lists() {
    let (_folder, bag, ..) = in_folder().await;
    for list in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let mut checking = Command::new("sha256sum");
        checking.args(["--strict", "--status", "-c", list]).current_dir(&bag);
        assert!(checking.status().expect("sha256sum runs").success(), "{list}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_sealed_snapshot_cannot_be_written_to_also_after_it_was_signed() {
    use std::os::unix::fs::PermissionsExt;
    fn modes(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
        let mode = path.metadata().expect("is there").permissions().mode();
        found.push((path.to_owned(), mode & 0o222));
        for entry in path.read_dir().into_iter().flatten() {
            modes(&entry.expect("is listed").path(), found);
        }
    }
    let (folder, bag, warehouse, id) = in_folder().await;
    let (private, _) = keys(folder.path());
    sign::sign(&warehouse, &id, &private).await.expect("is signed");
    let mut found = Vec::new();
    modes(&bag, &mut found);
    assert!(found.len() > 10);
    assert_eq!(found.iter().find(|(_, writable)| *writable != 0), None);
}

/// A private and a public key, as openssl writes them, and their files below `folder`.
fn keys(folder: &Path) -> (String, String) {
    let (private, public) = (folder.join("key.pem"), folder.join("public.pem"));
    let generated = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out"])
        .arg(&private)
        .status()
        .expect("openssl runs");
    assert!(generated.success());
    let written = Command::new("openssl")
        .args(["pkey", "-pubout", "-in"])
        .arg(&private)
        .arg("-out")
        .arg(&public)
        .status()
        .expect("openssl runs");
    assert!(written.success());
    let read = |path: &Path| std::fs::read_to_string(path).expect("is text");
    (read(&private), read(&public))
}

#[tokio::test]
async fn a_signature_is_accepted_by_openssl_and_not_for_other_bytes() {
    let (folder, bag, warehouse, id) = in_folder().await;
    let (private, public) = keys(folder.path());
    let root = layout::snapshot(&id);
    let unsigned = sign::check_signature(&warehouse, &root, &public).await;
    assert!(unsigned.expect_err("is not signed").to_string().ends_with("is not signed"));
    sign::sign(&warehouse, &id, &private).await.expect("is signed");
    assert!(sign::check_signature(&warehouse, &root, &public).await.expect("is checked"));
    let verdict = verify(&warehouse, &id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new(), "the signature belongs to the bag");
    let again = sign::sign(&warehouse, &id, &private).await.expect_err("is refused");
    assert_eq!(again.to_string(), "crisp/0001 is signed already");

    let accepted = || {
        let mut command = Command::new("openssl");
        command.args(["pkeyutl", "-verify", "-pubin", "-rawin", "-inkey"]);
        command.arg(folder.path().join("public.pem")).current_dir(&bag).stdout(Stdio::null());
        command.args(["-in", "tagmanifest-sha256.txt"]);
        command.args(["-sigfile", "tagmanifest-sha256.txt.sig"]);
        command.stderr(Stdio::null()).status().expect("openssl runs").success()
    };
    assert!(accepted());
    let other = tempfile::tempdir().expect("a scratch folder");
    let (_, stranger) = keys(other.path());
    assert!(!sign::check_signature(&warehouse, &root, &stranger).await.expect("is checked"));

    let tags = layout::in_snapshot(&id, "tagmanifest-sha256.txt");
    let body = warehouse.get(&tags).await.expect("reads").expect("is there");
    let mut changed = body.to_vec();
    changed[3] = if changed[3] == b'0' { b'1' } else { b'0' };
    warehouse.put(&tags, changed).await.expect("is changed");
    assert!(!sign::check_signature(&warehouse, &root, &public).await.expect("is checked"));
    assert!(!accepted());
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_how_to_make_one() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let id = sealed(&warehouse).await.id;
    let fault = sign::sign(&warehouse, &id, "secret").await.expect_err("is no key");
    assert!(fault.advice().starts_with("openssl genpkey"), "{}", fault.advice());
    assert!(!fault.to_string().contains("secret"));
    let checked = sign::check_signature(&warehouse, &layout::snapshot(&id), "public").await;
    assert!(checked.expect_err("is no key").advice().starts_with("openssl pkey"));
}
