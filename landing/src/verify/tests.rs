//! Whatever is done to a bag is found, and named as closely as its lists allow.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use bytes::Bytes;
use futures::TryStreamExt;
use kernel::{Clock, Instant, SnapshotId};
use object_store::path::Path;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::files::at;
use super::{Verdict, verify, verify_bag};
use crate::bag::{Closing, Cut, seal_cut};
use crate::exchange::{Deletion, Download, Exchange, RecordSpan, sha256};
use crate::journal::{Journal, Start};
use crate::{Warehouse, layout, table};

/// Every sixteenth row begins a row group, so that a small bag has many.
const CUT: Cut = Cut { group_rows: 16, part_rows: 64, gathered_bytes: 500 };
/// Ways of damaging a bag that are tried by each test; about fifty take a second.
const SEEDS: u64 = 200;

struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::from_millis(1_700_000_000_000)
    }
}

fn exchange(number: usize, records: Vec<RecordSpan>) -> Exchange {
    Exchange {
        id: 0,
        stream: "things".into(),
        request_key: format!("things|{number}"),
        method: "GET".into(),
        url: format!("https://api.example/things/{number}"),
        status: 200,
        headers: BTreeMap::new(),
        started_at: Still.now(),
        ended_at: Still.now(),
        attempt: 1,
        is_answer: true,
        records,
        download: None,
    }
}

/// A reply with records of two streams; every third one also has bytes that are no text.
fn page(number: usize) -> (Exchange, Bytes) {
    let mut body = b"{\"data\":[".to_vec();
    let mut records = Vec::new();
    for place in 0..5 {
        let start = body.len();
        body.extend(format!("{{\"id\":{number}.{place}00,\"of\":{}}}", number * place).bytes());
        if number.is_multiple_of(3) && place == 1 {
            body.extend([b'"', 0xff, 0xc3, 0, b'"']);
        }
        let stream = if place < 4 { "things" } else { "others" }.to_owned();
        let (key, end) = (format!("{number}/{place}"), body.len());
        records.push(RecordSpan { stream, key, parent_key: None, start, end, change: None });
        body.push(b',');
    }
    body.extend(b"]}\r\n");
    (exchange(number, records), Bytes::from(body))
}

async fn sealed(warehouse: &Warehouse, parent: Option<SnapshotId>) -> SnapshotId {
    let start = Start {
        format: 1,
        account: "shop".into(),
        question_sha256: "q".into(),
        started_at: Still.now(),
    };
    let mut journal =
        Journal::open(warehouse, "crisp", start, Arc::new(Still), 1_000).await.expect("opens");
    for number in 0..40 {
        let (exchange, body) = page(number);
        journal.note(exchange, body).await.expect("is noted");
    }
    for (number, content) in [b"first file".as_slice(), b"second"].into_iter().enumerate() {
        let (sha256, sniffed_type) =
            journal.store_file(Bytes::from_static(content)).await.expect("is stored");
        let mut file = exchange(100 + number, Vec::new());
        file.download = Some(Download {
            sha256: Some(sha256),
            bytes: Some(content.len() as u64),
            sniffed_type,
            ..Download::missing(&format!("https://files.example/{number}"), Some(200), "")
        });
        journal.note(file, Bytes::new()).await.expect("is noted");
    }
    let deletion = Deletion {
        stream: "things".into(),
        key: "gone".into(),
        parent_key: None,
        reason: "404".into(),
        noticed_at: Still.now(),
    };
    let deletions = if parent.is_some() { vec![deletion] } else { Vec::new() };
    let closing = Closing { streams: vec!["none".into()], parent, deletions, ..Closing::default() };
    seal_cut(&mut journal, closing, Still.now(), CUT).await.expect("is sealed").id
}

/// A copy of a bag in memory, to be damaged and looked at.
struct Copy {
    warehouse: Warehouse,
    root: Path,
    files: BTreeMap<String, Bytes>,
}

impl Copy {
    async fn new() -> Self {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let id = sealed(&warehouse, None).await;
        let root = layout::snapshot(&id);
        let mut files = BTreeMap::new();
        for path in warehouse.list(&root).await.expect("lists") {
            let name = path.as_ref()[root.as_ref().len() + 1..].to_owned();
            let body = warehouse.get(&path).await.expect("reads").expect("is there");
            files.insert(name, body);
        }
        Self { warehouse, root, files }
    }

    async fn put(&self, name: &str, body: impl Into<Bytes>) {
        self.warehouse.put(&at(&self.root, name), body).await.expect("is written");
    }

    async fn remove(&self, name: &str) {
        self.warehouse.remove(&at(&self.root, name)).await.expect("is removed");
    }

    async fn verdict(&self) -> Verdict {
        verify_bag(&self.warehouse, &self.root).await.expect("verifies")
    }

    async fn restore(&self, names: &[&str]) {
        for name in names {
            self.put(name, self.files[*name].clone()).await;
        }
    }
}

/// The row group of a part that a byte lies in, as the bag's list says; `its head` before all.
fn piece(copy: &Copy, name: &str, byte: u64) -> String {
    let list = String::from_utf8_lossy(&copy.files["row-groups-sha256.txt"]).into_owned();
    for line in list.lines().filter(|line| line.contains(&format!("  {name}  "))) {
        let fields: Vec<&str> = line.split("  ").collect();
        let (start, bytes): (u64, u64) =
            (fields[3].parse().expect("a number"), fields[4].parse().expect("a number"));
        if (start..start + bytes).contains(&byte) {
            let group = fields[2];
            return if group == "footer" {
                "its footer".into()
            } else {
                format!("row group {group}")
            };
        }
    }
    "its head".to_owned()
}

#[tokio::test]
async fn a_bag_that_nobody_touched_is_whole() {
    let copy = Copy::new().await;
    let verdict = copy.verdict().await;
    assert_eq!(verdict.findings, Vec::<String>::new());
    assert_eq!((verdict.bodies, verdict.records, verdict.snapshots), (42, 200, 1));
    assert_eq!(verdict.files as usize, copy.files.len());
    let parts = copy.files.keys().filter(|name| name.starts_with("data/things/")).count();
    assert!(parts > 1, "{:?}", copy.files.keys());
}

#[tokio::test]
async fn the_list_of_row_groups_covers_every_byte_of_every_table() {
    let copy = Copy::new().await;
    for (name, body) in copy.files.iter().filter(|(name, _)| name.ends_with(".parquet")) {
        let heads = (0..body.len() as u64).filter(|byte| piece(&copy, name, *byte) == "its head");
        assert_eq!(heads.collect::<Vec<_>>(), [0, 1, 2, 3], "{name}");
    }
}

#[tokio::test]
async fn a_flipped_bit_is_found_and_its_file_and_row_group_named() {
    let copy = Copy::new().await;
    let names: Vec<&str> = copy.files.keys().map(String::as_str).collect();
    for seed in 0..SEEDS {
        let mut dice = StdRng::seed_from_u64(seed);
        let name = names[dice.random_range(0..names.len())];
        let mut body = copy.files[name].to_vec();
        let byte = dice.random_range(0..body.len());
        body[byte] ^= 1 << dice.random_range(0..8);
        copy.put(name, body).await;
        let verdict = copy.verdict().await;
        let what = format!("seed {seed}, byte {byte} of {name}: {:?}", verdict.findings);
        assert!(names_it(&verdict, name), "{what}");
        if name.ends_with(".parquet") {
            assert_eq!(verdict.findings.len(), 1, "{what}");
            let place = piece(&copy, name, byte as u64);
            let expected = format!("{name} was changed in {place}");
            assert!(verdict.findings[0].starts_with(&expected), "{what}");
        }
        copy.restore(&[name]).await;
    }
    assert_eq!(copy.verdict().await.findings, Vec::<String>::new());
}

/// A change of the tag manifest's hash of a file cannot be told from a change of that file; the
/// finding names both.
fn names_it(verdict: &Verdict, name: &str) -> bool {
    let is_about = |finding: &String| match name {
        "tagmanifest-sha256.txt" => {
            finding.starts_with(name) || finding.contains("its line in the tag manifest")
        }
        _ => finding.starts_with(name),
    };
    verdict.findings.iter().any(is_about)
}

#[tokio::test]
async fn a_cut_grown_or_reordered_file_is_found_and_named() {
    let copy = Copy::new().await;
    let names: Vec<&str> = copy.files.keys().map(String::as_str).collect();
    for seed in 0..SEEDS {
        let mut dice = StdRng::seed_from_u64(seed);
        let name = names[dice.random_range(0..names.len())];
        let original = &copy.files[name];
        let mut body = original.to_vec();
        let way = dice.random_range(0..4);
        let at = dice.random_range(0..body.len());
        match way {
            0 => body.truncate(at),
            1 => body.extend((0..=at).map(|_| dice.random::<u8>())),
            2 => {
                body.remove(at);
            }
            _ => {
                let other = dice.random_range(0..body.len());
                body.swap(at, other);
            }
        }
        if body == original.as_ref() {
            continue;
        }
        let count = body.len().abs_diff(original.len());
        copy.put(name, body.clone()).await;
        let verdict = copy.verdict().await;
        let what = format!("seed {seed}, way {way} at {at} of {name}: {:?}", verdict.findings);
        assert!(names_it(&verdict, name), "{what}");
        if name.ends_with(".parquet") && count > 0 {
            let how = if body.len() < original.len() { "shorter" } else { "longer" };
            let unit = if count == 1 { "byte" } else { "bytes" };
            let expected = format!("{name} was changed: it is {count} {unit} {how}");
            assert!(verdict.findings[0].starts_with(&expected), "{what}");
            let from = piece(&copy, name, at as u64);
            assert!(way == 1 || verdict.findings[0].contains(&from), "{from}: {what}");
        }
        copy.restore(&[name]).await;
    }
}

#[tokio::test]
async fn a_removed_added_moved_or_exchanged_file_is_found_and_named() {
    let copy = Copy::new().await;
    let names: Vec<&str> = copy.files.keys().map(String::as_str).collect();
    for name in &names {
        copy.remove(name).await;
        let verdict = copy.verdict().await;
        assert!(verdict.findings.contains(&format!("{name} is missing")), "{:?}", verdict.findings);
        copy.restore(&[name]).await;
        for added in [format!("{name}x"), format!("{name}.d/x"), format!("x/{name}")] {
            copy.put(&added, "x").await;
            let finding = format!("{added} was added after sealing");
            assert_eq!(copy.verdict().await.findings, [finding]);
            copy.remove(&added).await;
        }
    }
    for seed in 0..SEEDS / 4 {
        let mut dice = StdRng::seed_from_u64(seed);
        let one = names[dice.random_range(0..names.len())];
        let other = names[dice.random_range(0..names.len())];
        if one == other {
            continue;
        }
        copy.put(one, copy.files[other].clone()).await;
        copy.put(other, copy.files[one].clone()).await;
        let findings = copy.verdict().await.findings;
        for (name, bytes_of) in [(one, other), (other, one)] {
            let named = findings.iter().find(|finding| finding.starts_with(name));
            let named = named.unwrap_or_else(|| panic!("seed {seed}, {name}: {findings:?}"));
            let lists = ["tagmanifest-sha256.txt", "manifest-sha256.txt"];
            if !lists.contains(&one) && !lists.contains(&other) {
                let expected = format!("it holds the bytes of {bytes_of}");
                assert!(named.contains(&expected), "seed {seed}: {named}");
            }
        }
        copy.restore(&[one, other]).await;
    }
    assert_eq!(copy.verdict().await.findings, Vec::<String>::new());
}

/// Replaces a table by what `change` makes of its rows, and writes all lists anew: what somebody
/// would do who knows how a bag is made.
async fn forge(copy: &Copy, table: &str, change: impl Fn(RecordBatch) -> RecordBatch) {
    let name = format!("data/{table}/part-00000.parquet");
    let path = at(&copy.root, &name);
    let rows: Vec<RecordBatch> = table::read(&copy.warehouse, &path)
        .await
        .expect("opens")
        .try_collect()
        .await
        .expect("reads");
    let rows = concat_batches(&rows[0].schema(), &rows).expect("one schema");
    let changed = change(rows);
    let schema = changed.schema();
    let batches = futures::stream::iter([Ok(changed)]);
    table::write(&copy.warehouse, &path, schema, batches).await.expect("is written");
    relist(copy).await;
}

async fn relist(copy: &Copy) {
    let (mut payload, mut tags) = (String::new(), String::new());
    copy.warehouse.remove(&at(&copy.root, "row-groups-sha256.txt")).await.expect("is removed");
    for path in copy.warehouse.list(&copy.root).await.expect("lists") {
        let name = &path.as_ref()[copy.root.as_ref().len() + 1..];
        let body = copy.warehouse.get(&path).await.expect("reads").expect("is there");
        let line = format!("{}  {name}\n", sha256(&body));
        match name {
            "manifest-sha256.txt" | "tagmanifest-sha256.txt" => {}
            _ if name.starts_with("data/") => payload.push_str(&line),
            _ => tags.push_str(&line),
        }
    }
    tags.push_str(&format!("{}  manifest-sha256.txt\n", sha256(payload.as_bytes())));
    let mut tags: Vec<&str> = tags.split_inclusive('\n').collect();
    tags.sort_by_key(|line| &line[64..]);
    copy.put("manifest-sha256.txt", payload.clone()).await;
    copy.put("tagmanifest-sha256.txt", tags.concat()).await;
}

fn with_texts(rows: &RecordBatch, name: &str, place: usize, text: &str) -> RecordBatch {
    let column = rows.schema().index_of(name).expect("is a column");
    let old = rows.column(column).as_string::<i32>();
    let new: StringArray = (0..rows.num_rows())
        .map(|row| Some(if row == place { text } else { old.value(row) }))
        .collect();
    let mut columns = rows.columns().to_vec();
    columns[column] = Arc::new(new);
    RecordBatch::try_new(rows.schema(), columns).expect("fits")
}

fn without(rows: &RecordBatch, place: usize) -> RecordBatch {
    let rest = rows.slice(place + 1, rows.num_rows() - place - 1);
    concat_batches(&rows.schema(), &[rows.slice(0, place), rest]).expect("one schema")
}

#[tokio::test]
async fn a_forger_who_writes_all_lists_anew_is_found_by_the_bodies() {
    let untouched = |rows: RecordBatch| rows;
    let copy = Copy::new().await;
    forge(&copy, "things", untouched).await;
    assert_eq!(copy.verdict().await.findings, Vec::<String>::new(), "the forger knows the trade");

    let text = r#"{"id":0.000,"of":9}"#;
    let forged = |rows: RecordBatch| with_texts(&rows, "raw", 0, text);
    forge(&copy, "things", forged).await;
    let findings = copy.verdict().await.findings;
    assert_eq!(findings[0], "data/things row 0 does not have its sha256");
    assert!(findings[1].starts_with("exchange 1: its body comes back with"), "{findings:?}");
    let hash = sha256(text.as_bytes());
    forge(&copy, "things", |rows| with_texts(&rows, "sha256", 0, &hash)).await;
    let findings = copy.verdict().await.findings;
    assert!(findings[0].starts_with("exchange 1: its body comes back with"), "{findings:?}");
    assert_eq!(findings.len(), 1);

    let copy = Copy::new().await;
    forge(&copy, "things", |rows| without(&rows, 5)).await;
    let findings = copy.verdict().await.findings;
    assert!(findings[0].starts_with("exchange 2: its "), "{findings:?}");
    assert_eq!(findings[1], "snapshot.json counts 160 records of things, there are 159");

    let copy = Copy::new().await;
    forge(&copy, "exchanges", |rows| without(&rows, 1)).await;
    let findings = copy.verdict().await.findings;
    let orphan = "data/things has a record of exchange 2, which is not in data/exchanges";
    assert!(findings.iter().any(|finding| finding.starts_with(orphan)), "{findings:?}");
    let last = findings.last().expect("there are some");
    assert_eq!(last, "snapshot.json counts 42 exchanges, the table has 41");
}

#[tokio::test]
async fn a_file_that_is_not_what_was_received_is_found_although_the_lists_fit() {
    let copy = Copy::new().await;
    let name = format!("data/files/{}", sha256(b"second"));
    copy.put(&name, "changed").await;
    relist(&copy).await;
    let findings = copy.verdict().await.findings.join("\n");
    assert!(findings.contains(&format!("{name} is not named for its bytes' hash")), "{findings}");
    assert!(findings.contains(&format!("{name} has 7 bytes, 6 were received")), "{findings}");
    copy.remove(&name).await;
    copy.restore(&["row-groups-sha256.txt"]).await;
    relist(&copy).await;
    let findings = copy.verdict().await.findings.join("\n");
    assert!(findings.contains(&format!("{name}, which exchange 42 brought, is missing")));
}

#[tokio::test]
async fn a_chain_is_verified_to_its_first_snapshot() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let first = sealed(&warehouse, None).await;
    let second = sealed(&warehouse, Some(first.clone())).await;
    let third = sealed(&warehouse, Some(second.clone())).await;
    let verdict = verify(&warehouse, &third).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());
    assert_eq!((verdict.snapshots, verdict.bodies), (3, 126));

    let alone = verify_bag(&warehouse, &layout::snapshot(&third)).await.expect("verifies");
    assert_eq!((alone.snapshots, alone.findings.len()), (1, 0));
    assert_eq!(alone.notes, ["crisp/0003 is a delta to crisp/0002, which was not looked at"]);

    let tags = layout::in_snapshot(&first, "tagmanifest-sha256.txt");
    let body = warehouse.get(&tags).await.expect("reads").expect("is there");
    let mut swapped: Vec<&[u8]> = body.split_inclusive(|byte| *byte == b'\n').collect();
    swapped.swap(0, 1);
    warehouse.put(&tags, swapped.concat()).await.expect("is changed");
    let findings = verify(&warehouse, &third).await.expect("verifies").findings;
    let expected = "crisp/0001 is not the one that crisp/0002 was made against";
    assert!(findings.iter().any(|finding| finding.starts_with(expected)), "{findings:?}");
    let spelled = "crisp/0001: tagmanifest-sha256.txt was changed";
    assert!(findings.iter().any(|finding| finding.starts_with(spelled)), "{findings:?}");

    warehouse.remove_all(&layout::snapshot(&first)).await.expect("is removed");
    let findings = verify(&warehouse, &third).await.expect("verifies").findings;
    assert_eq!(findings, ["crisp/0001, the parent of crisp/0002, is missing"]);
    let fault = crate::chain::chain(&warehouse, &third).await.expect_err("cannot be read");
    assert_eq!(fault.to_string(), findings[0]);
}
