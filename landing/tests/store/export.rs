//! A snapshot on local disk, for other tools: mode bits, tar, JSON lines, DuckDB and pyarrow.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use deskferry_landing::bag::{Closing, seal};
use deskferry_landing::exchange::{RecordSpan, sha256};
use deskferry_landing::export::{export_jsonl, export_tar};
use deskferry_landing::{Warehouse, layout, snapshot};
use kernel::SnapshotId;
use serde_json::{Value, json};

use super::{local, output, python};
use crate::{clock, exchange, open, sealed};

/// Seals one exchange for each body; the whole of each body is a record.
async fn seal_records(warehouse: &Warehouse, bodies: &[&[u8]]) -> SnapshotId {
    let mut journal = open(warehouse).await;
    for (number, body) in bodies.iter().enumerate() {
        let (key, stream) = (number.to_string(), "things".to_owned());
        let end = body.len();
        let span = RecordSpan { stream, key, parent_key: None, start: 0, end, change: None };
        let exchange = exchange(format!("things|{number}"), vec![span]);
        journal.note(exchange, Bytes::copy_from_slice(body)).await.expect("is noted");
    }
    let closing = Closing { streams: vec!["things".into()], ..Closing::default() };
    seal(&mut journal, closing, clock().now()).await.expect("is sealed").id
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("is there").permissions().mode() & 0o777
}

/// Every file and folder from `path` on.
fn tree(path: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("is a folder");
        found.extend(entries.flat_map(|entry| tree(&entry.expect("is an entry").path())));
    }
    found
}

#[tokio::test]
async fn a_protected_snapshot_is_read_only_and_takes_one_more_file() {
    let (_folder, root, warehouse) = local();
    let id = sealed(&warehouse).await.id;
    let folder = layout::snapshot(&id);
    warehouse.protect(&folder).await.expect("is protected");
    let top = root.join(folder.as_ref());
    for path in tree(&top) {
        assert_eq!(mode(&path) & 0o222, 0, "{}", path.display());
    }
    let signature = layout::in_snapshot(&id, "tagmanifest-sha256.txt.sig");
    assert!(warehouse.put_new_protected(&signature, "one").await.expect("is written"));
    assert!(!warehouse.put_new_protected(&signature, "two").await.expect("is refused"));
    assert_eq!(warehouse.get(&signature).await.expect("reads").expect("is there"), "one");
    for path in [top.clone(), top.join("tagmanifest-sha256.txt.sig")] {
        assert_eq!(mode(&path) & 0o222, 0, "{}", path.display());
    }
    let next = sealed(&warehouse).await.id;
    assert_eq!(next.number, 2, "the folder above stays open");
}

#[tokio::test]
async fn what_is_private_stays_private_when_it_is_protected() {
    let (_folder, root, warehouse) = local();
    fs::create_dir(root.join("bag")).expect("is made");
    fs::write(root.join("bag/secret"), "x").expect("is written");
    for (path, bits) in [("bag/secret", 0o600), ("bag", 0o700)] {
        let permissions = fs::Permissions::from_mode(bits);
        fs::set_permissions(root.join(path), permissions).expect("is set");
    }
    warehouse.protect(&"bag".into()).await.expect("is protected");
    assert_eq!((mode(&root.join("bag/secret")), mode(&root.join("bag"))), (0o400, 0o500));
}

#[tokio::test]
async fn an_exported_tar_passes_coreutils_and_our_own_verification() {
    let (folder, _, warehouse) = local();
    let id = sealed(&warehouse).await.id;
    let mut bytes = Vec::new();
    let written = export_tar(&warehouse, &id, &mut bytes).await.expect("exports");
    assert_eq!(written, bytes.len() as u64);
    let mut again = Vec::new();
    export_tar(&warehouse, &id, &mut again).await.expect("exports");
    assert_eq!(sha256(&bytes), sha256(&again), "the same snapshot gives the same tar");

    let platform = folder.path().join("unpacked/landing/crisp");
    fs::create_dir_all(&platform).expect("is made");
    let tar = folder.path().join("crisp.tar");
    fs::write(&tar, &bytes).expect("is written");
    output(Command::new("tar").arg("xf").arg(&tar).arg("-C").arg(&platform));
    let bag = platform.join("crisp-0001");
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let mut check = Command::new("sha256sum");
        output(check.args(["--check", "--strict", manifest]).current_dir(&bag));
    }
    let sealed_at = fs::metadata(bag.join("bagit.txt")).expect("is there").modified();
    let seconds = sealed_at.expect("has a time").duration_since(std::time::UNIX_EPOCH);
    assert_eq!(seconds.expect("is after 1970").as_secs(), 1_700_000_000);

    fs::rename(&bag, platform.join("0001")).expect("is moved");
    let unpacked = format!("file://{}", folder.path().join("unpacked").display());
    let unpacked = Warehouse::open(&unpacked).expect("opens");
    let verdict = snapshot::verify(&unpacked, &id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());
    let whole = snapshot::verify(&warehouse, &id).await.expect("verifies");
    assert_eq!((verdict.files, verdict.bytes), (whole.files, whole.bytes));
}

#[tokio::test]
async fn exported_lines_hold_every_record_as_it_was_received() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let bodies: [&[u8]; 5] = [
        br#"{"b":1e3,"a":"\u00e9\ud800\u0000","a":-0.0}"#,
        b"{\r\n \"text\": \"two\\nlines\"\n}",
        b"{\"text\": \"a raw\nbreak\"}",
        b"{\"text\": ",
        b"{\"text\": \"\xff\"}",
    ];
    let id = seal_records(&warehouse, &bodies).await;
    let mut bytes = Vec::new();
    assert_eq!(export_jsonl(&warehouse, &id, None, &mut bytes).await.expect("exports"), 5);
    let text = String::from_utf8(bytes.clone()).expect("is text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    let hash = sha256(bodies[0]);
    let first = format!(
        "{{\"snapshot\":\"crisp/0001\",\"stream\":\"things\",\"key\":\"0\",\"parent_key\":null,\
         \"fetched_at\":\"2023-11-14T22:13:20.500000+00:00\",\"exchange_id\":1,\
         \"sha256\":\"{hash}\",\"raw\":{{\"b\":1e3,\"a\":\"\\u00e9\\ud800\\u0000\",\"a\":-0.0}}}}"
    );
    assert_eq!(lines[0], first);
    assert!(lines[1].ends_with(r#""raw":{   "text": "two\nlines" }}"#), "{}", lines[1]);
    for (line, base64) in
        [(2, "eyJ0ZXh0IjogImEgcmF3CmJyZWFrIn0="), (3, "eyJ0ZXh0Ijog"), (4, "eyJ0ZXh0IjogIv8ifQ==")]
    {
        let value: Value = serde_json::from_str(lines[line]).expect("is JSON");
        assert_eq!(value["raw_base64"], json!(base64));
        assert_eq!(value.get("raw"), None);
        assert_eq!(value["sha256"], json!(sha256(bodies[line])));
    }
    let mut some = Vec::new();
    export_jsonl(&warehouse, &id, Some("things"), &mut some).await.expect("exports");
    assert_eq!(some, bytes);
    let fault = export_jsonl(&warehouse, &id, Some("thing"), &mut some).await.expect_err("no such");
    assert_eq!(fault.advice(), "its streams are things");
}

#[tokio::test]
async fn a_full_disk_is_named() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let warehouse = Warehouse::open("memory://").expect("opens");
    let id = sealed(&warehouse).await.id;
    let tar = export_tar(&warehouse, &id, Full).await.expect_err("is full");
    let lines = export_jsonl(&warehouse, &id, None, Full).await.expect_err("is full");
    for fault in [tar, lines] {
        assert_eq!(fault.to_string(), "the export could not be written");
    }
}

#[tokio::test]
async fn duckdb_and_pyarrow_read_a_snapshot_in_place() {
    let (_folder, root, warehouse) = local();
    let texts: Vec<String> = (0..300)
        .map(|number| format!(r#"{{"number": {number},"text":"it's \"{number}\"\u00e9"}}"#))
        .collect();
    let bodies: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    let id = seal_records(&warehouse, &bodies).await;
    warehouse.protect(&layout::snapshot(&id)).await.expect("is protected");
    let folder = root.join(layout::snapshot(&id).as_ref());
    let mut script = python("read_in_place.py");
    let seen = output(script.arg(&folder).args(["things", "$.text"]));
    let seen: Value = serde_json::from_slice(&seen).expect("is JSON");
    assert_eq!(seen["count"], json!(300));
    let texts: Vec<String> = (0..300).map(|number| format!("it's \"{number}\"é")).collect();
    assert_eq!(seen["extracted"], json!(texts));
    let joined: Vec<(String, &str, u16)> =
        (0..300).map(|number| (number.to_string(), "https://api.example/things", 200)).collect();
    assert_eq!(seen["joined"], json!(joined));
    for (column, kind) in
        [("raw", "string"), ("fetched_at", "timestamp[us, tz=UTC]"), ("offset", "int64")]
    {
        assert_eq!(seen["schema"][column], json!(kind), "{column}");
    }
}
