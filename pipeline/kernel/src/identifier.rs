//! Names of the durable things: snapshots, builds and runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// A snapshot of one platform; numbers rise in the order of landing. Shown as `crisp/0001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SnapshotId {
    /// The platform it was landed from, as the manifest names it.
    pub platform: String,
    /// Its number, from 1.
    pub number: u32,
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{:04}", self.platform, self.number)
    }
}

impl From<SnapshotId> for String {
    fn from(id: SnapshotId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for SnapshotId {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl FromStr for SnapshotId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.split_once('/')
            .filter(|(platform, _)| !platform.is_empty())
            .and_then(|(platform, number)| {
                Some(Self { platform: platform.to_owned(), number: number.parse().ok()? })
            })
            .ok_or_else(|| {
                Fault::config(format!("{text:?} does not name a snapshot"))
                    .hint("a snapshot is named platform/number, as in crisp/0001")
            })
    }
}

/// One build of the staged tables: twelve hex digits of the hash of all that went into it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BuildId(pub String);

impl fmt::Display for BuildId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One plan and its replay into a target. Shown as `0001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u32);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}", self.0)
    }
}

impl FromStr for RunId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        text.parse().map(RunId).map_err(|_| {
            Fault::config(format!("{text:?} does not name a run"))
                .hint("a run is named by its number, as in 0001")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_reads_as_it_is_written() {
        let id = SnapshotId { platform: "crisp".into(), number: 7 };
        assert_eq!(id.to_string(), "crisp/0007");
        assert_eq!("crisp/0007".parse::<SnapshotId>().expect("well formed"), id);
        assert!("crisp".parse::<SnapshotId>().is_err());
    }
}
