//! How much of a processor an extraction takes, and how much of the time its thread is busy.
//!
//! The stand-in for Crisp serves an invented shop without limits from threads of its own; the client
//! has one thread and a warehouse in memory. Run with `cargo bench --workspace --bench extraction`.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant as Stopwatch};

use deskferry_extract::{Manifest, Options, Progress, Standing, WhenUsedUp, extract};
use emulator::crisp::{self, Emulator};
use kernel::retry::Policy;
use kernel::{Clock, Instant};
use landing::Warehouse;

/// The allocator of the program: the system's gives freed memory back and takes it again for every
/// reply.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Sizes of the shops, in conversations.
const SHOPS: [usize; 2] = [1_000, 4_000];

/// The clock of the machine.
struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Instant {
        let elapsed = std::time::UNIX_EPOCH.elapsed().expect("1970 is over");
        Instant::from_micros(elapsed.as_micros() as i64)
    }
}

/// Somebody who does not look.
struct Silent;

impl Progress for Silent {
    fn stream(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: &str, _: u64, _: u64) {}
    fn standing(&self, _: &Standing) {}
}

/// Serves a shop from threads of its own until the process ends.
fn serve(conversations: usize) -> SocketAddr {
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("starts").block_on(async {
            let data = crisp::Data::Shop { seed: 3, conversations };
            let options = crisp::Options { data, ..crisp::Options::default() };
            let emulator = Emulator::new(options).expect("the data can be served");
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
            let listener = listener.expect("a port is free");
            tell.send(listener.local_addr().expect("is bound")).expect("somebody waits");
            tokio::spawn(emulator.serve(listener));
            pending::<()>().await;
        });
    });
    told.recv().expect("is served")
}

fn options(manifest: &Manifest, address: SocketAddr) -> Options {
    let given = [
        ("website_id", crisp::DEMO_WEBSITE_ID),
        ("identifier", crisp::DEMO_IDENTIFIER),
        ("key", crisp::DEMO_KEY),
    ];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Options {
        base_url: Some(format!("http://{address}/v1")),
        settings: manifest.settle(given.into(), "source").expect("is complete"),
        private_hosts: vec!["127.0.0.1".to_owned()],
        is_delta: false,
        skip_streams: Default::default(),
        only_below: Default::default(),
        calls_per_day: Some(u64::MAX),
        when_used_up: WhenUsedUp::Wait,
        pace: None,
        policy: Policy::default(),
        timeout_ms: 30_000,
        flush_ms: 1_000,
        file_bytes_max: 1 << 20,
        tool: "bench".to_owned(),
    }
}

/// Extracts a shop and prints what it took.
async fn measure(conversations: usize) {
    let address = serve(conversations);
    let manifest = Manifest::built_in("crisp").expect("reads");
    let options = options(&manifest, address);
    let warehouse = Warehouse::open("memory://").expect("opens");
    let (begun, before, all_before) = (Stopwatch::now(), thread_time(), process_time());
    let outcome = extract(&warehouse, &manifest, &options, Arc::new(MachineClock), &Silent).await;
    let (wall, all) = (begun.elapsed(), process_time() - all_before);
    let client = thread_time() - before;
    let outcome = outcome.expect("extracts");
    let records: u64 = outcome.facts.streams.values().map(|stream| stream.records).sum();
    assert_eq!(outcome.facts.streams["conversations"].keys, conversations as u64);
    let share = client.as_secs_f64() / wall.as_secs_f64();
    println!(
        "{conversations:>13} {:>7} {records:>8} {:>7.2} {:>10.2} {:>16.2} {:>12.0} {:>8.2}   {:.0} %",
        outcome.calls,
        wall.as_secs_f64(),
        client.as_secs_f64(),
        client.as_secs_f64() * 1_000.0 / conversations as f64,
        client.as_micros() as f64 / outcome.calls as f64,
        all.as_secs_f64(),
        share * 100.0,
    );
}

/// How long this thread has had a processor.
fn thread_time() -> Duration {
    time_in("/proc/thread-self/schedstat")
}

/// How long all threads of this process that still live have had one, the client's and the
/// stand-in's.
fn process_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    threads.map(|thread| time_in(&format!("{}/schedstat", thread.path().display()))).sum()
}

fn time_in(schedstat: &str) -> Duration {
    let text = std::fs::read_to_string(schedstat).unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|field| field.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// What else the machine was doing, as it says itself: the load of the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("starts");
    println!("times in seconds, processor time of the client's thread; load before: {}", load());
    println!(
        "{:>13} {:>7} {:>8} {:>7} {:>10} {:>16} {:>12} {:>8}   share of the wall time",
        "conversations",
        "calls",
        "records",
        "wall",
        "client",
        "per 1,000 conv.",
        "us per call",
        "all CPU"
    );
    for conversations in SHOPS {
        runtime.block_on(measure(conversations));
    }
    println!("load after: {}", load());
}
