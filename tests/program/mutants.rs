//! Each safeguard of the loader is taken away in a copy of the repository, and its tests must fail.
//!
//! `make mutants` runs it. The copy and what is built from it lie below `target/mutants`, so the
//! first run builds what the loader needs once more.

use std::path::{Path, PathBuf};
use std::process::Command;

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
        "if count > 1 {\n",
        "if count > 99 {\n",
    ),
    (
        "a ledger with a lost segment is believed",
        "landing/src/ledger_log.rs",
        "} else if number != before + 1 {",
        "} else if number == 0 {",
    ),
];

/// The tests that guard the safeguards; those of the store want Python.
const TESTS: [&str; 7] =
    ["-p", "deskferry-load", "-p", "deskferry-landing", "--lib", "--test", "main"];

#[test]
#[ignore = "builds the loader once for each safeguard; `make mutants` runs it"]
fn without_any_one_of_its_safeguards_a_test_of_the_loader_fails() {
    let copy = root().join("target/mutants/copy");
    copy_tracked(&copy);
    assert!(tests_pass(&copy), "the tests fail without any change");
    let mut alive: Vec<&str> = Vec::new();
    for (what, file, from, to) in MUTANTS {
        let path = copy.join(file);
        let text = std::fs::read_to_string(&path).expect("is text");
        assert_eq!(text.matches(from).count(), 1, "{what}: {from:?} in {file}");
        std::fs::write(&path, text.replace(from, to)).expect("can be written");
        let is_caught = !tests_pass(&copy);
        println!("{}: {what}", if is_caught { "caught" } else { "ALIVE" });
        alive.extend((!is_caught).then_some(what));
        std::fs::write(&path, text).expect("can be written");
    }
    println!("{} of {} caught", MUTANTS.len() - alive.len(), MUTANTS.len());
    assert_eq!(alive, Vec::<&str>::new());
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

fn tests_pass(copy: &Path) -> bool {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--quiet"]).args(TESTS).args(["--", "--quiet"]);
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", root().join("target/mutants/built"));
    let output = cargo.output().expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("could not compile"), "{said}");
    output.status.success()
}
