//! What is said in one conversation: its messages, the files they carry and the original e-mails.
//!
//! It owns the shape of a message. The conversation around it is `sessions.rs`'s.

use serde_json::{Map, Value, json};

use super::super::store::FileNote;
use super::people::{self, LAST_MS, Operator, Person};
use super::sessions::{Channel, Plan, Special};
use super::words::{OPERATORS, PRODUCTS};
use crate::dice::Dice;

/// Until then the removed operator answered; 2024-03-01.
const REMOVED_AT_MS: i64 = 1_709_251_200_000;

/// Everything said in one conversation.
pub(super) struct Talk<'a> {
    pub(super) plan: &'a Plan,
    pub(super) person: &'a Person,
    pub(super) messages: Vec<Value>,
    pub(super) originals: Vec<Value>,
    pub(super) files: Vec<(String, FileNote, Vec<u8>)>,
    pub(super) seed: u64,
    pub(super) dice: Dice,
    clock_ms: i64,
    pub(super) order: u64,
    pub(super) product: &'static str,
    pub(super) previous_file: Option<(String, String)>,
    pub(super) has_dead_link: bool,
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Customer,
    Copied,
    Operator,
    Bot,
}

impl<'a> Talk<'a> {
    /// Says everything.
    pub(super) fn of(seed: u64, plan: &'a Plan, person: &'a Person) -> Talk<'a> {
        let mut dice = Dice::new(seed, "talk", plan.ordinal);
        let order = 100_000 + dice.below(900_000);
        let product = *dice.pick(PRODUCTS);
        let mut talk = Talk {
            plan,
            person,
            messages: Vec::new(),
            originals: Vec::new(),
            files: Vec::new(),
            seed,
            dice,
            clock_ms: plan.created_ms,
            order,
            product,
            previous_file: None,
            has_dead_link: false,
        };
        for at in 0..plan.messages {
            talk.tick(at);
            talk.say(at);
        }
        talk
    }

    /// The order number the customer talks about.
    pub(super) fn order(&self) -> u64 {
        self.order
    }

    fn tick(&mut self, at: usize) {
        let is_same_moment = match self.plan.special {
            Special::EqualMillis => (11..=20).contains(&at),
            Special::Long => (576..=585).contains(&at) || (97..=104).contains(&at),
            _ => self.dice.chance(3),
        };
        if at == 0 || !is_same_moment {
            let gap_ms = match self.dice.below(100) {
                0..70 => self.dice.between(2_000, 240_000),
                70..95 => self.dice.between(240_000, 5_400_000),
                _ => self.dice.between(86_400_000, 20 * 86_400_000),
            };
            let gap_ms = if self.plan.special == Special::Long { gap_ms / 40 + 1 } else { gap_ms };
            self.clock_ms += if self.clock_ms + gap_ms > LAST_MS { 1_000 } else { gap_ms };
        }
        // Imported histories know seconds only, so many of their messages share a millisecond.
        if self.plan.is_imported {
            self.clock_ms -= self.clock_ms % 1_000;
        }
    }

    fn say(&mut self, at: usize) {
        let side = self.side(at);
        let kind = match self.plan.special {
            Special::AllTypes => ALL_TYPES[at % ALL_TYPES.len()],
            Special::DeadLink if at == 1 => "file",
            _ if at == 0 => "text",
            _ => self.kind(side),
        };
        let side = match (kind, side) {
            ("note" | "event" | "carousel", _) => Side::Operator,
            ("picker" | "field", _) => Side::Bot,
            (_, side) => side,
        };
        let content = self.content(kind, side, at);
        let timestamp = match (self.plan.special, at) {
            (Special::OldTimes, 0) => 0,
            (Special::OldTimes, 1) => 946_684_799_000,
            _ => self.clock_ms,
        };
        let mut message = Map::new();
        message.insert("session_id".into(), json!(self.plan.session_id));
        message.insert("website_id".into(), json!(self.plan.website_id));
        message.insert("type".into(), json!(kind));
        let from = if matches!(side, Side::Customer | Side::Copied) { "user" } else { "operator" };
        message.insert("from".into(), json!(from));
        message.insert("origin".into(), json!(self.origin(side)));
        message.insert("content".into(), content);
        message.insert("preview".into(), json!([]));
        let mentions = if kind == "note" && self.dice.chance(50) {
            vec![self.operator().user_id]
        } else {
            vec![]
        };
        message.insert("mentions".into(), json!(mentions));
        let seen = ["", self.plan.channel.origin(), "chat"];
        message.insert("read".into(), json!(*self.dice.pick(&seen)));
        message.insert("delivered".into(), json!(*self.dice.pick(&seen)));
        self.flags(&mut message, kind, side, at);
        message.insert("stamped".into(), json!(true));
        message.insert("fingerprint".into(), json!(self.fingerprint(at)));
        message.insert("timestamp".into(), json!(timestamp));
        message.insert("user".into(), self.user(side));
        self.extras(&mut message, kind, timestamp);
        self.messages.push(Value::Object(message));
    }

    fn side(&mut self, at: usize) -> Side {
        if at == 0 {
            return Side::Customer;
        }
        match self.dice.below(100) {
            0..3 if self.plan.channel == Channel::Email => Side::Copied,
            roll if roll < 6 => Side::Bot,
            roll if roll < 88 && !at.is_multiple_of(2) => Side::Operator,
            _ => Side::Customer,
        }
    }

    fn kind(&mut self, side: Side) -> &'static str {
        let roll = self.dice.below(100);
        match (side, roll) {
            (Side::Customer | Side::Copied, 0..5) => "file",
            (Side::Customer, 5..7) => "audio",
            (Side::Operator, 0..9) => "note",
            (Side::Operator, 9..12) => "file",
            (Side::Operator, 12..14) => "animation",
            (Side::Operator, 14..15) => "carousel",
            (Side::Operator, 15..18) => "event",
            (Side::Bot, 0..30) => "picker",
            (Side::Bot, 30..45) => "field",
            _ => "text",
        }
    }

    fn flags(&mut self, message: &mut Map<String, Value>, kind: &str, side: Side, at: usize) {
        let is_edited = at > 0 && (self.dice.chance(3) || kind == "picker");
        if is_edited {
            message.insert("edited".into(), json!(true));
        } else if self.dice.chance(50) {
            message.insert("edited".into(), json!(false));
        }
        if side == Side::Bot {
            message.insert("automated".into(), json!(true));
        }
        if self.person.tongue.code != "en" && self.dice.chance(10) {
            message.insert("translated".into(), json!(true));
        }
    }

    fn extras(&mut self, message: &mut Map<String, Value>, kind: &str, timestamp: i64) {
        if kind == "text" && self.plan.channel == Channel::Email {
            let original_id = self.dice.uuid();
            message.insert("original".into(), json!({ "original_id": original_id }));
            if self.plan.special != Special::NoOriginals && !self.dice.chance(3) {
                self.originals.push(self.original(&original_id, message, timestamp));
            }
        }
        match self.dice.below(100) {
            0..2 => {
                let target = "https://shop.example/terms";
                let references = json!([{ "type": "link", "name": "Terms", "target": target }]);
                message.insert("references".into(), references);
            }
            2..4 => {
                drop(message.insert(
                    "properties".into(),
                    json!({ "rank": 3, "score": 0.5, "is_test": false }),
                ))
            }
            4..5 => {
                let refusal = json!({ "type": "failed", "reason": "window closed" });
                message.insert("ignored".into(), json!({ "urn:crisp.im:whatsapp:0": refusal }));
            }
            5..20 => drop(message.insert("references".into(), json!([]))),
            _ => {}
        }
    }

    fn original(&self, original_id: &str, message: &Map<String, Value>, timestamp: i64) -> Value {
        let text = message["content"].as_str().unwrap_or_default();
        let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('\n', "<br>");
        let subject = self.plan.subject.unwrap_or("(none)");
        json!({
            "website_id": self.plan.website_id,
            "session_id": self.plan.session_id,
            "original_id": original_id,
            "type": "text/html",
            "headers": {
                "Subject": subject,
                "Message-ID": format!("<{original_id}@mail.example>"),
                "Date": timestamp.to_string(),
            },
            "content": format!(
                "<html><head><style>p{{margin:0}}</style></head><body><p>{html}</p>\
                 <blockquote type=\"cite\">On Monday the shop wrote: …</blockquote></body></html>"
            ),
            "timestamp": timestamp,
        })
    }

    /// Clock in milliseconds with 2 or 3 more digits; unlike the timestamp and never twice here.
    fn fingerprint(&mut self, at: usize) -> i64 {
        match (self.plan.special, at) {
            (Special::SharedPrints, 0) => return -333,
            (Special::SharedPrints, 1) => return 173_568_960_010_042,
            (Special::OldTimes, 0) => return 4_294_967_297,
            _ => {}
        }
        let clock_ms = self.clock_ms - 122;
        let drawn = if self.dice.chance(2) {
            clock_ms * 1_000 + self.dice.between(0, 999)
        } else {
            clock_ms * 100 + self.dice.between(0, 99)
        };
        let is_taken = |print: i64| {
            self.messages.iter().any(|message| message["fingerprint"].as_i64() == Some(print))
        };
        (drawn..).find(|print| !is_taken(*print)).expect("a conversation leaves numbers free")
    }

    fn user(&mut self, side: Side) -> Value {
        match side {
            Side::Customer => {
                let mut user =
                    json!({ "user_id": self.plan.session_id, "nickname": self.person.nickname });
                if self.dice.chance(30) {
                    user["avatar"] = Value::Null;
                }
                user
            }
            Side::Copied => json!({ "type": "participant", "nickname": "cc@example.org" }),
            Side::Bot => {
                let avatar = "https://img.example/bot.png";
                json!({ "type": "website", "nickname": "Brew Bot", "avatar": avatar })
            }
            Side::Operator if self.plan.is_imported => {
                json!({ "nickname": self.operator().nickname })
            }
            Side::Operator => {
                let Operator { user_id, nickname } = self.operator();
                json!({ "user_id": user_id, "nickname": nickname, "avatar": null })
            }
        }
    }

    pub(super) fn operator(&mut self) -> Operator {
        let removed = OPERATORS.len() - 1;
        if self.clock_ms < REMOVED_AT_MS && self.dice.chance(30) {
            return people::operator(self.seed, removed);
        }
        let offset = if self.dice.chance(80) { 0 } else { 1 };
        people::operator(self.seed, (self.plan.operator + offset) % removed)
    }

    fn origin(&self, side: Side) -> &'static str {
        match side {
            Side::Bot => "urn:crisp.im:bot:0",
            _ => self.plan.channel.origin(),
        }
    }
}

/// The nine types and one that is not documented.
const ALL_TYPES: [&str; 10] = [
    "text",
    "note",
    "file",
    "animation",
    "audio",
    "picker",
    "field",
    "carousel",
    "event",
    "hologram",
];
