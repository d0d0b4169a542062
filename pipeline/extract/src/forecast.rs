//! How many calls are still to make, as far as it can be told by now.
//!
//! Lists that are known count with the calls that such lists took so far; lists below records that
//! were not read yet are expected in the proportion seen so far.

use std::collections::BTreeMap;

use crate::manifest::Stream;
use crate::partitions::parent_of;

/// What is known of the work on each stream.
#[derive(Debug, Default)]
pub(crate) struct Forecast {
    streams: BTreeMap<String, Work>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Work {
    found: u64,
    done: u64,
    calls: u64,
}

impl Forecast {
    /// A list of the stream is to be read.
    pub(crate) fn found(&mut self, stream: &str) {
        self.work(stream).found += 1;
    }

    /// A list of the stream was read.
    pub(crate) fn done(&mut self, stream: &str) {
        self.work(stream).done += 1;
    }

    /// Calls were made for the stream.
    pub(crate) fn called(&mut self, stream: &str, calls: u64) {
        self.work(stream).calls += calls;
    }

    /// Calls to go, over streams in the order in which they are read.
    pub(crate) fn to_go<'a>(&self, streams: impl Iterator<Item = &'a Stream>) -> u64 {
        let mut expected: BTreeMap<&str, f64> = BTreeMap::new();
        let mut calls = 0.0;
        for stream in streams {
            let work = self.streams.get(&stream.name).copied().unwrap_or_default();
            let parent = parent_of(stream);
            let lists = match parent {
                None => 1.0,
                Some(parent) => {
                    let of_parent = self.streams.get(parent).copied().unwrap_or_default();
                    let share =
                        expected.get(parent).copied().unwrap_or(0.0) / of_parent.done.max(1) as f64;
                    work.found as f64 * share.max(1.0)
                }
            };
            let each = if work.done > 0 { work.calls as f64 / work.done as f64 } else { 1.0 };
            calls += (lists - work.done as f64).max(0.0) * each.max(1.0);
            expected.insert(&stream.name, lists);
        }
        calls.ceil() as u64
    }

    fn work(&mut self, stream: &str) -> &mut Work {
        self.streams.entry(stream.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Vec<Stream> {
        let child = |name: &str, parent: &str| {
            format!(
                "name = \"{name}\"\npath = \"/{{{{ stream_partition.id }}}}\"\nkey = [\"x\"]\n\
                 partition_router = {{ type = \"SubstreamPartitionRouter\", parent_stream = \"{parent}\", partition_fields = {{ id = \"id\" }} }}"
            )
        };
        let root = "name = \"a\"\npath = \"/\"\nkey = [\"x\"]".to_owned();
        let texts = [root, child("b", "a"), child("c", "b")];
        texts.iter().map(|text| toml::from_str(text).expect("reads")).collect()
    }

    #[test]
    fn grandchildren_are_expected_in_the_proportion_seen_so_far() {
        let mut forecast = Forecast::default();
        forecast.done("a");
        (0..100).for_each(|_| forecast.found("b"));
        (0..10).for_each(|_| forecast.done("b"));
        forecast.called("b", 20);
        (0..5).for_each(|_| forecast.found("c"));
        // 90 lists of b at two calls each, and 50 lists of c at one.
        assert_eq!(forecast.to_go(streams().iter()), 180 + 50);
    }
}
