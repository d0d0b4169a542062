//! What the snapshots before a delta have, as far as a delta needs it.

use std::collections::{HashMap, HashSet};

use kernel::{Result, SnapshotId};
use landing::Warehouse;
use landing::chain::{self, Row};
use serde_json::Value;

use crate::manifest::{Router, Stream};
use crate::partitions::Partition;
use crate::versions::{Version, Versions};

/// The chain of snapshots that an extraction adds to; an empty one for a full extraction.
pub(crate) struct Earlier {
    warehouse: Warehouse,
    chain: Vec<SnapshotId>,
    files: HashSet<String>,
}

/// The records of a stream that the chain has below some parents.
pub(crate) struct Known(HashMap<String, Versions>);

impl Known {
    /// Those below one parent.
    pub(crate) fn below(&self, parent_key: &str) -> Versions {
        self.0.get(parent_key).cloned().unwrap_or_default()
    }
}

impl Earlier {
    /// No snapshot, or one and all that it builds on.
    pub(crate) async fn open(warehouse: &Warehouse, parent: Option<&SnapshotId>) -> Result<Self> {
        let chain = match parent {
            Some(parent) => chain::chain(warehouse, parent).await?,
            None => Vec::new(),
        };
        let files = chain::landed_files(warehouse, &chain).await?;
        Ok(Self { warehouse: warehouse.clone(), chain, files })
    }

    /// Whether there is no earlier snapshot to add to.
    pub(crate) fn is_none(&self) -> bool {
        self.chain.is_empty()
    }

    /// Whether the bytes behind an address are landed already.
    pub(crate) fn has_file(&self, url: &str) -> bool {
        self.files.contains(url)
    }

    /// What the chain has of some lists of a stream; `None` for a full extraction.
    pub(crate) async fn of(
        &self,
        stream: &Stream,
        partitions: &[Partition],
    ) -> Result<Option<Known>> {
        if self.is_none() {
            return Ok(None);
        }
        let parents: HashSet<&str> =
            partitions.iter().map(|partition| partition.parent_key.as_str()).collect();
        // Only these streams are looked into; of all others the bytes decide.
        let is_looked_into = stream.incremental_sync.is_some()
            || !stream.change_classes.is_empty()
            || !stream.volatile_fields.is_empty();
        let found = chain::as_of(&self.warehouse, &self.chain, &stream.name, |row: Row<'_>| {
            let parent_key = row.parent_key.unwrap_or_default();
            let value = match is_looked_into {
                true => serde_json::from_str(row.raw).unwrap_or(Value::Null),
                false => Value::Null,
            };
            let version = || Version::of(stream, row.sha256, &value);
            parents.contains(parent_key).then(|| (parent_key.to_owned(), version()))
        })
        .await?;
        let mut known: HashMap<String, Versions> = HashMap::new();
        for (key, (parent_key, version)) in found {
            known.entry(parent_key).or_default().insert(key, version);
        }
        Ok(Some(Known(known)))
    }

    /// The keys of a stream that stands on its own.
    pub(crate) async fn keys(&self, stream: &Stream) -> Result<Vec<String>> {
        let found = chain::as_of(&self.warehouse, &self.chain, &stream.name, |_| Some(())).await?;
        Ok(found.into_keys().collect())
    }

    /// The records of a stream that hang on one of `parents`, as pairs of key and parent's key.
    pub(crate) async fn children(
        &self,
        stream: &Stream,
        parents: &HashSet<String>,
    ) -> Result<Vec<(String, String)>> {
        if parents.is_empty() || self.is_none() {
            return Ok(Vec::new());
        }
        let is_list = |router: &Router| matches!(router, Router::ListPartitionRouter { .. });
        let has_lists = stream.partition_router.iter().any(is_list);
        let found = chain::as_of(&self.warehouse, &self.chain, &stream.name, |row: Row<'_>| {
            let parent_key = row.parent_key?;
            // The values of lists follow the parent's key.
            let head = parent_key.rsplit_once('/').map(|(head, _)| head).filter(|_| has_lists);
            let hangs =
                parents.contains(parent_key) || head.is_some_and(|head| parents.contains(head));
            hangs.then(|| parent_key.to_owned())
        })
        .await?;
        Ok(found.into_iter().collect())
    }
}
