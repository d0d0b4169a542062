//! What lies around the conversations: spam, events of people, campaigns and blocked visitors.
//!
//! It owns these short lists and nothing that is said.

use std::io;

use serde_json::{Value, json};

use super::Intake;
use super::people::{self, FIRST_MS, LAST_MS};
use crate::dice::Dice;

/// Spam mails in quarantine: more than one page of 20.
const SPAMS: u64 = 23;

/// Events of the one person who has more of them than a page holds.
const MANY_EVENTS: u64 = 27;

const COLORS: [&str; 4] = ["red", "orange", "green", "blue"];

/// Fills the lists around a shop of so many people.
pub(super) fn lists(seed: u64, people: u64, intake: &mut dyn Intake) -> io::Result<()> {
    let mut fill = |name: &str, rows: Vec<Value>| {
        intake.list(name, rows.iter().map(Value::to_string).collect())
    };
    fill("spams", (0..SPAMS).map(|ordinal| spam(seed, ordinal)).collect())?;
    fill("blocked", blocked(seed))?;
    fill("events", (0..people).flat_map(|ordinal| events(seed, ordinal)).collect())?;
    let campaigns = campaigns(seed);
    let deliveries = (0..people).flat_map(|ordinal| deliveries(seed, ordinal, &campaigns));
    fill("deliveries", deliveries.collect())?;
    fill("campaigns", campaigns)
}

fn spam(seed: u64, ordinal: u64) -> Value {
    let mut dice = Dice::new(seed, "spam", ordinal);
    let subject = *dice.pick(&["You have won", "Ré: votre facture", "SEO offer №1", "中奖通知"]);
    let spam_id = dice.uuid();
    json!({
        "spam_id": spam_id,
        "type": "email",
        "reason": *dice.pick(&["score", "blocklist"]),
        "metadata": { "from": format!("bulk{ordinal}@mail.example"), "subject": subject },
        "headers": { "Subject": subject, "Message-ID": format!("<{spam_id}@mail.example>") },
        "timestamp": dice.between(FIRST_MS, LAST_MS),
        "content": format!("<html><body><p>{subject} &amp; more</p></body></html>"),
    })
}

fn blocked(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed, "blocked", 0);
    let mut rule =
        |rule: String| json!({ "rule": rule, "blocked_until": dice.between(FIRST_MS, LAST_MS) });
    vec![
        rule("192.0.2.66".to_owned()),
        rule("2001:db8::bad".to_owned()),
        json!({ "rule": "spammer@mail.example" }),
    ]
}

/// Every fourth person left events.
fn events(seed: u64, ordinal: u64) -> Vec<Value> {
    if ordinal % 4 != 1 {
        return Vec::new();
    }
    let mut dice = Dice::new(seed, "events", ordinal);
    let person = people::person(seed, ordinal);
    let count = if ordinal == 1 { MANY_EVENTS } else { 1 + dice.below(4) };
    let event = |_| {
        let text = *dice.pick(&["signup", "purchase", "Warenkorb geöffnet", "返品"]);
        let total = dice.below(9_000);
        json!({
            "_people_id": person.people_id,
            "text": text,
            "data": if text == "signup" { json!({}) } else { json!({ "total": total, "is_test": false }) },
            "color": *dice.pick(&COLORS),
            "timestamp": dice.between(person.created_ms, LAST_MS),
        })
    };
    (0..count).map(event).collect()
}

fn campaigns(seed: u64) -> Vec<Value> {
    let mut dice = Dice::new(seed, "campaigns", 0);
    let mut campaign = |kind: &str, name: &str| {
        let created_ms = dice.between(FIRST_MS, LAST_MS);
        json!({
            "campaign_id": dice.uuid(), "type": kind, "format": "markdown", "name": name,
            "ready": true, "dispatched": kind == "one_shot", "running": kind != "one_shot",
            "progress": 100, "targets": 40, "reached": 39,
            "created_at": created_ms, "updated_at": created_ms + 5_000,
            "dispatched_at": created_ms + 4_000,
        })
    };
    vec![campaign("one_shot", "Spring sale"), campaign("automated", "Willkommen 👋")]
}

/// Every third person got a campaign.
fn deliveries(seed: u64, ordinal: u64, campaigns: &[Value]) -> Vec<Value> {
    if !ordinal.is_multiple_of(3) {
        return Vec::new();
    }
    let mut dice = Dice::new(seed, "deliveries", ordinal);
    let campaign = dice.pick(campaigns);
    vec![json!({
        "_people_id": people::person(seed, ordinal).people_id,
        "campaign_id": campaign["campaign_id"],
        "type": campaign["type"],
        "name": campaign["name"],
        "created_at": campaign["created_at"],
        "updated_at": campaign["updated_at"],
        "dispatched_at": campaign["dispatched_at"],
        "occurred_at": campaign["dispatched_at"],
        "statistics": if dice.chance(50) { json!(["opened", "clicked"]) } else { json!([]) },
    })]
}
