//! A workspace that moves by itself: after which call what happens, by seeded dice.
//!
//! The n-th call meets the same event in every run of a seed; ids and targets come from the dice
//! too, and only times come from the clock. It must not know of HTTP.

use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::change::{self, Change};
use super::raw;
use super::store::{Message, Store};
use crate::dice::Dice;

/// How a workspace moves while it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moving {
    /// Seed of the dice.
    pub seed: u64,
    /// Events in 1,000 API calls; above 1,000 some calls meet several.
    pub rate: u32,
    /// Conversations and profiles appear too.
    pub newborn: bool,
    /// Conversations, messages and profiles disappear too.
    pub deletions: bool,
    /// The workspace is still after this many events; `None` is never.
    pub events_max: Option<u64>,
}

impl Default for Moving {
    fn default() -> Self {
        Moving { seed: 1, rate: 100, newborn: true, deletions: true, events_max: None }
    }
}

/// What can happen, with how many times in 100 it does.
const EVENTS: [(Event, u64); 10] = [
    (Event::Touch, 22),
    (Event::Say, 20),
    (Event::Edit, 10),
    (Event::State, 6),
    (Event::Create, 12),
    (Event::Delete, 9),
    (Event::DeleteMessage, 8),
    (Event::Profile, 6),
    (Event::CreateProfile, 4),
    (Event::DeleteProfile, 3),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Touch,
    Say,
    Edit,
    State,
    Create,
    Delete,
    DeleteMessage,
    Profile,
    CreateProfile,
    DeleteProfile,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Event::Touch => "touch",
            Event::Say => "say",
            Event::Edit => "edit",
            Event::State => "state",
            Event::Create => "create",
            Event::Delete => "delete",
            Event::DeleteMessage => "delete_message",
            Event::Profile => "profile",
            Event::CreateProfile => "create_profile",
            Event::DeleteProfile => "delete_profile",
        }
    }
}

impl Moving {
    /// How many events the `call`-th call meets.
    pub(crate) fn due(&self, call: u64) -> u64 {
        let mut dice = Dice::new(self.seed, "moving", call);
        let (whole, part) = (u64::from(self.rate / 1_000), u64::from(self.rate % 1_000));
        whole + u64::from(dice.below(1_000) < part)
    }

    /// Makes the `nth` event of a call and tells its name; nothing where it finds no target.
    pub(crate) fn make(
        &self,
        store: &mut Store,
        website_id: &str,
        (call, nth): (u64, u64),
        now_ms: i64,
    ) -> Option<&'static str> {
        let mut dice = Dice::new(self.seed, "event", call * 1_000 + nth);
        let event = self.pick(&mut dice);
        let change = Draw { store, website_id, dice }.change(event)?;
        change::make(store, &change, now_ms).ok()?;
        Some(event.name())
    }

    fn pick(&self, dice: &mut Dice) -> Event {
        let happens = |event: Event| match event {
            Event::Create | Event::CreateProfile => self.newborn,
            Event::Delete | Event::DeleteMessage | Event::DeleteProfile => self.deletions,
            _ => true,
        };
        let total = EVENTS.iter().filter(|(event, _)| happens(*event)).map(|(_, share)| share);
        let mut left = dice.below(total.sum());
        for (event, share) in EVENTS.into_iter().filter(|(event, _)| happens(*event)) {
            if left < share {
                return event;
            }
            left -= share;
        }
        Event::Touch
    }
}

/// Draws the particulars of one event.
struct Draw<'a> {
    store: &'a Store,
    website_id: &'a str,
    dice: Dice,
}

impl Draw<'_> {
    fn change(mut self, event: Event) -> Option<Change> {
        Some(match event {
            Event::Touch => Change::Touch { session_id: self.session()?, at_ms: None },
            Event::Say => {
                let session_id = self.session()?;
                Change::Say { message: self.message(&session_id) }
            }
            Event::Edit => {
                let (session_id, fingerprint) = self.spoken(Draw::is_text)?;
                let content = json!(format!("edited {}", self.dice.below(1_000)));
                Change::Edit { session_id, fingerprint, content }
            }
            Event::State => {
                let state = *self.dice.pick(&["pending", "unresolved", "resolved"]);
                Change::State { session_id: self.session()?, state: state.to_owned() }
            }
            Event::Create => self.conversation(),
            Event::Delete => Change::Delete { session_id: self.session()? },
            Event::DeleteMessage => {
                let (session_id, fingerprint) = self.spoken(|_, _| true)?;
                Change::DeleteMessage { session_id, fingerprint }
            }
            Event::Profile => {
                let people_id = self.people_id()?;
                let note = format!("called {} times", self.dice.below(1_000));
                let (field, value) = match self.dice.below(2) {
                    0 => ("notepad", json!(note)),
                    _ => ("_data", json!({ "calls": self.dice.below(1_000) })),
                };
                Change::Profile { people_id, field: field.to_owned(), value }
            }
            Event::CreateProfile => {
                let people_id = self.dice.uuid();
                let number = self.dice.below(100_000);
                Change::CreateProfile {
                    profile: text_of(&json!({
                        "people_id": people_id,
                        "email": format!("newborn{number}@post.example"),
                        "person": { "nickname": format!("newborn{number}") },
                        "company": { "phones": [], "emails": [], "tags": [] },
                        "segments": ["newborn"],
                        "active": { "now": true },
                    })),
                }
            }
            Event::DeleteProfile => Change::DeleteProfile { people_id: self.people_id()? },
        })
    }

    fn session(&mut self) -> Option<String> {
        let position = pick(&mut self.dice, &self.store.by_created.all)?;
        Some(self.store.conversation(position).keys.session_id.clone())
    }

    fn people_id(&mut self) -> Option<String> {
        let position = pick(&mut self.dice, &self.store.people_by_created)?;
        Some(self.store.person_at(position).keys.people_id.clone())
    }

    /// A message of a conversation, among those that pass.
    fn spoken(&mut self, passes: fn(&Self, &Message) -> bool) -> Option<(String, i64)> {
        let position = pick(&mut self.dice, &self.store.by_created.started)?;
        let conversation = self.store.conversation(position);
        let messages = conversation.messages.iter().filter(|message| passes(self, message));
        let messages: Vec<Message> = messages.copied().collect();
        let message = pick(&mut self.dice, &messages)?;
        Some((conversation.keys.session_id.clone(), message.fingerprint))
    }

    fn is_text(&self, message: &Message) -> bool {
        raw::field(&self.store.message_text(message), "type") == Some("\"text\"")
    }

    fn conversation(&mut self) -> Change {
        let session_id = format!("session_{}", self.dice.uuid());
        let messages = 1 + self.dice.below(3);
        let messages = (0..messages).map(|_| self.message(&session_id)).collect();
        let number = self.dice.below(100_000);
        let conversation = text_of(&json!({
            "session_id": session_id,
            "website_id": self.website_id,
            "people_id": self.people_id(),
            "state": "pending",
            "status": 0,
            "is_blocked": false,
            "availability": "online",
            "active": { "now": true },
            "mentions": [],
            "participants": [],
            "unread": { "operator": 1, "visitor": 0 },
            "assigned": null,
            "meta": {
                "nickname": format!("visitor{number}"), "email": "", "phone": "", "avatar": "",
                "origin": "chat", "segments": ["newborn"], "data": {},
                "device": { "geolocation": {} },
            },
        }));
        Change::Create { conversation, messages }
    }

    fn message(&mut self, session_id: &str) -> Box<RawValue> {
        let fingerprint = self.dice.between(100_000_000_000_000, 999_999_999_999_999);
        text_of(&json!({
            "session_id": session_id,
            "website_id": self.website_id,
            "type": "text",
            "from": "user",
            "origin": "chat",
            "content": format!("something new {}", self.dice.below(1_000_000)),
            "preview": [],
            "mentions": [],
            "read": "",
            "delivered": "",
            "stamped": true,
            "fingerprint": fingerprint,
            "user": { "user_id": session_id, "nickname": "visitor" },
        }))
    }
}

fn pick<T: Copy>(dice: &mut Dice, items: &[T]) -> Option<T> {
    (!items.is_empty()).then(|| *dice.pick(items))
}

fn text_of(value: &serde_json::Value) -> Box<RawValue> {
    to_raw_value(value).expect("a value is always JSON")
}
