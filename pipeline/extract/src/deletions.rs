//! What was there before and is not any more.
//!
//! Absence shows only in a list that is known to be whole: a key that did not come again in a list
//! about which there is any doubt is counted, and not taken for deleted.

use std::collections::{BTreeSet, HashSet};

use kernel::Result;
use landing::exchange::Deletion;

use crate::manifest::Stream;
use crate::partitions::parent_of;
use crate::reader::Reader;
use crate::sweep::hash_of;
use crate::versions::Versions;

impl Reader<'_> {
    /// What was there before and is not any more, of the streams that were read to the end.
    pub(crate) async fn find_deletions(&self) -> Result<()> {
        for stream in self.streams().filter(|stream| stream.partition_router.is_empty()) {
            let Some((seen, listed)) = self.came_and_was_listed(stream) else { continue };
            let known = self.earlier.keys(stream).await?;
            let keys: BTreeSet<String> = seen.into_keys().chain(known).collect();
            let gone = keys.into_iter().filter(|key| !listed.contains(&hash_of(key)));
            if self.is_doubtful(stream) {
                let (name, gone) = (&stream.name, gone.count());
                self.note_evidence(format!(
                    "{name}: {gone} keys did not come again; the list is not proven whole, so they are not taken for deleted"
                ));
                continue;
            }
            self.note_deletions(stream, None, gone);
        }
        self.cascade().await
    }

    /// Everything that came of a stream, and hashes of the keys that were there in the end.
    fn came_and_was_listed(&self, stream: &Stream) -> Option<(Versions, HashSet<u64>)> {
        let mut harvest = self.harvested();
        let listed = harvest.listed.remove(&stream.name)?;
        Some((harvest.roots.remove(&stream.name).unwrap_or_default(), listed))
    }

    fn is_doubtful(&self, stream: &Stream) -> bool {
        let harvest = self.harvested();
        let has_gap = harvest.gaps.iter().any(|gap| gap.stream == stream.name);
        has_gap || harvest.unproven_streams.contains(&stream.name)
    }

    /// What hung on a deleted record in earlier snapshots went with it.
    async fn cascade(&self) -> Result<()> {
        for stream in self.streams() {
            let Some(parent) = parent_of(stream) else { continue };
            let parents = self.deleted_of(parent);
            for (key, parent_key) in self.earlier.children(stream, &parents).await? {
                self.note_deletions(stream, Some(&parent_key), [key].into_iter());
            }
        }
        Ok(())
    }

    /// Keys of the deleted records of a stream.
    fn deleted_of(&self, stream: &str) -> HashSet<String> {
        let harvest = self.harvested();
        let places = harvest.deletions.keys().filter(|(of, _)| of == stream);
        places.map(|(_, key)| key.clone()).collect()
    }

    pub(crate) fn note_deletions(
        &self,
        stream: &Stream,
        parent_key: Option<&str>,
        keys: impl Iterator<Item = String>,
    ) {
        let noticed_at = self.questions.now();
        let mut harvest = self.harvested();
        for key in keys {
            let place = (stream.name.clone(), key.clone());
            harvest.deletions.entry(place).or_insert_with(|| Deletion {
                stream: stream.name.clone(),
                parent_key: parent_key.map(str::to_owned),
                reason: "it was there before and did not come again".to_owned(),
                noticed_at,
                key,
            });
        }
    }
}
