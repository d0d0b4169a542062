//! A whole rehearsal by the program itself: how long each stage takes, how much memory, how it grows.
//!
//! An invented shop is extracted once and kept in `target/tmp`; then transform, plan, load and
//! reconcile run against a stand-in for Gorgias without a rate limit, each in a process of its own,
//! at 10,000 and at 100,000 conversations (about twelve messages each). The stand-ins are processes
//! too and share the machine. Run with `make bench-rehearsal`; numbers after `--` stand for the sizes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const SIZES: [usize; 2] = [10_000, 100_000];
const ACCOUNT: &str = "admin@shop.example";
const WEBSITE_ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
const KEY: &str = "bench-key";
const AGENTS: [&str; 8] = ["ada", "bo", "chloe", "dmitri", "eve", "faris", "grace", "hugo"];
/// How often a process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// What one stage took.
struct Took {
    stage: &'static str,
    seconds: f64,
    peak_mib: u64,
    end: String,
}

fn main() {
    let asked: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let runs: Vec<Vec<Took>> = sizes.iter().map(|size| rehearsed(*size)).collect();
    print_table(&sizes, &runs);
}

fn print_table(sizes: &[usize], runs: &[Vec<Took>]) {
    print!("{:<12}", "stage");
    for size in sizes {
        print!(" {:>10} {:>10}", format!("{size}: s"), "peak MiB");
    }
    println!(" {:>8}", "growth");
    let line = |name: &str, of: &dyn Fn(&[Took]) -> (f64, u64)| {
        print!("{name:<12}");
        let cells: Vec<(f64, u64)> = runs.iter().map(|run| of(run)).collect();
        for (seconds, peak_mib) in &cells {
            print!(" {seconds:>10.1} {peak_mib:>10}");
        }
        let ends = cells.first().zip(cells.last());
        println!(" {:>8.1}", ends.map_or(0.0, |(first, last)| last.0 / first.0));
    };
    for (place, took) in runs[0].iter().enumerate() {
        line(took.stage, &|run| (run[place].seconds, run[place].peak_mib));
    }
    line("all", &|run| {
        (
            run.iter().map(|took| took.seconds).sum(),
            run.iter().map(|took| took.peak_mib).max().unwrap_or(0),
        )
    });
    for (size, run) in sizes.iter().zip(runs) {
        for took in run {
            println!("{size} {}: {}", took.stage, took.end);
        }
    }
}

/// One rehearsal, from a landed snapshot to a target that was read back.
fn rehearsed(conversations: usize) -> Vec<Took> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rehearsal-{conversations}"));
    std::fs::create_dir_all(&folder).expect("the folder is made");
    std::fs::write(folder.join("key"), format!("{KEY}\n")).expect("is written");
    if !folder.join("warehouse/landing/crisp/0001/bag-info.txt").exists() {
        let count = conversations.to_string();
        let source = Emulator::start(&[
            "crisp",
            "--port",
            "0",
            "--conversations",
            &count,
            "--website-id",
            WEBSITE_ID,
            "--identifier",
            KEY,
            "--key",
            KEY,
        ]);
        configure(&folder, &source.origin, "http://127.0.0.1:9");
        let took = run(&folder, "extract");
        eprintln!("{conversations} extracted once in {:.0} s: {}", took.seconds, took.end);
    }
    for made in ["warehouse/staged", "warehouse/runs", "warehouse/landing/gorgias"] {
        remove(&folder.join(made));
    }
    let mut arguments = vec!["gorgias", "--port", "0", "--email", ACCOUNT, "--api-key", KEY];
    let agents: Vec<String> = AGENTS.iter().map(|name| format!("{name}@shop.example")).collect();
    for agent in &agents {
        arguments.extend(["--agent", agent]);
    }
    let target = Emulator::start(&arguments);
    configure(&folder, "http://127.0.0.1:9/v1", &target.origin);
    ["transform", "plan", "load", "reconcile"].map(|stage| run(&folder, stage)).into()
}

/// A stand-in in a process of its own; it ends with this value.
struct Emulator {
    child: Child,
    origin: String,
}

impl Emulator {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .arg("emulator")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let said = child.stderr.take().expect("is piped");
        let line = BufReader::new(said).lines().next().expect("says where it is").expect("is text");
        let origin = line.split_whitespace().find(|word| word.starts_with("http://"));
        let origin = origin.expect("names its address").trim_end_matches(',').to_owned();
        Self { child, origin }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, as it was built in the profile of the bench.
fn program() -> PathBuf {
    let this = std::env::current_exe().expect("is a program");
    let folder = this.ancestors().nth(2).expect("lies in the folder of its profile");
    let program = folder.join("deskferry");
    assert!(program.exists(), "there is no {}: use make bench-rehearsal", program.display());
    program
}

fn configure(folder: &Path, crisp: &str, gorgias: &str) {
    let text = format!(
        "[warehouse]\nurl = \"file://{}/warehouse\"\n\
         [source]\nplatform = \"crisp\"\nbase_url = \"{crisp}\"\nwebsite_id = \"{WEBSITE_ID}\"\n\
         identifier = {{ file = \"key\" }}\nkey = {{ file = \"key\" }}\ntier = \"plugin\"\n\
         private_hosts = [\"127.0.0.1\"]\ncalls_per_day = 1000000000\n\
         [target]\nplatform = \"gorgias\"\nbase_url = \"{gorgias}\"\nemail = \"{ACCOUNT}\"\n\
         api_key = {{ file = \"key\" }}\ncalls_per_window = 1000000\nwindow_s = 1\n\
         private_hosts = [\"127.0.0.1\"]\n",
        folder.display()
    );
    std::fs::write(folder.join("deskferry.toml"), text).expect("is written");
}

/// Runs a verb to its end, and watches its memory.
fn run(folder: &Path, stage: &'static str) -> Took {
    let said = folder.join(format!("{stage}.txt"));
    let shown = File::create(&said).expect("is made");
    let began = Instant::now();
    let mut child = Command::new(program())
        .arg(stage)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(shown)
        .spawn()
        .expect("the program starts");
    let mut peak_mib = 0;
    let status = loop {
        peak_mib = peak_mib.max(peak_of(child.id()));
        match child.try_wait().expect("can be asked") {
            Some(status) => break status,
            None => pause(),
        }
    };
    let seconds = began.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&std::fs::read(&said).expect("is there")).into_owned();
    assert!(status.code().is_some_and(|code| code < 2), "{stage} failed: {text}");
    let end = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    Took { stage, seconds, peak_mib, end: end.trim().to_owned() }
}

#[expect(clippy::disallowed_methods, reason = "no async code runs on this thread")]
fn pause() {
    std::thread::sleep(LOOK);
}

/// The most memory that a process has held so far, in MiB.
fn peak_of(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) / 1024
}

/// Removes a folder, sealed snapshots included.
fn remove(folder: &Path) {
    if folder.exists() {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(folder).status();
        std::fs::remove_dir_all(folder).expect("is removed");
    }
}
