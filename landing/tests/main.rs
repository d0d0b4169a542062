//! A snapshot from its first exchange to its verification.

mod custody;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use deskferry_landing::bag::{Closing, seal};
use deskferry_landing::exchange::{Download, Exchange, RecordSpan, rebuild, sha256};
use deskferry_landing::journal::{Journal, Start};
use deskferry_landing::locate::{Wanted, locate, replies};
use deskferry_landing::{Warehouse, layout, snapshot, table};
use futures::StreamExt;
use kernel::{Clock, Instant};

/// A clock that moves on by a millisecond whenever it is asked.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        Instant::from_millis(1_700_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(Ticking(AtomicI64::new(0)))
}

fn start() -> Start {
    Start {
        format: 1,
        account: "shop".into(),
        question_sha256: "q".into(),
        started_at: Instant::from_millis(1_700_000_000_000),
    }
}

async fn open(warehouse: &Warehouse) -> Journal {
    Journal::open(warehouse, "crisp", start(), clock(), 1_000).await.expect("opens")
}

/// A page whose records are spelled in ways that a parser would not give back.
fn page(number: usize) -> (Exchange, Bytes) {
    let first = format!(r#"{{"id":{number}.0,"id":{number}, "text":"\u00e9\ud800\u0000"}}"#);
    let second = r#"{ "b" : [1e3 , -0.0],"a":"é"}"#;
    let body = format!("{{\"error\":false,\n \"data\" : [{first} ,{second}]}}\r\n");
    let span = |raw: &str, key: String| {
        let start = body.find(raw).expect("is in the body");
        let parent_key = Some("p".to_owned());
        let end = start + raw.len();
        RecordSpan { stream: "things".into(), key, parent_key, start, end, change: None }
    };
    let records = vec![span(&first, format!("{number}/a")), span(second, format!("{number}/b"))];
    (exchange(format!("things|{number}"), records), Bytes::from(body))
}

fn exchange(request_key: String, records: Vec<RecordSpan>) -> Exchange {
    Exchange {
        id: 0,
        stream: "things".into(),
        request_key,
        method: "GET".into(),
        url: "https://api.example/things".into(),
        status: 200,
        headers: BTreeMap::new(),
        started_at: Instant::from_millis(1_700_000_000_000),
        ended_at: Instant::from_millis(1_700_000_000_500),
        attempt: 1,
        is_answer: true,
        records,
        download: None,
    }
}

async fn sealed(warehouse: &Warehouse) -> snapshot::SnapshotFacts {
    let mut journal = open(warehouse).await;
    for number in 0..50 {
        let (exchange, body) = page(number);
        journal.note(exchange, body).await.expect("is noted");
    }
    let stored = journal.store_file(Bytes::from_static(b"\x89PNG\r\n\x1a\nrest")).await;
    let (hash, sniffed_type) = stored.expect("is stored");
    let mut file = exchange("files|u".into(), Vec::new());
    file.download = Some(Download {
        url: "https://files.example/u".into(),
        sha256: Some(hash),
        bytes: Some(12),
        content_type: None,
        sniffed_type,
        status: Some(200),
        reason: None,
    });
    journal.note(file, Bytes::new()).await.expect("is noted");
    let closing = Closing { streams: vec!["things".into(), "none".into()], ..Closing::default() };
    seal(&mut journal, closing, clock().now()).await.expect("is sealed")
}

async fn rows(warehouse: &Warehouse, id: &kernel::SnapshotId, table: &str) -> Vec<RecordBatch> {
    let path = layout::in_snapshot(id, &format!("data/{table}/part-00000.parquet"));
    let batches = table::read(warehouse, &path).await.expect("opens");
    batches.map(|batch| batch.expect("reads")).collect().await
}

#[tokio::test]
async fn every_body_comes_back_byte_for_byte() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let facts = sealed(&warehouse).await;
    assert_eq!(facts.streams["things"].records, 100);
    assert_eq!(facts.streams["none"].records, 0);
    let mut records: BTreeMap<i64, Vec<(usize, String)>> = BTreeMap::new();
    for batch in rows(&warehouse, &facts.id, "things").await {
        for row in 0..batch.num_rows() {
            let number = |name: &str| {
                let column = batch.column_by_name(name).expect("is there");
                column.as_primitive::<Int64Type>().value(row)
            };
            let raw = batch.column_by_name("raw").expect("is there").as_string::<i32>();
            let entry = (number("offset") as usize, raw.value(row).to_owned());
            records.entry(number("exchange_id")).or_default().push(entry);
        }
    }
    let mut rebuilt = 0;
    for batch in rows(&warehouse, &facts.id, "exchanges").await {
        for row in 0..batch.num_rows() {
            let id = batch.column_by_name("exchange_id").expect("is there");
            let id = id.as_primitive::<Int64Type>().value(row);
            let Some(mine) = records.get(&id) else { continue };
            let frame = batch.column_by_name("frame").expect("is there").as_binary::<i32>();
            let mut mine: Vec<(usize, &[u8])> =
                mine.iter().map(|(offset, raw)| (*offset, raw.as_bytes())).collect();
            let body = rebuild(frame.value(row), &mut mine).expect("fits together");
            assert_eq!(body, page(id as usize - 1).1);
            let noted = batch.column_by_name("body_sha256").expect("is there");
            assert_eq!(noted.as_string::<i32>().value(row), sha256(&body));
            rebuilt += 1;
        }
    }
    assert_eq!(rebuilt, 50);
}

#[tokio::test]
async fn what_was_flushed_answers_after_a_restart() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let mut journal = open(&warehouse).await;
    let (exchange, body) = page(1);
    journal.note(exchange, body.clone()).await.expect("is noted");
    assert!(journal.answer("things|1").await.expect("asks").is_some(), "also before the flush");
    journal.flush().await.expect("is flushed");
    drop(journal);
    let mut journal = open(&warehouse).await;
    assert_eq!(journal.resumed(), 1);
    let (_, found) = journal.answer("things|1").await.expect("asks").expect("was answered");
    assert_eq!(found, body);
    assert!(journal.answer("things|2").await.expect("asks").is_none());
}

#[tokio::test]
async fn an_extraction_is_not_resumed_with_other_settings() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    drop(open(&warehouse).await);
    let other = Start { question_sha256: "other".into(), ..start() };
    let opened = Journal::open(&warehouse, "crisp", other, clock(), 1_000).await;
    assert!(opened.err().expect("is refused").to_string().contains("other settings"));
}

#[tokio::test]
async fn whatever_is_done_to_a_sealed_snapshot_is_found_and_named() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let id = sealed(&warehouse).await.id;
    let verdict = snapshot::verify(&warehouse, &id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());
    let part = layout::in_snapshot(&id, "data/things/part-00000.parquet");
    let original = warehouse.get(&part).await.expect("reads").expect("is there");
    let flipped = |at: usize| {
        let mut bytes = original.to_vec();
        bytes[at] ^= 1;
        bytes
    };
    for (changed, what) in [
        (flipped(0), "was changed"),
        (flipped(original.len() / 2), "was changed"),
        (original[..original.len() - 1].to_vec(), "was changed"),
    ] {
        warehouse.put(&part, changed).await.expect("is changed");
        let verdict = snapshot::verify(&warehouse, &id).await.expect("verifies");
        let expected = format!("data/things/part-00000.parquet {what}");
        assert!(verdict.findings[0].starts_with(&expected), "{:?}", verdict.findings);
    }
    warehouse.remove_all(&layout::records(&id, "things")).await.expect("is removed");
    warehouse.put(&layout::in_snapshot(&id, "data/more"), "x").await.expect("is added");
    warehouse.put(&layout::in_snapshot(&id, "snapshot.json"), "{}").await.expect("is changed");
    let verdict = snapshot::verify(&warehouse, &id).await.expect("verifies");
    let all = verdict.findings.join("\n");
    assert!(all.contains("data/things/part-00000.parquet is missing"), "{all}");
    assert!(all.contains("data/more was added"), "{all}");
    assert!(all.contains("snapshot.json was changed"), "{all}");
}

#[tokio::test]
async fn snapshots_are_numbered_in_the_order_of_landing_and_stay_as_they_are() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let local = format!("file://{}", folder.path().display());
    for url in ["memory://", local.as_str()] {
        let warehouse = Warehouse::open(url).expect("opens");
        let first = sealed(&warehouse).await.id;
        let fingerprint = snapshot::fingerprint(&warehouse, &first).await.expect("reads");
        let second = sealed(&warehouse).await.id;
        assert_eq!((first.number, second.number), (1, 2), "{url}");
        assert_eq!(snapshot::fingerprint(&warehouse, &first).await.expect("reads"), fingerprint);
        assert_eq!(snapshot::list(&warehouse).await.expect("lists"), [first, second]);
    }
}

#[tokio::test]
async fn what_is_left_of_an_extraction_after_its_seal_is_cleared_away() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let id = sealed(&warehouse).await.id;
    let start = layout::extracting_start(&id);
    warehouse.put_json(&start, &self::start()).await.expect("is left behind");
    assert_eq!(open(&warehouse).await.id().number, 2);
    assert!(!warehouse.exists(&start).await.expect("is asked"));
}

#[tokio::test]
async fn a_record_is_found_down_to_its_row_and_its_reply_comes_back() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let facts = sealed(&warehouse).await;
    let wanted = Wanted { keys: ["7/b".to_owned(), "no".to_owned()].into(), ..Wanted::default() };
    let found = locate(&warehouse, &facts.id, "things", &wanted).await.expect("reads");
    let [record] = &found[..] else { panic!("found {found:?}") };
    assert_eq!((record.row, record.row_group, record.row_in_group), (15, 0, 15));
    assert_eq!((record.ordinal, record.key.as_str()), (1, "7/b"));
    assert_eq!(record.bytes, r#"{ "b" : [1e3 , -0.0],"a":"é"}"#.as_bytes());
    assert_eq!(record.sha256(), record.noted_sha256);
    let path = layout::in_snapshot(&facts.id, "data/things/part-00000.parquet");
    assert_eq!(record.file, path.to_string());
    let file = warehouse.get(&path).await.expect("reads").expect("is there");
    assert_eq!(record.file_sha256, Some(sha256(&file)), "as the manifest says");

    let brought = replies(&warehouse, &facts.id, &[record.exchange_id].into()).await;
    let brought = brought.expect("reads");
    let [reply] = &brought[..] else { panic!("found {brought:?}") };
    let body = page(7).1;
    assert_eq!(reply.request_key, "things|7");
    assert_eq!(reply.rebuilt_sha256, Some(sha256(&body)));
    assert_eq!((reply.body_sha256.clone(), reply.body_bytes), (sha256(&body), body.len() as i64));

    let children = Wanted { parent_keys: ["p".to_owned()].into(), ..Wanted::default() };
    let children = locate(&warehouse, &facts.id, "things", &children).await.expect("reads");
    assert_eq!(children.len(), 100, "every record was asked for one parent");
    assert!(children.windows(2).all(|pair| pair[0].row + 1 == pair[1].row));
}
