//! What must hold of the repository itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Who may import whom. A crate that is not listed may not exist.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("deskferry-kernel", &[]),
    ("deskferry-http", &["deskferry-kernel"]),
    ("deskferry-landing", &["deskferry-kernel"]),
    ("deskferry-extract", &["deskferry-kernel", "deskferry-http", "deskferry-landing"]),
    ("deskferry-transform", &["deskferry-kernel", "deskferry-landing"]),
    ("deskferry-load", &["deskferry-kernel", "deskferry-http", "deskferry-landing"]),
    ("deskferry-audit", &["deskferry-kernel", "deskferry-landing", "deskferry-transform"]),
    ("deskferry-emulator", &[]),
    (
        "deskferry",
        &[
            "deskferry-audit",
            "deskferry-emulator",
            "deskferry-extract",
            "deskferry-http",
            "deskferry-kernel",
            "deskferry-landing",
            "deskferry-load",
            "deskferry-transform",
        ],
    ),
    ("deskferry-tests", &[]),
];

/// Who alone may use a library.
const ALONE: &[(&str, &[&str])] = &[
    ("reqwest", &["deskferry-http"]),
    ("datafusion", &["deskferry-transform", "deskferry-audit"]),
    ("object_store", &["deskferry-landing", "deskferry-transform"]),
    ("parquet", &["deskferry-landing"]),
    ("axum", &["deskferry-emulator", "deskferry"]),
    ("clap", &["deskferry"]),
    ("datafusion-postgres", &["deskferry-audit"]),
    ("rustyline", &["deskferry"]),
    ("anyhow", &["deskferry"]),
    ("indicatif", &["deskferry"]),
];

/// Crates that decide and never wait.
const PURE: &[(&str, &[&str])] =
    &[("deskferry-kernel", &["tokio", "futures", "reqwest", "object_store", "rand"])];

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository").to_owned()
}

fn metadata() -> Metadata {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata runs")
}

/// What each crate of ours depends on, tests apart.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let packages = metadata().packages.into_iter();
    let normal = |package: &cargo_metadata::Package| {
        let kept = package.dependencies.iter().filter(|found| found.kind == DependencyKind::Normal);
        kept.map(|found| found.name.clone()).collect()
    };
    packages.map(|package| (package.name.to_string(), normal(&package))).collect()
}

#[test]
fn every_crate_imports_only_what_it_may() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_IMPORT.iter().copied().collect();
    for (name, used) in dependencies() {
        let may = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not listed"));
        for import in used.iter().filter(|import| import.starts_with("deskferry")) {
            assert!(may.contains(&import.as_str()), "{name} must not import {import}");
        }
    }
}

#[test]
fn every_listed_crate_exists() {
    let found = dependencies();
    for (name, _) in MAY_IMPORT {
        assert!(found.contains_key(*name), "{name} is listed but not there");
    }
}

#[test]
fn a_library_with_one_home_is_used_nowhere_else() {
    let found = dependencies();
    for (library, homes) in ALONE {
        for (name, used) in &found {
            let is_home = homes.contains(&name.as_str()) || name == "deskferry-tests";
            assert!(is_home || !used.contains(*library), "{name} must not use {library}");
        }
    }
    for (name, banned) in PURE {
        let clash = banned.iter().find(|library| found[*name].contains(**library));
        assert_eq!(clash, None, "{name} decides, it does not wait");
    }
}

/// Files that git tracks or would track, with one of these endings.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let output = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let text = String::from_utf8(output.stdout).expect("names are text");
    let names = text.lines().filter(|name| endings.iter().any(|ending| name.ends_with(ending)));
    let found: Vec<PathBuf> =
        names.map(|name| root().join(name)).filter(|path| path.exists()).collect();
    assert!(!found.is_empty(), "no file ends with {endings:?}");
    found
}

#[test]
fn every_module_opens_with_what_it_owns() {
    for path in files(&[".rs"]) {
        let text = std::fs::read_to_string(&path).expect("is text");
        assert!(text.starts_with("//!"), "{} has no head", path.display());
    }
}

#[test]
fn every_model_and_check_opens_with_a_comment() {
    for path in files(&[".sql"]) {
        let text = std::fs::read_to_string(&path).expect("is text");
        assert!(text.starts_with("--"), "{} has no head", path.display());
        let upper = ["SELECT ", " FROM ", " JOIN ", "GROUP BY"];
        let loud = upper.iter().find(|word| text.contains(**word));
        assert_eq!(loud, None, "{} is not in lower case", path.display());
    }
}

/// A window without an order is computed over everything at once, in memory that nobody counts.
#[test]
fn every_window_has_an_order() {
    let mut windows = 0;
    for path in files(&[".sql"]) {
        let text = std::fs::read_to_string(&path).expect("is text");
        for (at, start) in text.match_indices(" over (") {
            let rest = &text[at + start.len()..];
            let mut depth = 1;
            let end = rest.find(|sign| {
                depth += i32::from(sign == '(') - i32::from(sign == ')');
                depth == 0
            });
            let window = &rest[..end.expect("is closed")];
            assert!(window.contains("order by"), "over ({window}) in {}", path.display());
            windows += 1;
        }
    }
    assert!(windows > 0, "no window was found");
}

#[test]
fn nothing_tracked_names_this_machine_or_a_registry() {
    // Spelled in pieces, so that this file does not hold what it looks for.
    let banned = [["/wo", "rk/"], ["/ro", "ot/"], ["static.", "crates.io"], ["registry.", "npmjs"]];
    let banned = banned.map(|pieces| pieces.concat());
    for path in files(&[".rs", ".sql", ".md", ".toml", ".py", ".mjs", ".json", "Makefile"]) {
        let text = std::fs::read_to_string(&path).expect("is text");
        let found = banned.iter().find(|word| text.contains(word.as_str()));
        assert_eq!(found, None, "in {}", path.display());
    }
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("is there");
    let ci = std::fs::read_to_string(root().join(".ci/run")).expect("is there");
    assert!(readme.contains("make test"));
    assert!(ci.lines().any(|line| line.trim() == "make test"));
}
