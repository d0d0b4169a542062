//! Which lists a stream consists of: one, or one for each record of its parent, or for each value
//! of a list.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Fault, Result, nearest};
use serde_json::Value;

use crate::interpolation::{at_path, fill_setting, scalar};
use crate::manifest::{Manifest, Router, Stream};
use crate::selector::Found;

/// One list of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Partition {
    /// Key of the record that it belongs to, followed by the values of lists; empty without either.
    pub(crate) parent_key: String,
    /// What templates may refer to.
    pub(crate) fields: BTreeMap<String, String>,
    /// Whether no earlier snapshot has the record that it belongs to.
    pub(crate) is_new: bool,
}

impl Partition {
    /// Whether it is all of its stream.
    pub(crate) fn is_root(&self) -> bool {
        self.fields.is_empty()
    }

    /// Two lists with the same identity are asked for with the same questions.
    pub(crate) fn identity(&self) -> String {
        let values: Vec<&str> = self.fields.values().map(String::as_str).collect();
        values.join("\u{1f}")
    }
}

impl Manifest {
    /// The manifest with the values of lists that settings give: several are parted by commas.
    ///
    /// # Errors
    /// `FixConfig` when a setting is missing.
    pub(crate) fn with_listed_settings(
        &self,
        settings: &BTreeMap<String, String>,
    ) -> Result<Manifest> {
        let mut manifest = self.clone();
        let routers = manifest.streams.iter_mut().flat_map(|stream| &mut stream.partition_router);
        for router in routers {
            let Router::ListPartitionRouter { values, .. } = router else { continue };
            let mut filled = Vec::new();
            for value in values.iter() {
                let text = fill_setting(value, settings)?;
                let is_template = text != *value;
                let parts = text.split(if is_template { ',' } else { '\0' }).map(str::trim);
                filled.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
            }
            *values = filled;
        }
        Ok(manifest)
    }

    /// The stream of this name.
    pub(crate) fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams.iter().find(|stream| stream.name == name)
    }

    /// These streams, which must be known, and all that follow them.
    pub(crate) fn with_children(&self, names: &BTreeSet<String>) -> Result<BTreeSet<String>> {
        let mut all = names.clone();
        for stream in &self.streams {
            if parent_of(stream).is_some_and(|parent| all.contains(parent)) {
                all.insert(stream.name.clone());
            }
        }
        match names.iter().find(|name| self.stream(name).is_none()) {
            None => Ok(all),
            Some(name) => Err(Fault::config(format!("{} has no stream {name:?}", self.name))
                .hint(nearest::hint(name, self.streams.iter().map(|stream| stream.name.as_str())))),
        }
    }

    /// Only a stream that follows another one can be read below some of its records.
    pub(crate) fn check_followers<'a>(
        &self,
        mut names: impl Iterator<Item = &'a String>,
    ) -> Result<()> {
        let children = self.streams.iter().filter(|stream| parent_of(stream).is_some());
        let children: Vec<&str> = children.map(|stream| stream.name.as_str()).collect();
        match names.find(|name| !children.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Fault::config(format!("{name:?} is no stream that follows another"))
                .hint(nearest::hint(name, children))),
        }
    }
}

/// The stream whose records a stream is asked once for each of.
pub(crate) fn parent_of(stream: &Stream) -> Option<&str> {
    stream.partition_router.iter().find_map(|router| match router {
        Router::SubstreamPartitionRouter { parent_stream, .. } => Some(parent_stream.as_str()),
        Router::ListPartitionRouter { .. } => None,
    })
}

/// The lists of a stream, below a record of its parent if it has one. A record that lacks a field
/// or does not match has none. A list also has the fields of the list in which its record stood.
pub(crate) fn partitions_of(
    stream: &Stream,
    parent: Option<&Found>,
    is_new: bool,
) -> Vec<Partition> {
    let parent_key = parent.map(|parent| parent.span.key.clone()).unwrap_or_default();
    let inherited = parent.map(|parent| parent.partition_fields.as_ref().clone());
    let inherited = inherited.unwrap_or_default();
    let mut partitions = vec![Partition { parent_key, fields: inherited, is_new }];
    for router in &stream.partition_router {
        partitions = match router {
            Router::SubstreamPartitionRouter { partition_fields, when, .. } => {
                let fields =
                    parent.and_then(|parent| fields(&parent.value, partition_fields, when));
                let Some(fields) = fields else { return Vec::new() };
                partitions.iter_mut().for_each(|partition| partition.fields.extend(fields.clone()));
                partitions
            }
            Router::ListPartitionRouter { cursor_field, values } => {
                let with = |partition: &Partition, value: &String| {
                    let mut partition = partition.clone();
                    partition.fields.insert(cursor_field.clone(), value.clone());
                    let parent_key = [partition.parent_key.as_str(), value].join("/");
                    partition.parent_key = parent_key.trim_start_matches('/').to_owned();
                    partition
                };
                let all = partitions
                    .iter()
                    .flat_map(|partition| values.iter().map(move |value| with(partition, value)));
                all.collect()
            }
        };
    }
    partitions
}

fn fields(
    record: &Value,
    wanted: &BTreeMap<String, String>,
    when: &BTreeMap<String, Vec<String>>,
) -> Option<BTreeMap<String, String>> {
    let text = |path: &str| at_path(record, path).and_then(scalar).filter(|text| !text.is_empty());
    let fits =
        |path: &str, values: &[String]| text(path).is_some_and(|text| values.contains(&text));
    if !when.iter().all(|(path, values)| fits(path, values)) {
        return None;
    }
    wanted.iter().map(|(name, path)| Some((name.clone(), text(path)?))).collect()
}
