//! Tells cargo that the SQL travels in this crate: a changed model builds it again, the tests
//! beside the models do not. A new model is noticed by the test that looks for it.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    watch(Path::new("../../sql"));
}

fn watch(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            watch(&path);
        } else if path.extension().is_some_and(|end| end == "sql") {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
}
