//! Every name of an error is described, used, and what the document describes exists.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// Names with their meanings, as the source has them, and what the source calls each.
fn names() -> BTreeMap<String, (String, String)> {
    let text = read("pipeline/kernel/src/code.rs");
    let lines = text.lines().filter_map(|line| {
        let (variant, rest) = line.trim().split_once(" = \"DF")?;
        let (digits, rest) = rest.split_once("\", ")?;
        let meaning = rest.split_once(", \"")?.1.strip_suffix("\";")?;
        Some((format!("DF{digits}"), (meaning.to_owned(), variant.to_owned())))
    });
    lines.collect()
}

/// Names with what stands below them, as the document has them.
fn described() -> BTreeMap<String, (String, String)> {
    let text = read("docs/errors.md");
    let mut sections = BTreeMap::new();
    for section in text.split("\n### ").skip(1) {
        let (head, body) = section.split_once('\n').expect("a head and a body");
        let (name, meaning) = head.split_once(": ").expect("a name and a meaning");
        let before = sections.insert(name.to_owned(), (meaning.to_owned(), body.to_owned()));
        assert_eq!(before, None, "{name} is there twice");
    }
    sections
}

#[test]
fn every_name_of_an_error_is_in_the_document_with_cause_and_cure_and_no_other() {
    let (names, described) = (names(), described());
    assert!(names.len() > 20, "{names:?}");
    assert_eq!(
        names.keys().collect::<Vec<_>>(),
        described.keys().collect::<Vec<_>>(),
        "code.rs on the left, docs/errors.md on the right"
    );
    for (name, (meaning, body)) in &described {
        assert_eq!(meaning, &names[name].0, "{name}");
        let lines = |start: &str| body.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!((lines("Cause: "), lines("Cure: ")), (1, 1), "{name}");
    }
}

#[test]
fn every_name_of_an_error_is_given_somewhere() {
    let mut sources = String::new();
    let mut folders = vec![root().join("pipeline"), root().join("landing/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("is a folder") {
            let path = entry.expect("is there").path();
            let is_own = path.ends_with("kernel/src/code.rs");
            match path.extension() {
                None if path.is_dir() => folders.push(path),
                Some(ending) if ending == "rs" && !is_own => {
                    sources.push_str(&std::fs::read_to_string(&path).expect("is text"));
                }
                _ => {}
            }
        }
    }
    // A name that stands for a whole kind is given by every fault of that kind.
    let general = |name: &str| name.ends_with("000");
    for (name, (_, variant)) in names().iter().filter(|(name, _)| !general(name)) {
        let uses = sources.matches(&format!("Code::{variant}")).count();
        assert!(uses > 0, "nothing gives {name}, {variant}");
    }
}

#[test]
fn no_other_text_names_an_error_that_does_not_exist() {
    let names = names();
    for path in ["README.md", "DECISIONS.md", "docs/errors.md", "docs/snapshots.md"] {
        let text = read(path);
        for (place, _) in text.match_indices("DF") {
            let digits: String =
                text[place + 2..].chars().take_while(char::is_ascii_digit).collect();
            let name = format!("DF{digits}");
            assert!(digits.len() < 4 || names.contains_key(&name), "{name} in {path}");
        }
    }
}
