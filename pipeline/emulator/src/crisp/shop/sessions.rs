//! One conversation of the shop: what it is planned to be and the item that lists show of it.
//!
//! What is said in it is `talk.rs`'s.

use serde_json::{Map, Value, json};

use super::super::preview;
use super::people::{self, FIRST_MS, LAST_MS, Operator};
use super::talk::Talk;
use super::words::{OPERATORS, SEGMENTS, SUBJECTS, URNS};
use crate::dice::Dice;

/// Conversations that exist for one hard case each; the first ones of a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Special {
    Forty,
    Eighty,
    Long,
    Empty,
    EqualMillis,
    AllTypes,
    OldTimes,
    SharedPrints,
    Blocked,
    DeadLink,
    NoOriginals,
    None,
}

/// Where a conversation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Chat,
    Email,
    Urn(&'static str),
    /// The item says nothing about it.
    Untold,
}

impl Channel {
    pub(super) fn origin(self) -> &'static str {
        match self {
            Channel::Chat | Channel::Untold => "chat",
            Channel::Email => "email",
            Channel::Urn(urn) => urn,
        }
    }
}

/// What a conversation is planned to be before anything is said.
pub(super) struct Plan {
    pub(super) ordinal: u64,
    pub(super) session_id: String,
    pub(super) website_id: String,
    pub(super) person: u64,
    pub(super) special: Special,
    pub(super) channel: Channel,
    pub(super) subject: Option<&'static str>,
    pub(super) is_imported: bool,
    pub(super) operator: usize,
    pub(super) messages: usize,
    pub(super) created_ms: i64,
}

impl Plan {
    pub(super) fn of(seed: u64, ordinal: u64, people: u64, website_id: &str) -> Plan {
        let mut dice = Dice::new(seed, "conversation", ordinal);
        let session_id = format!("session_{}", dice.uuid());
        let special = special(ordinal);
        // The smaller of two draws: a few people write often.
        let person = dice.below(people).min(dice.below(people));
        let channel = match (special, dice.below(100)) {
            (Special::NoOriginals, _) | (Special::None, 0..15) => Channel::Email,
            (Special::None, 15..23) => Channel::Urn(dice.pick::<&str>(URNS)),
            (Special::None, 23..40) => Channel::Untold,
            _ => Channel::Chat,
        };
        let messages = match special {
            Special::Forty => 40,
            Special::Eighty => 80,
            Special::Long => 620,
            Special::Empty => 0,
            Special::EqualMillis => 55,
            Special::AllTypes => 21,
            Special::OldTimes | Special::SharedPrints => 5,
            _ => 1 + dice.below(12) as usize + dice.below(12) as usize,
        };
        Plan {
            ordinal,
            session_id,
            website_id: website_id.to_owned(),
            person,
            special,
            channel,
            subject: (channel == Channel::Email).then(|| *dice.pick(SUBJECTS)),
            is_imported: special == Special::None && dice.chance(5),
            operator: dice.below(OPERATORS.len() as u64 - 1) as usize,
            messages,
            created_ms: dice.between(FIRST_MS, LAST_MS - 50 * 86_400_000),
        }
    }
}

/// The item of a conversation in which everything is said.
pub(super) fn line(seed: u64, talk: &Talk<'_>, inbox_id: &str) -> String {
    let (plan, person) = (talk.plan, talk.person);
    let mut dice = Dice::new(seed, "item", plan.ordinal);
    let mut item = Map::new();
    item.insert("session_id".into(), json!(plan.session_id));
    item.insert("website_id".into(), json!(plan.website_id));
    if dice.chance(10) {
        item.insert("inbox_id".into(), json!(inbox_id));
    }
    // A visitor without an address need not be a person yet.
    if person.email.is_some() || dice.chance(80) {
        item.insert("people_id".into(), json!(person.people_id));
    }
    let (state, status) = match dice.below(10) {
        0 => ("pending", 0),
        1..4 => ("unresolved", 1),
        _ => ("resolved", 2),
    };
    item.insert("state".into(), json!(state));
    item.insert("status".into(), json!(status));
    item.insert("is_blocked".into(), json!(plan.special == Special::Blocked));
    item.insert("availability".into(), json!("offline"));
    let last_ms = last_ms(talk);
    let active = match plan.channel {
        Channel::Email => json!({ "now": false }),
        _ => json!({ "now": false, "last": last_ms }),
    };
    item.insert("active".into(), active);
    previews(&mut item, talk);
    item.insert("mentions".into(), json!([]));
    let is_copied = plan.channel == Channel::Email && dice.chance(30);
    let copied = json!([{ "type": "email", "target": "cc@example.org" }]);
    item.insert("participants".into(), if is_copied { copied } else { json!([]) });
    if dice.chance(60) {
        item.insert("verifications".into(), verifications(plan.channel));
    }
    let operator = people::operator(seed, plan.operator);
    if dice.chance(97) {
        item.insert("compose".into(), compose(&operator, last_ms));
    }
    let unread = if state == "resolved" { 0 } else { dice.below(3) };
    item.insert("unread".into(), json!({ "operator": unread, "visitor": dice.below(2) }));
    let assigned = match dice.below(100) {
        0..50 => Value::Null,
        50..55 => json!({ "user_id": people::operator(seed, OPERATORS.len() - 1).user_id }),
        _ => json!({ "user_id": operator.user_id }),
    };
    item.insert("assigned".into(), assigned);
    item.insert("meta".into(), meta(talk, &mut dice));
    let is_old = plan.special == Special::OldTimes;
    let first_ms = if is_old { plan.created_ms } else { first_ms(talk) };
    item.insert("created_at".into(), json!(first_ms));
    let updated_ms = if plan.messages == 0 { first_ms } else { last_ms + dice.between(0, 1_500) };
    item.insert("updated_at".into(), json!(updated_ms));
    let waits =
        state != "resolved" && talk.messages.last().is_some_and(|last| last["from"] == "user");
    if waits {
        item.insert("waiting_since".into(), json!(last_ms));
    }
    people::respelled(&Value::Object(item).to_string())
}

fn special(ordinal: u64) -> Special {
    match ordinal {
        0 => Special::Forty,
        1 => Special::Eighty,
        2 => Special::Long,
        3 => Special::Empty,
        4 => Special::EqualMillis,
        5 => Special::AllTypes,
        6 => Special::OldTimes,
        7 | 8 => Special::SharedPrints,
        9 => Special::Blocked,
        10 => Special::DeadLink,
        11 => Special::NoOriginals,
        _ => Special::None,
    }
}

fn first_ms(talk: &Talk<'_>) -> i64 {
    let first = talk.messages.first().and_then(|message| message["timestamp"].as_i64());
    first.unwrap_or(talk.plan.created_ms) - if talk.plan.is_imported { 0 } else { 150 }
}

fn last_ms(talk: &Talk<'_>) -> i64 {
    let times = talk.messages.iter().filter_map(|message| message["timestamp"].as_i64());
    times.max().unwrap_or(talk.plan.created_ms)
}

/// `last_message` and `preview_message` of the newest message that is shown.
fn previews(item: &mut Map<String, Value>, talk: &Talk<'_>) {
    let Some(preview) = talk.messages.iter().rev().find_map(preview::of) else {
        return;
    };
    item.insert("last_message".into(), json!(preview.excerpt));
    item.insert("preview_message".into(), preview.card);
}

/// Who typed last, by operator; there is no excerpt any more.
fn compose(operator: &Operator, last_ms: i64) -> Value {
    let user = json!({
        "user_id": operator.user_id,
        "nickname": operator.nickname,
        "avatar": null,
    });
    let typing = json!({ "type": "stop", "excerpt": null, "timestamp": last_ms, "user": user });
    json!({ "operator": { operator.user_id.as_str(): typing }, "visitor": {} })
}

fn verifications(channel: Channel) -> Value {
    match channel {
        Channel::Email => json!([
            { "identity": "email", "method": "dkim", "annotation": "" },
            { "identity": "email", "method": "spf", "annotation": "" },
        ]),
        _ => json!([]),
    }
}

fn meta(talk: &Talk<'_>, dice: &mut Dice) -> Value {
    let (plan, person) = (talk.plan, talk.person);
    let mut meta = Map::new();
    meta.insert("nickname".into(), json!(person.nickname));
    meta.insert("email".into(), json!(person.email.as_deref().unwrap_or_default()));
    meta.insert("phone".into(), json!(""));
    meta.insert("avatar".into(), if dice.chance(50) { json!("") } else { Value::Null });
    meta.insert("ip".into(), json!(people::ip(dice)));
    if plan.channel != Channel::Untold {
        meta.insert("origin".into(), json!(plan.channel.origin()));
    }
    if let Some(subject) = plan.subject {
        meta.insert("subject".into(), json!(subject));
    }
    let mut segments: Vec<&str> = Vec::new();
    for _ in 0..dice.below(4) {
        let segment = *dice.pick(SEGMENTS);
        if !segments.contains(&segment) {
            segments.push(segment);
        }
    }
    meta.insert("segments".into(), json!(segments));
    let mut data = Map::new();
    if dice.chance(70) {
        data.insert("order".into(), json!(talk.order().to_string()));
    }
    if dice.chance(30) {
        data.insert("cart_total".into(), json!("#1.50#"));
        data.insert("is_guest".into(), json!(person.email.is_none()));
    }
    meta.insert("data".into(), Value::Object(data));
    if dice.chance(95) {
        let asn = 64_496 + dice.below(15);
        meta.insert(
            "connection".into(),
            json!({ "isp": "Example Net", "asn": format!("AS{asn}") }),
        );
    }
    meta.insert("device".into(), device(talk, dice));
    Value::Object(meta)
}

fn device(talk: &Talk<'_>, dice: &mut Dice) -> Value {
    let tongue = talk.person.tongue;
    if talk.plan.channel == Channel::Email {
        return json!({
            "capabilities": [],
            "geolocation": {},
            "system": { "os": {} },
            "locales": [],
        });
    }
    let city = if dice.chance(50) { Value::Null } else { json!("Sampletown") };
    let mut geolocation = json!({ "country": tongue.country, "region": null, "city": city });
    if dice.chance(60) {
        geolocation["coordinates"] = json!({ "latitude": 47.2, "longitude": -1.55 });
    }
    json!({
        "capabilities": ["browsing"],
        "geolocation": geolocation,
        "system": {
            "os": { "name": *dice.pick(&["iOS", "Android", "Windows"]), "version": "17" },
            "engine": { "name": "WebKit", "version": "605.1" },
            "browser": { "major": "17", "name": "Safari", "version": "17.4" },
            "useragent": "Mozilla/5.0 (invented)",
        },
        "timezone": tongue.timezone,
        "locales": [tongue.code],
    })
}
