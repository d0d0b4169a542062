//! How fast message records are landed on one thread, with all that custody asks for, and how small.
//!
//! Replies of 40 invented messages each go through the journal into a sealed snapshot in a scratch
//! folder; making them up is not counted. The same records are then written as gzip'd JSON lines
//! and, where the Python of `make venv` is there, by pyarrow. Run with
//! `cargo bench -p deskferry-landing`; a number after `--` stands for the million.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use bytes::Bytes;
use deskferry_landing::bag::{Closing, seal};
use deskferry_landing::exchange::{Exchange, RecordSpan};
use deskferry_landing::journal::{Journal, Start};
use deskferry_landing::{Warehouse, snapshot};
use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::{Clock, Instant};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Messages in a reply of Crisp.
const PAGE: usize = 40;
/// Messages of a conversation.
const CONVERSATION: usize = 12;
const WORDS: &str = "the order was not delivered yesterday could you please check where my parcel \
    is now thank you for your quick answer we have sent a replacement it should arrive on tuesday \
    refund invoice number size colour blue returned warehouse tracking link address changed wrong \
    still waiting hello regards team support payment card declined coupon works again never mind";

struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::from_millis(1_700_000_000_000)
    }
}

/// Makes up replies, the same for the same number of records.
struct Replies {
    dice: StdRng,
    words: Vec<&'static str>,
    session: String,
    number: usize,
    count: usize,
}

impl Replies {
    fn new(count: usize) -> Self {
        let words = WORDS.split_whitespace().collect();
        let dice = StdRng::seed_from_u64(7);
        Self { dice, words, session: String::new(), number: 0, count }
    }

    fn uuid(&mut self) -> String {
        let text = format!("{:032x}", self.dice.random::<u128>());
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }

    fn text(&mut self) -> String {
        let length = self.dice.random_range(8..36);
        let words: Vec<&str> =
            (0..length).map(|_| self.words[self.dice.random_range(0..self.words.len())]).collect();
        words.join(" ")
    }

    /// One message, spelled as Crisp spells it, and its key.
    fn message(&mut self) -> (String, String) {
        if self.number.is_multiple_of(CONVERSATION) {
            self.session = format!("session_{}", self.uuid());
        }
        self.number += 1;
        let moment = 1_700_000_000_000 + self.number as u64 * 977;
        let key = format!("{moment}{:02}", self.dice.random_range(0..100));
        let (content, session) = (self.text(), self.session.clone());
        let (from, user) = if self.dice.random_range(0..2) == 0 {
            (
                "user",
                format!(r#"{{"user_id":"{session}","nickname":"visitor{}"}}"#, self.number / 12),
            )
        } else {
            let agent = self.dice.random_range(0..40);
            let avatar = format!("https://storage.example.invalid/avatars/agent-{agent}.png");
            let user = format!(
                r#"{{"type":"website","user_id":"00000000-0000-4000-8000-0000000000{agent:02}","nickname":"Agent {agent}","avatar":"{avatar}"}}"#
            );
            ("operator", user)
        };
        let raw = format!(
            r#"{{"session_id":"{session}","website_id":"7f3c1b52-90c4-4c58-8a52-0d7be0cf3f11","type":"text","from":"{from}","origin":"chat","content":"{content}","preview":[],"mentions":[],"read":"chat","delivered":"chat","stamped":true,"edited":false,"translated":false,"automated":false,"fingerprint":{key},"timestamp":{moment},"user":{user}}}"#
        );
        (key, raw)
    }
}

impl Iterator for Replies {
    type Item = (Exchange, Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        if self.number >= self.count {
            return None;
        }
        let request_key = format!("messages|{}", self.number);
        let mut body = String::from(r#"{"error":false,"reason":"listed","data":["#);
        let mut records = Vec::with_capacity(PAGE);
        for place in 0..PAGE.min(self.count - self.number) {
            if place > 0 {
                body.push(',');
            }
            let (key, raw) = self.message();
            let start = body.len();
            body.push_str(&raw);
            records.push(RecordSpan {
                stream: "messages".into(),
                key,
                parent_key: Some(self.session.clone()),
                start,
                end: body.len(),
                change: None,
            });
        }
        body.push_str("]}");
        let exchange = Exchange {
            id: 0,
            stream: "messages".into(),
            url: format!("https://api.example.invalid/v1/website/w/conversation/{request_key}"),
            request_key,
            method: "GET".into(),
            status: 200,
            headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
            started_at: Still.now(),
            ended_at: Still.now(),
            attempt: 1,
            is_answer: true,
            records,
            download: None,
        };
        Some((exchange, Bytes::from(body)))
    }
}

struct Landed {
    raw_bytes: u64,
    noting: Duration,
    sealing: Duration,
    /// Time of the one thread that encodes, as the system counts it.
    thread: Duration,
    stored_bytes: u64,
    peak_mib: u64,
}

async fn land(folder: &Path, count: usize) -> Landed {
    let warehouse = Warehouse::open(&format!("file://{}", folder.display())).expect("opens");
    let start = Start {
        format: snapshot::FORMAT,
        account: "bench".into(),
        question_sha256: "q".into(),
        started_at: Still.now(),
    };
    let mut journal =
        Journal::open(&warehouse, "crisp", start, Arc::new(Still), 1_000).await.expect("opens");
    let (mut raw_bytes, mut noting, mut thread) = (0, Duration::ZERO, Duration::ZERO);
    for (exchange, body) in Replies::new(count) {
        raw_bytes +=
            exchange.records.iter().map(|span| (span.end - span.start) as u64).sum::<u64>();
        let (begun, busy) = (Stopwatch::now(), thread_time());
        journal.note(exchange, body).await.expect("is noted");
        noting += begun.elapsed();
        thread += thread_time() - busy;
    }
    let (begun, busy) = (Stopwatch::now(), thread_time());
    let facts = seal(&mut journal, Closing::default(), Still.now()).await.expect("is sealed");
    let sealing = begun.elapsed();
    thread += thread_time() - busy;
    assert_eq!(facts.streams["messages"].records, count as u64);
    let bag = folder.join("landing/crisp/0001");
    let stored_bytes = bytes_below(&bag);
    Landed { raw_bytes, noting, sealing, thread, stored_bytes, peak_mib: peak_mib() }
}

/// How long this thread has had a processor.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The most memory that this process has held.
fn peak_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) / 1024
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = folder.read_dir().expect("is a folder").map(|entry| entry.expect("is listed"));
    let size = |path: &Path| {
        if path.is_dir() { bytes_below(path) } else { path.metadata().expect("is there").len() }
    };
    entries.map(|entry| size(&entry.path())).sum()
}

fn rate(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

fn print_landed(count: usize, landed: &Landed) {
    let raw = landed.raw_bytes;
    println!(
        "landed {count} records of {} bytes: {:.0} MB/s ({:.0} MB/s of its thread's time)",
        raw / count as u64,
        rate(raw, landed.noting + landed.sealing),
        rate(raw, landed.thread),
    );
    println!(
        "    journal {:.0} MB/s, sealing {:.0} MB/s, ratio {:.2} with all that custody adds, peak \
         memory {} MiB",
        rate(raw, landed.noting),
        rate(raw, landed.sealing),
        raw as f64 / landed.stored_bytes as f64,
        landed.peak_mib,
    );
}

/// The same records as gzip'd JSON lines, which nothing proves anything about.
fn gzip(count: usize) {
    let mut encoder = GzEncoder::new(Counted(0), Compression::new(6));
    let (mut raw_bytes, mut time) = (0, Duration::ZERO);
    for (exchange, body) in Replies::new(count) {
        let begun = Stopwatch::now();
        for span in &exchange.records {
            encoder.write_all(&body[span.start..span.end]).expect("is written");
            encoder.write_all(b"\n").expect("is written");
            raw_bytes += (span.end - span.start) as u64;
        }
        time += begun.elapsed();
    }
    let written = encoder.finish().expect("is written").0;
    let ratio = raw_bytes as f64 / written as f64;
    println!("gzip -6 of JSON lines: {:.0} MB/s, ratio {ratio:.2}", rate(raw_bytes, time));
}

struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes the landed table again, in memory and on one thread.
const PYARROW: &str = r#"
import sys, time
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.compute as pc
pa.set_cpu_count(1); pa.set_io_thread_count(1)
table = pq.read_table(sys.argv[1])
raw = pc.sum(pc.binary_length(table["raw"])).as_py()
texts = ["raw", "key", "sha256"]
names = [name for name in table.column_names if name not in texts]
sink = pa.BufferOutputStream()
begun = time.perf_counter()
pq.write_table(table, sink, compression="zstd", compression_level=3, use_dictionary=names, row_group_size=100_000)
seconds = time.perf_counter() - begun
size = sink.getvalue().size
print(f"pyarrow {pa.__version__}, the finished table alone: {raw / 1e6 / seconds:.0f} MB/s, ratio {raw / size:.2f}")
"#;

fn pyarrow(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lies in the repository");
    let python = root.join("target/venv/bin/python");
    if !python.exists() {
        println!("pyarrow was left out: run `make venv` first");
        return;
    }
    let part = folder.join("landing/crisp/0001/data/messages/part-00000.parquet");
    let status = Command::new(python).args(["-c", PYARROW]).arg(part).status();
    assert!(status.expect("python runs").success());
}

fn main() {
    let asked = std::env::args().find_map(|text| text.parse().ok());
    let count: usize = asked.unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("starts");
    for part in [count / 10, count] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let landed = runtime.block_on(land(folder.path(), part));
        print_landed(part, &landed);
        if part == count {
            gzip(count);
            pyarrow(folder.path());
        }
    }
}
