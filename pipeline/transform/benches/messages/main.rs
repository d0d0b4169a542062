//! How fast landed messages become columns, how much memory that takes, and how it grows.
//!
//! First a race: 15 fields of 2,000,000 landed messages are read out of their JSON and written, with
//! four columns of the landed row, as Parquet with zstd 3, by this engine and by DuckDB in its
//! fastest form, two threads each. Ours are the program's session and the program's writer of tables,
//! one file for each thread; DuckDB writes one file or one for each thread, in the encodings of
//! Parquet's first version or of its second, whichever is fastest. What is measured is the time from
//! the statement to the last byte written, by turns and each in a process of its own; the rows
//! written must be the same. Then every model of Crisp is built over 200,000, 2,000,000 and 5,000,000
//! messages with their conversations and people, two threads, each size in a process of its own. Run
//! with `make bench-transform`; after `--`, `race` or `full` run alone, and a number stands for
//! 2,000,000 (and takes the place of all sizes). What was landed is kept in `target/tmp` and used
//! again.

mod full;
mod invented;
mod measure;
mod race;

use std::path::{Path, PathBuf};
use std::process::Command;

use measure::{Outcome, bytes_below, emptied, load, median};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const THREADS: usize = 2;
const MESSAGES: usize = 2_000_000;
/// Turns of each engine in the race.
const TURNS: usize = 7;

fn main() {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let asked = words.iter().find_map(|word| word.parse().ok());
    match words[..] {
        ["ours", count] => print(in_runtime(ours(count.parse().expect("is a number")))),
        ["transformed", count] => {
            print(in_runtime(transformed(count.parse().expect("is a number"))));
        }
        _ => {
            let has = |word: &str| words.contains(&word);
            if !has("full") {
                run_race(asked.unwrap_or(MESSAGES));
            }
            if !has("race") {
                run_full(asked);
            }
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-transform")
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build();
    runtime.expect("starts").block_on(work)
}

async fn ours(count: usize) -> Outcome {
    let (warehouse, snapshot) = invented::landed(&folder(), count).await;
    race::ours(&warehouse, &snapshot, emptied(&folder().join("ours"))).await
}

async fn transformed(count: usize) -> Outcome {
    let (warehouse, snapshot) = invented::landed(&folder(), count).await;
    full::transformed(THREADS, &warehouse, &snapshot).await
}

fn print(outcome: Outcome) {
    println!("{} {} {}", outcome.seconds, outcome.peak_mib, outcome.bytes);
}

/// Runs one of the above in a process of its own, so that its peak of memory is its own.
fn apart(what: &str, count: usize) -> Outcome {
    let this = std::env::current_exe().expect("is a program");
    let said = Command::new(this)
        .args([what, &count.to_string()])
        .stderr(std::process::Stdio::inherit())
        .output()
        .expect("runs");
    assert!(said.status.success(), "{what} failed");
    let said = String::from_utf8(said.stdout).expect("is text");
    let [seconds, peak_mib, bytes] = said.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("three numbers: {said}")
    };
    Outcome {
        seconds: seconds.parse().expect("is a number"),
        peak_mib: peak_mib.parse().expect("is a number"),
        bytes: bytes.parse().expect("is a number"),
    }
}

fn run_race(count: usize) {
    if !measure::python().exists() {
        println!("the race was left out: run `make venv` first");
        return;
    }
    let (warehouse, _) = in_runtime(invented::landed(&folder(), count));
    drop(warehouse);
    let landed = invented::landed_messages(&folder(), count);
    let theirs_at = folder().join("duckdb");
    println!(
        "{count} messages, {} MB of Parquet, {THREADS} threads; load of the machine before: {}",
        bytes_below(&landed) / 1_000_000,
        load()
    );
    let form = fastest_form(&landed, &theirs_at);
    let mut turns = Vec::new();
    for _ in 0..TURNS {
        let ours = apart("ours", count);
        let theirs = race::duckdb(&landed, emptied(&theirs_at), THREADS, form);
        println!(
            "  {:.2} s against {:.2} s: {:.2}",
            ours.seconds,
            theirs.seconds,
            ours.seconds / theirs.seconds
        );
        turns.push((ours, theirs));
    }
    let (ours_hold, theirs_hold) =
        (race::contents(&folder().join("ours")), race::contents(&theirs_at));
    assert_eq!(ours_hold, theirs_hold, "both must write the same rows");
    println!("{:<28} {:>9} {:>9} {:>9} {:>9}", "", "seconds", "records/s", "peak MiB", "MB");
    let line = |name: &str, of: &dyn Fn(&(Outcome, Outcome)) -> Outcome| {
        let seconds = median(turns.iter().map(|turn| of(turn).seconds));
        let peak = turns.iter().map(|turn| of(turn).peak_mib).max().unwrap_or(0);
        println!(
            "{name:<28} {seconds:>9.2} {:>9.0} {peak:>9} {:>9}",
            count as f64 / seconds,
            of(&turns[0]).bytes / 1_000_000
        );
        seconds
    };
    let ours = line("json_row", &|turn| turn.0);
    let files = if form.is_per_thread { "two files" } else { "one file" };
    let how = format!("DuckDB, {files}, Parquet v{}", form.version);
    let theirs = line(&how, &|turn| turn.1);
    let ratios: Vec<f64> =
        turns.iter().map(|(ours, theirs)| ours.seconds / theirs.seconds).collect();
    println!(
        "ratio of the medians {:.2}; of each turn {:.2} to {:.2}, median {:.2}; same {} rows",
        ours / theirs,
        ratios.iter().copied().fold(f64::INFINITY, f64::min),
        ratios.iter().copied().fold(0.0, f64::max),
        median(ratios.iter().copied()),
        ours_hold.split_whitespace().next().unwrap_or("?"),
    );
}

/// The form in which DuckDB is fastest, each tried twice.
fn fastest_form(landed: &Path, theirs_at: &Path) -> race::Form {
    let best = |form: race::Form| {
        let tries = (0..2).map(|_| race::duckdb(landed, emptied(theirs_at), THREADS, form).seconds);
        tries.fold(f64::INFINITY, f64::min)
    };
    let tried = race::FORMS.map(|form| (form, best(form)));
    let fastest = tried.into_iter().min_by(|one, other| one.1.total_cmp(&other.1));
    fastest.expect("there are forms").0
}

fn run_full(asked: Option<usize>) {
    let sizes = asked.map_or(vec![MESSAGES / 10, MESSAGES, MESSAGES * 5 / 2], |size| vec![size]);
    println!("every model of Crisp, {THREADS} threads; load of the machine before: {}", load());
    println!(
        "{:<12} {:>9} {:>11} {:>11} {:>9}",
        "messages", "seconds", "messages/s", "s/million", "peak MiB"
    );
    for size in sizes {
        in_runtime(invented::landed(&folder(), size));
        let outcome = apart("transformed", size);
        let per_million = outcome.seconds / size as f64 * 1e6;
        println!(
            "{size:<12} {:>9.1} {:>11.0} {per_million:>11.1} {:>9}",
            outcome.seconds,
            size as f64 / outcome.seconds,
            outcome.peak_mib
        );
    }
    println!("load of the machine after: {}", load());
}
