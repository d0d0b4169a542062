//! How fast message records are landed on one thread, with all that custody asks for, and how small.
//!
//! Replies of 40 invented messages each are landed from memory into a sealed snapshot in a scratch
//! folder; then they go through the journal first, which makes them durable as they come. Making
//! them up is not counted. The same records are then written as gzip'd JSON lines and, where the
//! Python of `make venv` is there, by pyarrow. Run with `make bench-landing`; a number
//! after `--` stands for the million.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::{Add, Sub};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant as Stopwatch};

use bytes::Bytes;
use deskferry_landing::bag::{Closing, seal, seal_arrived};
use deskferry_landing::exchange::{Arrived, Exchange, RecordSpan};
use deskferry_landing::journal::{Journal, Start};
use deskferry_landing::{Warehouse, snapshot};
use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::{Clock, Instant, SnapshotId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The allocator of the program: the system's gives freed memory back and takes it again for every
/// reply.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Messages in a reply of Crisp.
const PAGE: usize = 40;
/// Replies handed over at a time: about the 8 MiB of a segment of the journal.
const REPLIES: usize = 340;
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
            id: self.number.div_ceil(PAGE) as i64,
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

/// Time that went by, and time that this thread had a processor.
#[derive(Debug, Clone, Copy, Default)]
struct Time {
    wall: Duration,
    thread: Duration,
}

impl Time {
    fn since(begun: Stopwatch) -> Self {
        Self { wall: begun.elapsed(), thread: thread_time() }
    }
}

impl Add for Time {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wall: self.wall + other.wall, thread: self.thread + other.thread }
    }
}

impl Sub for Time {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { wall: self.wall - other.wall, thread: self.thread - other.thread }
    }
}

/// A line of the table.
struct Figure {
    what: &'static str,
    records: usize,
    raw_bytes: u64,
    time: Time,
    stored_bytes: Option<u64>,
    peak_mib: Option<u64>,
}

impl Figure {
    fn print(&self) {
        let rate = |time: Duration| self.raw_bytes as f64 / 1e6 / time.as_secs_f64();
        let ratio = self.stored_bytes.map(|bytes| self.raw_bytes as f64 / bytes as f64);
        println!(
            "{:<28} {:>9} {:>10.0} {:>12.0} {:>7} {:>9}",
            self.what,
            self.records,
            rate(self.time.wall),
            rate(self.time.thread),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.peak_mib.map_or_else(String::new, |mib| mib.to_string()),
        );
    }
}

fn start() -> Start {
    Start {
        format: snapshot::FORMAT,
        account: "bench".into(),
        question_sha256: "q".into(),
        started_at: Still.now(),
    }
}

fn open(folder: &Path) -> Warehouse {
    Warehouse::open(&format!("file://{}", folder.display())).expect("opens")
}

/// From memory into the sealed bag: with the hash of each body, then without, as it is taken when
/// the body arrives.
async fn land(folder: &Path, count: usize) -> [Figure; 2] {
    let warehouse = open(folder);
    let id = SnapshotId { platform: "crisp".into(), number: 1 };
    let (begun, making, raw_bytes) = (Stopwatch::now(), Cell::new(Time::default()), Cell::new(0));
    let (mut replies, hashing) = (Replies::new(count), Cell::new(Time::default()));
    let arrived = std::iter::from_fn(|| {
        let before = Time::since(begun);
        let made: Vec<(Exchange, Bytes)> = replies.by_ref().take(REPLIES).collect();
        raw_bytes.set(raw_bytes.get() + made.iter().map(raw_bytes_of).sum::<u64>());
        making.set(making.get() + (Time::since(begun) - before));
        let before = Time::since(begun);
        let arrived = made.into_iter().map(|(exchange, body)| Arrived::new(exchange, body));
        let arrived: Vec<Arrived> = arrived.collect();
        hashing.set(hashing.get() + (Time::since(begun) - before));
        (!arrived.is_empty()).then_some(Ok(arrived))
    });
    forget_peak();
    let before = Time::since(begun);
    let (start, arrived) = (start(), futures::stream::iter(arrived));
    let facts = seal_arrived(&warehouse, &id, &start, arrived, Still.now()).await;
    let facts = facts.expect("is sealed");
    let time = Time::since(begun) - before - making.get();
    assert_eq!(facts.streams["messages"].records, count as u64);
    let landed = Figure {
        what: "landed from memory",
        records: count,
        raw_bytes: raw_bytes.get(),
        time,
        stored_bytes: Some(bytes_below(&folder.join("landing/crisp/0001"))),
        peak_mib: Some(peak_mib()),
    };
    let apart = Figure {
        what: "  bodies hashed on arrival",
        time: time - hashing.get(),
        stored_bytes: None,
        peak_mib: None,
        ..landed
    };
    [landed, apart]
}

/// Through the journal into the sealed bag: the journal alone, then both.
async fn journal_and_land(folder: &Path, count: usize) -> [Figure; 2] {
    let warehouse = open(folder);
    let mut journal =
        Journal::open(&warehouse, "crisp", start(), Arc::new(Still), 1_000).await.expect("opens");
    let (begun, mut noting, mut raw_bytes) = (Stopwatch::now(), Time::default(), 0);
    forget_peak();
    for (exchange, body) in Replies::new(count) {
        raw_bytes += raw_bytes_of(&(exchange.clone(), body.clone()));
        let before = Time::since(begun);
        journal.note(exchange, body).await.expect("is noted");
        noting = noting + (Time::since(begun) - before);
    }
    let before = Time::since(begun);
    journal.flush().await.expect("is flushed");
    noting = noting + (Time::since(begun) - before);
    let journalled = Figure {
        what: "journal",
        records: count,
        raw_bytes,
        time: noting,
        stored_bytes: Some(bytes_below(&folder.join("extracting/crisp/0001/journal"))),
        peak_mib: Some(peak_mib()),
    };
    let before = Time::since(begun);
    let facts = seal(&mut journal, Closing::default(), Still.now()).await.expect("is sealed");
    let sealing = Time::since(begun) - before;
    assert_eq!(facts.streams["messages"].records, count as u64);
    let both = Figure {
        what: "journal, then sealed from it",
        time: noting + sealing,
        stored_bytes: Some(bytes_below(&folder.join("landing/crisp/0001"))),
        peak_mib: Some(peak_mib()),
        ..journalled
    };
    [journalled, both]
}

fn raw_bytes_of((exchange, _): &(Exchange, Bytes)) -> u64 {
    exchange.records.iter().map(|span| (span.end - span.start) as u64).sum()
}

/// How long this thread has had a processor.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Begins to look for the peak of memory from here.
fn forget_peak() {
    // Where the system has no such file, the peak is that of the whole run.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process has held since [`forget_peak`].
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

/// The same records as gzip'd JSON lines, which nothing proves anything about.
fn gzip(count: usize) -> Figure {
    let mut encoder = GzEncoder::new(Counted(0), Compression::new(6));
    let (begun, mut raw_bytes, mut time) = (Stopwatch::now(), 0, Time::default());
    for reply in Replies::new(count) {
        raw_bytes += raw_bytes_of(&reply);
        let before = Time::since(begun);
        for span in &reply.0.records {
            encoder.write_all(&reply.1[span.start..span.end]).expect("is written");
            encoder.write_all(b"\n").expect("is written");
        }
        time = time + (Time::since(begun) - before);
    }
    let written = encoder.finish().expect("is written").0;
    Figure {
        what: "gzip -6 of JSON lines",
        records: count,
        raw_bytes,
        time,
        stored_bytes: Some(written),
        peak_mib: None,
    }
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
wall, cpu = time.perf_counter_ns(), time.process_time_ns()
pq.write_table(table, sink, compression="zstd", compression_level=3, use_dictionary=names, row_group_size=100_000)
print(raw, time.perf_counter_ns() - wall, time.process_time_ns() - cpu, sink.getvalue().size)
"#;

fn pyarrow(folder: &Path, count: usize) -> Option<Figure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lies in the repository");
    let python = root.join("target/venv/bin/python");
    if !python.exists() {
        println!("pyarrow was left out: run `make venv` first");
        return None;
    }
    let part = folder.join("landing/crisp/0001/data/messages/part-00000.parquet");
    let said = Command::new(python).args(["-c", PYARROW]).arg(part).output().expect("python runs");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = String::from_utf8(said.stdout).expect("is text");
    let said: Vec<u64> = said.split_whitespace().flat_map(str::parse).collect();
    let [raw_bytes, wall, thread, stored] = said[..] else { panic!("four numbers: {said:?}") };
    Some(Figure {
        what: "pyarrow, the table alone",
        records: count,
        raw_bytes,
        time: Time { wall: Duration::from_nanos(wall), thread: Duration::from_nanos(thread) },
        stored_bytes: Some(stored),
        peak_mib: None,
    })
}

/// What else the machine was doing, as it says itself: the load of the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn main() {
    let asked = std::env::args().find_map(|text| text.parse().ok());
    let count: usize = asked.unwrap_or(1_000_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("starts");
    println!("MB/s of raw records, on one thread; load of the machine before: {}", load());
    println!(
        "{:<28} {:>9} {:>10} {:>12} {:>7} {:>9}",
        "", "records", "wall", "thread time", "ratio", "peak MiB"
    );
    for part in [count / 10, count] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for figure in runtime.block_on(land(folder.path(), part)) {
            figure.print();
        }
        let other = tempfile::tempdir().expect("a scratch folder");
        for figure in runtime.block_on(journal_and_land(other.path(), part)) {
            figure.print();
        }
        if part == count {
            gzip(count).print();
            if let Some(figure) = pyarrow(folder.path(), count) {
                figure.print();
            }
        }
    }
    println!("load of the machine after: {}", load());
}
