//! What a process took: time, memory, and bytes on disk.

use std::path::{Path, PathBuf};

/// What one run took.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// From the statement to the last byte written.
    pub seconds: f64,
    /// The most memory that its process held.
    pub peak_mib: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// The most memory that this process has held.
pub fn peak_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.unwrap_or(0) / 1024
}

/// What else the machine was doing, as it says itself: the load of the last minute.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}

/// Bytes of all files below a folder.
pub fn bytes_below(folder: &Path) -> u64 {
    let entries = folder.read_dir().expect("is a folder").map(|entry| entry.expect("is listed"));
    let size = |path: &Path| {
        if path.is_dir() { bytes_below(path) } else { path.metadata().expect("is there").len() }
    };
    entries.map(|entry| size(&entry.path())).sum()
}

/// A folder with nothing in it.
pub fn emptied(folder: &Path) -> &Path {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("the folder is made");
    folder
}

/// The Python of `make venv`.
pub fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("lies in the repository").join("target/venv/bin/python")
}

/// The one in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
