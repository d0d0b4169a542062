//! The store below a snapshot: who may write, how soon it is durable, S3, and other tools' readers.

#[path = "store/export.rs"]
mod export;
#[path = "store/fence.rs"]
mod fence;
#[path = "store/odd.rs"]
mod odd;
#[path = "store/s3.rs"]
mod s3;

use std::path::{Path, PathBuf};
use std::process::Command;

use deskferry_landing::Warehouse;

/// A script of ours, run by the Python that `make venv` sets up.
fn python(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("lies in the repository");
    let interpreter = root.join("target/venv/bin/python");
    assert!(interpreter.exists(), "run `make venv` first");
    let mut command = Command::new(interpreter);
    command.arg(root.join("tests/python").join(script));
    command
}

/// What a program that must succeed writes.
fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().expect("it runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {complaint}", command.get_program());
    output.stdout
}

/// A warehouse in a folder that is gone with the first value.
fn local() -> (tempfile::TempDir, PathBuf, Warehouse) {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let root = folder.path().join("warehouse");
    let warehouse = Warehouse::open(&format!("file://{}", root.display())).expect("opens");
    (folder, root, warehouse)
}
