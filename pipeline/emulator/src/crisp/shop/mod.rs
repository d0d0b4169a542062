//! An invented shop's support, made from a seed and a size: the same two give the same bytes.
//!
//! The first twelve conversations hold one hard case each; the rest is ordinary. Names and
//! addresses are under example domains, network addresses from the documentation ranges, times
//! 2023–2025 but for one conversation of old times. It must not know how records are served.

mod around;
mod content;
mod files;
mod helpdesk;
mod people;
mod sessions;
mod talk;
mod words;

use std::io;

use bytes::Bytes;
use serde_json::{Value, json};

use super::store::{Content, FileNote, Store, Stream};
use crate::dice::Dice;
use sessions::Plan;
use talk::Talk;

/// Takes the shop's records as they are made.
pub(crate) trait Intake {
    /// One record of a stream; a message comes after its conversation.
    fn record(&mut self, stream: Stream, text: &str) -> io::Result<()>;
    /// A short list.
    fn list(&mut self, name: &str, entries: Vec<String>) -> io::Result<()>;
    /// An uploaded file.
    fn file(&mut self, id: &str, note: FileNote, bytes: Vec<u8>) -> io::Result<()>;
}

/// Makes all records of a shop.
pub(crate) fn generate(
    seed: u64,
    conversations: usize,
    website_id: &str,
    intake: &mut dyn Intake,
) -> io::Result<()> {
    let inboxes = inboxes(seed);
    let inbox_id = inboxes[0]["inbox_id"].as_str().unwrap_or_default().to_owned();
    intake.list("operators", people::operator_rows(seed))?;
    intake.list("inboxes", inboxes.iter().map(Value::to_string).collect())?;
    intake.list("teams", vec![team(seed).to_string()])?;
    helpdesk::lists(seed, intake)?;
    let people = (conversations as u64 * 3).div_ceil(4).max(1);
    around::lists(seed, people, intake)?;
    for ordinal in 0..people {
        intake.record(Stream::People, &people::line(seed, ordinal))?;
    }
    for ordinal in 0..conversations as u64 {
        let plan = Plan::of(seed, ordinal, people, website_id);
        let person = people::person(seed, plan.person);
        let talk = Talk::of(seed, &plan, &person);
        intake.record(Stream::Conversations, &sessions::line(seed, &talk, &inbox_id))?;
        for message in &talk.messages {
            intake.record(Stream::Messages, &spelled(message))?;
        }
        for original in &talk.originals {
            intake.record(Stream::Originals, &original.to_string())?;
        }
        for (id, note, bytes) in talk.files {
            intake.file(&id, note, bytes)?;
        }
    }
    Ok(())
}

/// The bytes of a picture that belongs to a name; the same name gives the same ones.
pub(crate) fn picture(name: &str) -> Vec<u8> {
    files::file(files::Kind::Png, name, &mut Dice::new(0, name, 0)).1
}

/// The shop as a store in memory.
pub(crate) fn store(seed: u64, conversations: usize, website_id: &str) -> Store {
    let mut store = Store::default();
    generate(seed, conversations, website_id, &mut store).expect("memory takes every record");
    store.settle();
    store
}

impl Intake for Store {
    fn record(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        self.put(stream, text).map_err(io::Error::other)
    }

    fn list(&mut self, name: &str, entries: Vec<String>) -> io::Result<()> {
        self.set_list(name, entries).map_err(io::Error::other)
    }

    fn file(&mut self, id: &str, note: FileNote, bytes: Vec<u8>) -> io::Result<()> {
        self.files.insert(id.to_owned(), (note, Content::Memory(Bytes::from(bytes))));
        Ok(())
    }
}

/// One message in ten has its letters escaped, which a re-written record would lose.
fn spelled(message: &Value) -> String {
    let text = message.to_string();
    if message["fingerprint"].as_i64().unwrap_or_default() % 10 != 3 {
        return text;
    }
    let mut escaped = String::with_capacity(text.len());
    let mut units = [0; 2];
    for letter in text.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

fn inboxes(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed, "inbox", 0);
    let mut inbox = |name: &str, order: u64| {
        json!({
            "inbox_id": dice.uuid(), "name": name, "emoji": "📥", "order": order, "operators": [],
            "operator": "and", "conditions": [],
            "created_at": people::FIRST_MS, "updated_at": people::FIRST_MS,
        })
    };
    vec![inbox("Wholesale", 1), inbox("Retail / Détail", 2)]
}

fn team(seed: u64) -> Value {
    json!({
        "team_id": Dice::new(seed, "team", 0).uuid(), "name": "Returns", "emoji": "📦",
        "operators": [people::operator(seed, 1).user_id, people::operator(seed, 2).user_id],
        "created_at": people::FIRST_MS, "updated_at": people::FIRST_MS,
    })
}
