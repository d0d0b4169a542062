//! Takes each safeguard of the loader away in a copy of the repository: its tests must fail.
//!
//! `make mutants` runs it. The copy and what is built from it lie below `target/mutants`, so the
//! first run builds what the loader needs once more. It ends with 1 when a safeguard can go and no
//! test notices, and stops when the tests fail without any change. Words behind it choose the
//! safeguards whose descriptions hold them.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// One safeguard taken away: what it is, where, what stands there and what takes its place.
const MUTANTS: &[(&str, &str, &str, &str)] = &[
    (
        "a sent time may lie in the future",
        "pipeline/load/src/guard.rs",
        "if moment < clock.now() {",
        "if moment < clock.now() || moment >= clock.now() {",
    ),
    (
        "the bytes that leave are not read again",
        "pipeline/load/src/gorgias/wire.rs",
        "deliver_nothing(method, path, &body, now)?;",
        "let _ = deliver_nothing(method, path, &body, now);",
    ),
    (
        "a message may leave with a sent time in the future",
        "pipeline/load/src/guard.rs",
        "if sent >= now {",
        "if sent >= now && sent < now {",
    ),
    (
        "a message may carry what sets something off",
        "pipeline/load/src/guard.rs",
        "find(|name| object.contains_key(**name))",
        "find(|name| object.contains_key(**name) && name.is_empty())",
    ),
    (
        "a ticket need not be marked as imported",
        "pipeline/load/src/gorgias/wire.rs",
        "(\"POST\", [\"api\", \"tickets\"]) if imported => {",
        "(\"POST\", [\"api\", \"tickets\"]) => {",
    ),
    (
        "a message is built without its sent time",
        "pipeline/load/src/gorgias/request.rs",
        "    sent_datetime: SentTime,",
        "    #[serde(skip)]\n    sent_datetime: SentTime,",
    ),
    (
        "an answer is written into Crisp without the mark that keeps it quiet",
        "pipeline/load/src/guard.rs",
        "serializer.serialize_bool(true)",
        "serializer.serialize_bool(false)",
    ),
    (
        "the bytes that leave for Crisp are not read again",
        "pipeline/load/src/crisp/wire.rs",
        "deliver_nothing(method, path, &body, now)?;",
        "let _ = deliver_nothing(method, path, &body, now);",
    ),
    (
        "a call leaves before its intent is durable",
        "pipeline/load/src/recovery.rs",
        "self.note(draft, State::Intent, detail.clone()).await?;",
        "",
    ),
    (
        "a lost reply counts as a failed call",
        "pipeline/load/src/recovery.rs",
        "if matches!(draft, Draft::Upload { .. }) {",
        "if !matches!(draft, Draft::Upload { .. }) || is_old {",
    ),
    (
        "two records are taken for one",
        "pipeline/load/src/recovery.rs",
        "                1 => {\n",
        "                _ if !hits.is_empty() => {\n",
    ),
    (
        "a second loader writes over the first",
        "landing/src/ledger_log.rs",
        "if !self.warehouse.put_if_absent_synced(&path, body).await? {",
        "self.warehouse.put(&path, body).await?;\n        if self.segment_next == 0 {",
    ),
    (
        "what was sent again is not looked for later",
        "pipeline/load/src/replay/recheck.rs",
        ".holding(kind, &external_id, ticket.as_deref()).await?.len();",
        ".holding(kind, &external_id, ticket.as_deref()).await?.len().min(1);",
    ),
    (
        "a ledger with a lost segment is believed",
        "landing/src/ledger_log.rs",
        "if piece.first != before + 1 {",
        "if piece.first == 0 {",
    ),
];

/// A run that takes longer has met a change without end, which its tests have noticed.
const RUN_MAX: Duration = Duration::from_secs(600);

fn main() -> ExitCode {
    let copy = root().join("target/mutants/copy");
    copy_tracked(&copy);
    if let Err(said) = run_tests(&copy) {
        println!("{said}\nthe tests fail without any change");
        return ExitCode::FAILURE;
    }
    let wanted = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let chosen = MUTANTS.iter().filter(|(what, ..)| what.contains(&wanted)).collect::<Vec<_>>();
    let mut alive = 0;
    for (what, file, from, to) in &chosen {
        let path = copy.join(file);
        let text = std::fs::read_to_string(&path).expect("is text");
        assert_eq!(text.matches(from).count(), 1, "{what}: {from:?} in {file}");
        std::fs::write(&path, text.replace(from, to)).expect("can be written");
        let run = run_tests(&copy);
        println!("{}: {what}", if run.is_err() { "caught" } else { "ALIVE" });
        alive += usize::from(run.is_ok());
        std::fs::write(&path, text).expect("can be written");
    }
    println!("{} of {} caught", chosen.len() - alive, chosen.len());
    if alive == 0 && !chosen.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository").to_owned()
}

/// Copies what git tracks or would track, as it is now.
fn copy_tracked(to: &Path) {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let names = String::from_utf8(listed.stdout).expect("names are text");
    let _ = std::fs::remove_dir_all(to);
    for name in names.lines().filter(|name| root().join(name).is_file()) {
        let file = to.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("can be made");
        std::fs::copy(root().join(name), file).expect("can be copied");
    }
}

/// Runs the tests that guard the safeguards up to the first that fails; those of the store want
/// Python, and guard others. The error is what was printed.
///
/// # Panics
/// When a change cannot be compiled: it would seem to be caught.
fn run_tests(copy: &Path) -> Result<(), String> {
    let printed = copy.join("printed.txt");
    let file = std::fs::File::create(&printed).expect("can be written");
    let mut run = Command::new("cargo")
        .args(["nextest", "run", "--package", "deskferry-load", "--package", "deskferry-landing"])
        .args(["--filterset", "not test(/^store::/)"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", root().join("target/mutants/built"))
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .expect("cargo runs");
    let begun = Instant::now();
    let end = loop {
        if let Some(end) = run.try_wait().expect("can be asked") {
            break Some(end);
        }
        if begun.elapsed() > RUN_MAX {
            run.kill().and_then(|()| run.wait()).expect("can be stopped");
            break None;
        }
        pause();
    };
    let said = std::fs::read_to_string(&printed).expect("is text");
    assert!(!said.contains("could not compile"), "{said}");
    if end.is_some_and(|end| end.success()) { Ok(()) } else { Err(said) }
}

#[expect(clippy::disallowed_methods, reason = "no async code runs on this thread")]
fn pause() {
    std::thread::sleep(Duration::from_millis(100));
}
