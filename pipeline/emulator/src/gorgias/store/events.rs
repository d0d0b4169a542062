//! Owns the event log: what happened to which object, in which call, by whom.
//! It is append-only and must not know what the objects are made of.

use std::collections::BTreeSet;
use std::collections::HashMap;

use serde_json::Value;

use super::super::instant::Instant;
use super::super::paging::{Key, Ordered, Place};

/// First event id; the vendor's are known to be beyond 32 bits.
const EVENTS_FROM: u64 = 2_190_948_998;

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gorgias) struct Subject(pub &'static str, pub u64);

/// One entry.
pub(in crate::gorgias) struct Event {
    /// Its id.
    pub id: u64,
    /// When.
    pub created: Instant,
    /// What happened.
    pub kind: &'static str,
    /// To what.
    pub on: Subject,
    /// By whom.
    pub user: u64,
    /// Number of the call.
    pub context: u64,
}

/// All events, oldest first.
#[derive(Default)]
pub(in crate::gorgias) struct Log {
    events: Vec<Event>,
    data: HashMap<u64, Value>,
    by_object: BTreeSet<(u64, u64)>,
}

/// A stretch of the log, between two times.
pub(in crate::gorgias) struct Stretch<'a>(&'a [Event]);

impl Log {
    /// Appends one event.
    pub(in crate::gorgias) fn add(
        &mut self,
        at: Instant,
        kind: &'static str,
        on: Subject,
        user: u64,
        context: u64,
        data: Option<Value>,
    ) {
        let id = EVENTS_FROM + self.events.len() as u64;
        // Work that was due earlier may be noted later; the log itself never runs backwards.
        let created = self.events.last().map_or(at, |last| last.created.max(at));
        if let Some(data) = data {
            self.data.insert(id, data);
        }
        self.by_object.insert((on.1, id));
        self.events.push(Event { id, created, kind, on, user, context });
    }

    /// One event.
    pub(in crate::gorgias) fn get(&self, id: u64) -> Option<&Event> {
        let position = usize::try_from(id.checked_sub(EVENTS_FROM)?).ok()?;
        self.events.get(position)
    }

    /// What an event says besides its kind.
    pub(in crate::gorgias) fn data(&self, id: u64) -> Option<&Value> {
        self.data.get(&id)
    }

    /// The events of one object.
    pub(in crate::gorgias) fn about(&self, object: u64) -> Vec<Place> {
        let ids = self.by_object.range((object, 0)..=(object, u64::MAX));
        ids.map(|(_, id)| (Key::Number(*id as i64), *id)).collect()
    }

    /// The events from one time to before another.
    pub(in crate::gorgias) fn between(&self, from: Instant, before: Instant) -> Stretch<'_> {
        let low = self.events.partition_point(|event| event.created < from);
        let high = self.events.partition_point(|event| event.created < before).max(low);
        Stretch(&self.events[low..high])
    }

    /// How many there are.
    pub(in crate::gorgias) fn len(&self) -> usize {
        self.events.len()
    }
}

impl Ordered for Stretch<'_> {
    fn walk(&self, from: Option<Place>, descending: bool) -> Box<dyn Iterator<Item = Place> + '_> {
        let show = |event: &Event| (Key::Number(event.id as i64), event.id);
        let at = from.map(|(_, id)| id);
        let up_to = |bound: u64| self.0.partition_point(|event| event.id <= bound);
        let below = |bound: u64| self.0.partition_point(|event| event.id < bound);
        match (at, descending) {
            (None, false) => Box::new(self.0.iter().map(show)),
            (None, true) => Box::new(self.0.iter().rev().map(show)),
            (Some(at), false) => Box::new(self.0[up_to(at)..].iter().map(show)),
            (Some(at), true) => Box::new(self.0[..below(at)].iter().rev().map(show)),
        }
    }
}
