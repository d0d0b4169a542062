//! One reading of one list: which of its records are news, and what is no longer there.
//!
//! A list is one partition of a stream. It may be read several times in an extraction, and it may
//! have been read for an earlier snapshot; only what differs from the last time is landed as a
//! record. The reply itself is always landed whole.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use landing::exchange::RecordSpan;

use crate::manifest::Stream;
use crate::partitions::Partition;
use crate::reader::Reader;
use crate::selector::Found;
use crate::versions::{APPENDED, NEW, Version, Versions};

/// What a reading is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To land what is new.
    Land,
    /// To remember, from the journal alone, what an earlier round brought.
    Recall,
}

/// One reading of one list.
pub(crate) struct Reading<'a> {
    pub(crate) reader: &'a Reader<'a>,
    pub(crate) stream: &'a Stream,
    pub(crate) partition: &'a Partition,
    /// Which reading of this list it is in this extraction, from 0.
    pub(crate) round: u64,
    pub(crate) aim: Aim,
    state: Mutex<State>,
}

/// What came of a reading.
#[derive(Default)]
pub(crate) struct State {
    /// The newest version of each record in this extraction.
    pub(crate) seen: Versions,
    /// What the chain of earlier snapshots has; `None` where there is no such chain.
    pub(crate) parent: Option<Versions>,
    /// Keys that came in this very reading.
    pub(crate) present: HashSet<String>,
    /// What could not be read, and why.
    pub(crate) gaps: Vec<String>,
    /// The status that kept the list from being read at all.
    pub(crate) refused_with: Option<u16>,
    /// Records that were new or had moved.
    pub(crate) moved: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        reader: &'a Reader<'a>,
        stream: &'a Stream,
        partition: &'a Partition,
        round: u64,
        state: State,
    ) -> Self {
        let state = Mutex::new(state);
        Self { reader, stream, partition, round, aim: Aim::Land, state }
    }

    /// The same list as an earlier round saw it, from the journal.
    pub(crate) fn recall(
        reader: &'a Reader<'a>,
        stream: &'a Stream,
        partition: &'a Partition,
        round: u64,
    ) -> Self {
        let reading = Self::new(reader, stream, partition, round, State::default());
        Self { aim: Aim::Recall, ..reading }
    }

    pub(crate) fn into_state(self) -> State {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The class of change of a record that has to be landed; `None` for one that was landed as it
    /// is. The class is empty when there is no earlier snapshot to compare with.
    pub(crate) fn news(&self, found: &Found) -> Option<Option<String>> {
        let version = self.version(found);
        let state = self.state();
        let key = found.span.key.as_str();
        let in_parent = state.parent.as_ref().and_then(|parent| parent.get(key));
        let last = state.seen.get(key).or(in_parent);
        if last.is_some_and(|last| last.is_same(&version)) {
            return None;
        }
        let class = state.parent.as_ref().map(|_| match in_parent {
            Some(earlier) => version.change_from(earlier, self.stream),
            None if self.partition.is_new => NEW,
            None => APPENDED,
        });
        Some(class.map(str::to_owned))
    }

    /// The records that have to be landed; all others stay in the frame of the reply.
    pub(crate) fn spans_of_news(&self, found: &[Found]) -> Vec<RecordSpan> {
        let news = found.iter().filter_map(|found| {
            let change = self.news(found)?;
            Some(RecordSpan { change, ..found.span.clone() })
        });
        news.collect()
    }

    /// Takes the records of a reply in and says how many keys came for the first time.
    pub(crate) fn absorb(&self, found: &[Found]) -> usize {
        let mut new = 0;
        for record in found {
            let version = self.version(record);
            let key = &record.span.key;
            let mut state = self.state();
            new += usize::from(state.present.insert(key.clone()));
            let in_parent = state.parent.as_ref().and_then(|parent| parent.get(key));
            let earlier = state.seen.get(key).or(in_parent);
            let has_moved = earlier.is_none_or(|earlier| version.has_moved(earlier));
            let is_new = in_parent.is_none();
            state.moved += u64::from(has_moved);
            state.seen.insert(key.clone(), version);
            drop(state);
            if has_moved && self.aim == Aim::Land {
                self.reader.take(self.stream, record, is_new);
            }
        }
        new
    }

    pub(crate) fn gap(&self, reason: impl Into<String>) {
        self.state().gaps.push(reason.into());
    }

    fn version(&self, found: &Found) -> Version {
        Version::of(self.stream, &found.raw_sha256, &found.value)
    }
}
