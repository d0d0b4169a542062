//! The records of the organisation, shelf by shelf, ordered by their last update.
//!
//! It knows ids, times and which record belongs to which, and nothing of HTTP or of what a field
//! means to anybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::moment;

/// One record as it is kept. Addresses of files stand in it as marks; see `show.rs`.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: String,
    /// The record, or the name, that it is listed below.
    pub(super) parent: String,
    pub(super) updated_ms: i64,
    pub(super) value: Value,
}

impl Record {
    /// A record with the id and the times that its value tells.
    pub(super) fn new(parent: &str, value: Value) -> Record {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let updated_ms = moment::parse(value["attributes"]["updatedAt"].as_str().unwrap_or(""));
        Record {
            id: text(&value["id"]),
            parent: parent.to_owned(),
            updated_ms: updated_ms.unwrap_or(0),
            value,
        }
    }
}

/// Records of one kind.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    records: Vec<Record>,
    by_id: HashMap<String, usize>,
    by_parent: HashMap<String, Vec<usize>>,
}

impl Shelf {
    fn of(mut records: Vec<Record>) -> Shelf {
        records.sort_by(|one, other| (one.updated_ms, &one.id).cmp(&(other.updated_ms, &other.id)));
        let mut shelf = Shelf::default();
        for (place, record) in records.iter().enumerate() {
            shelf.by_id.insert(record.id.clone(), place);
            shelf.by_parent.entry(record.parent.clone()).or_default().push(place);
        }
        shelf.records = records;
        shelf
    }

    /// Every record, the one that was updated longest ago first.
    pub(super) fn all(&self) -> &[Record] {
        &self.records
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|place| &self.records[*place])
    }

    /// Those below one parent.
    pub(super) fn below(&self, parent: &str) -> Vec<&Record> {
        let places = self.by_parent.get(parent).map(Vec::as_slice).unwrap_or_default();
        places.iter().map(|place| &self.records[*place]).collect()
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) content_type: &'static str,
    pub(super) bytes: Vec<u8>,
}

/// Everything that the organisation has.
#[derive(Debug, Default)]
pub(super) struct Store {
    shelves: BTreeMap<&'static str, Shelf>,
    pub(super) files: HashMap<String, Stored>,
}

impl Store {
    pub(super) fn put(&mut self, shelf: &'static str, records: Vec<Record>) {
        self.shelves.insert(shelf, Shelf::of(records));
    }

    pub(super) fn shelf(&self, name: &str) -> Option<&Shelf> {
        self.shelves.get(name)
    }

    /// Sets when a record was updated; `false` when it is not there.
    pub(super) fn touch(&mut self, shelf: &str, id: &str, now_ms: i64) -> bool {
        self.change(shelf, |records| {
            let record = records.iter_mut().find(|record| record.id == id)?;
            record.updated_ms = now_ms;
            record.value["attributes"]["updatedAt"] = moment::text(now_ms).into();
            let rev = record.value["attributes"]["rev"].as_i64().unwrap_or(1);
            record.value["attributes"]["rev"] = (rev + 1).into();
            Some(())
        })
    }

    /// Adds a message to a conversation, in the image of one that its customer wrote; `false` when
    /// there is none.
    pub(super) fn say(&mut self, conversation: &str, id: &str, text: &str, now_ms: i64) -> bool {
        let is_said = self.change("messages", |records| {
            let is_like = |record: &&Record| {
                let attributes = &record.value["attributes"];
                record.parent == conversation
                    && attributes["direction"] == "in"
                    && record.value["links"]["related"].is_null()
                    && record.value["relationships"]["attachments"].is_null()
            };
            let mut message = records.iter().find(is_like)?.clone();
            message.id = id.to_owned();
            message.updated_ms = now_ms;
            message.value["id"] = id.into();
            let attributes = &mut message.value["attributes"];
            attributes["preview"] = text.into();
            attributes["directionType"] = "followup-in".into();
            for time in ["createdAt", "updatedAt", "modifiedAt", "sentAt"] {
                if !attributes[time].is_null() {
                    attributes[time] = moment::text(now_ms).into();
                }
            }
            records.push(message);
            Some(())
        });
        is_said && self.touch("conversations", conversation, now_ms)
    }

    /// Takes a record away with what is listed below it; `false` when it is not there.
    pub(super) fn delete(&mut self, shelf: &str, id: &str) -> bool {
        let is_gone = self.change(shelf, |records| {
            let place = records.iter().position(|record| record.id == id)?;
            records.remove(place);
            Some(())
        });
        let names: Vec<&str> = self.shelves.keys().copied().collect();
        for name in names.into_iter().filter(|name| *name != shelf) {
            self.change(name, |records| {
                let before = records.len();
                records.retain(|record| record.parent != id);
                (records.len() != before).then_some(())
            });
        }
        is_gone
    }

    /// The ids on every shelf.
    pub(super) fn inventory(&self) -> BTreeMap<String, BTreeSet<String>> {
        let ids = |shelf: &Shelf| shelf.records.iter().map(|record| record.id.clone()).collect();
        self.shelves.iter().map(|(name, shelf)| ((*name).to_owned(), ids(shelf))).collect()
    }

    fn change(&mut self, shelf: &str, change: impl FnOnce(&mut Vec<Record>) -> Option<()>) -> bool {
        let Some(found) = self.shelves.get_mut(shelf) else { return false };
        let is_changed = change(&mut found.records).is_some();
        if is_changed {
            *found = Shelf::of(std::mem::take(&mut found.records));
        }
        is_changed
    }
}
