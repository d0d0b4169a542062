//! The same life of a snapshot on a real S3 server, which runs on this machine for each test.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, RecordBatch};
use deskferry_landing::exchange::sha256;
use deskferry_landing::journal::Journal;
use deskferry_landing::{Warehouse, snapshot, table};
use futures::StreamExt;
use futures::future::join_all;
use kernel::Instant;
use kernel::fault::Kind;
use object_store::path::Path;
use serde::Deserialize;

use super::{local, output, python};
use crate::{clock, open, page, sealed, start};

/// An S3 server that ends with this value, or with this process.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut script = python("s3_server.py");
        script.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = script.spawn().expect("it starts");
        let mut lines = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let address = lines.next().expect("says where it is").expect("is text");
        Self { process, address }
    }

    fn open(&self, url: &str) -> Warehouse {
        let settings = [
            ("AWS_ENDPOINT", self.address.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Warehouse::open_with(url, settings).expect("opens")
    }

    /// Every version below a prefix; those that the server lets go of are gone afterwards.
    fn versions(&self, bucket: &str, prefix: &str) -> Vec<Version> {
        let mut script = python("s3_versions.py");
        let found = output(script.args([&self.address, bucket, prefix]));
        serde_json::from_slice(&found).expect("is JSON")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Debug, Deserialize)]
struct Version {
    key: String,
    mode: Option<String>,
    until: Option<String>,
    is_deleted: bool,
}

/// Bytes that do not compress, so that a table of them takes several parts of an upload.
fn noise(rows: u64) -> RecordBatch {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()
    };
    let texts = (0..rows).map(|_| (0..128).flat_map(|_| next()).collect::<Vec<u8>>());
    let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(texts));
    RecordBatch::try_from_iter([("noise", column)]).expect("one column")
}

/// Writes more than two parts of an upload and reads them again.
async fn check_large_table(warehouse: &Warehouse, path: &Path) {
    let batch = noise(25_000);
    let batches = futures::stream::iter([Ok(batch.clone())]);
    let written = table::write(warehouse, path, batch.schema(), batches).await.expect("writes");
    assert!(written.bytes > 24 << 20, "{} bytes", written.bytes);
    let stored = warehouse.get(path).await.expect("reads").expect("is there");
    assert_eq!(sha256(&stored), written.sha256);
    let back = table::read(warehouse, path).await.expect("opens");
    let back: Vec<RecordBatch> = back.map(|batch| batch.expect("reads")).collect().await;
    let back = arrow::compute::concat_batches(&batch.schema(), &back).expect("is one table");
    assert!(back == batch, "the rows are others");
}

#[tokio::test]
async fn a_snapshot_lives_on_s3_as_it_does_on_disk() {
    let server = Server::start();
    let warehouse = server.open("s3://plain/some/prefix");
    warehouse.probe().await.expect("S3 refuses the second creator");
    let facts = sealed(&warehouse).await;
    assert_eq!((facts.id.number, facts.streams["things"].records), (1, 100));
    let verdict = snapshot::verify(&warehouse, &facts.id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());

    let mut journal = open(&warehouse).await;
    assert_eq!(journal.id().number, 2);
    let (exchange, body) = page(1);
    journal.note(exchange, body.clone()).await.expect("is noted");
    let second = Journal::open(&warehouse, "crisp", start(), clock(), 1_000).await;
    assert_eq!(second.err().expect("is refused").kind(), Kind::Refused);
    journal.close().await.expect("is closed");
    let mut journal = open(&warehouse).await;
    let (_, found) = journal.answer("things|1").await.expect("asks").expect("was answered");
    assert_eq!(found, body);

    check_large_table(&warehouse, &Path::from("landing/large.parquet")).await;
    assert_eq!(snapshot::list(&warehouse).await.expect("lists"), [facts.id]);
    let below = server.versions("plain", "some/prefix/landing/crisp/0001/");
    assert!(below.len() > 6, "{below:?}");
    assert!(below.iter().all(|version| version.mode.is_none() && version.is_deleted));
    assert!(server.versions("plain", "_probe").is_empty(), "the probe is gone");
}

#[tokio::test]
async fn of_many_creators_of_one_object_exactly_one_wins() {
    let server = Server::start();
    let warehouse = server.open("s3://plain");
    for key in 0..100 {
        let path = Path::from(format!("race/{key}"));
        let creators = (0..8).map(|creator| warehouse.put_if_absent(&path, creator.to_string()));
        let created = join_all(creators).await;
        let winners: Vec<usize> = (0..8)
            .filter(|creator| *created[*creator].as_ref().expect("the store answers"))
            .collect();
        assert_eq!(winners.len(), 1, "of {path}");
        let kept = warehouse.get(&path).await.expect("reads").expect("is there");
        assert_eq!(kept, winners[0].to_string());
    }
}

#[tokio::test]
async fn what_is_sealed_with_a_lock_cannot_be_removed() {
    let server = Server::start();
    let until = Instant::parse("2040-01-31T12:00:00Z").expect("is a moment");
    let open = server.open("s3://locked/some/prefix");
    let warehouse = open.lock_until(until, clock().now()).await.expect("the bucket can lock");
    assert_eq!(server.versions("locked", "").len(), 0, "to ask leaves nothing behind");
    let id = sealed(&warehouse).await.id;
    check_large_table(&warehouse, &Path::from("landing/large.parquet")).await;
    warehouse.put(&Path::from("staged/x"), "x").await.expect("is written");

    let versions = server.versions("locked", "");
    let (sealed, rest): (Vec<_>, Vec<_>) =
        versions.iter().partition(|version| version.key.starts_with("some/prefix/landing/"));
    let keys: BTreeSet<&str> = sealed.iter().map(|version| version.key.as_str()).collect();
    for name in ["large.parquet", "crisp/0001/tagmanifest-sha256.txt"] {
        assert!(keys.contains(format!("some/prefix/landing/{name}").as_str()), "{keys:?}");
    }
    assert!(keys.iter().any(|key| key.contains("/data/files/")), "{keys:?}");
    for version in sealed {
        assert_eq!(version.mode.as_deref(), Some("COMPLIANCE"), "{version:?}");
        assert_eq!(version.until.as_deref(), Some("2040-01-31T12:00:00Z"), "{version:?}");
        assert!(!version.is_deleted, "{version:?}");
    }
    assert!(rest.iter().any(|version| version.key.contains("/extracting/")), "{rest:?}");
    for version in rest {
        assert_eq!(version.mode, None, "{version:?}");
        assert!(version.is_deleted, "{version:?}");
    }
    let verdict = snapshot::verify(&open, &id).await.expect("verifies");
    assert_eq!(verdict.findings, Vec::<String>::new());
}

#[tokio::test]
async fn a_store_that_cannot_lock_says_so_before_anything_is_written() {
    let server = Server::start();
    let (_folder, root, disk) = local();
    let until = Instant::parse("2040-01-31T12:00:00Z").expect("is a moment");
    let (plain, none) = (server.open("s3://plain/x"), server.open("s3://none/x"));
    let locked = server.open("s3://locked/x");
    let now = clock().now();
    for (warehouse, until, says) in [
        (&plain, until, "bucket plain has no Object Lock"),
        (&none, until, "there is no bucket none"),
        (&disk, until, "cannot lock anything until a date"),
        (&locked, now, "2023-11-14T22:13:20Z is not in the future"),
    ] {
        let fault = warehouse.lock_until(until, now).await.expect_err(says);
        assert_eq!(fault.kind(), Kind::FixConfig, "{says}");
        assert!(fault.to_string().contains(says), "{fault}");
    }
    assert_eq!(server.versions("plain", "").len() + server.versions("locked", "").len(), 0);
    assert_eq!(std::fs::read_dir(root).expect("is there").count(), 0);
}

#[tokio::test]
async fn keys_of_a_bucket_are_not_shown() {
    let settings = [("AWS_SECRET_ACCESS_KEY", "very secret"), ("AWS_ACCESS_KEY_ID", "key")];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let warehouse = Warehouse::open_with("s3://plain", settings).expect("opens");
    assert_eq!(format!("{warehouse:?}"), "Warehouse(\"s3://plain\")");
}
