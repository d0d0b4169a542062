//! The shop's customers and operators, each from seed and ordinal alone.
//!
//! A conversation asks for its person again instead of remembering them all.

use serde_json::{Map, Value, json};

use super::words::{OPERATORS, TONGUES, Tongue};
use crate::dice::Dice;

/// The first and the last moment anything happens in the shop: 2023-01-02 and 2025-12-31.
pub(super) const FIRST_MS: i64 = 1_672_617_600_000;
pub(super) const LAST_MS: i64 = 1_767_139_200_000;

/// A customer.
pub(super) struct Person {
    pub(super) people_id: String,
    pub(super) nickname: String,
    /// As the customer typed it, so with capitals and blanks at times.
    pub(super) email: Option<String>,
    pub(super) tongue: &'static Tongue,
    pub(super) created_ms: i64,
}

/// Somebody who answers.
pub(super) struct Operator {
    pub(super) user_id: String,
    pub(super) nickname: String,
}

/// The customer of an ordinal.
pub(super) fn person(seed: u64, ordinal: u64) -> Person {
    let mut dice = Dice::new(seed, "person", ordinal);
    let people_id = dice.uuid();
    let tongue = if dice.chance(45) { &TONGUES[0] } else { dice.pick(TONGUES) };
    let first = *dice.pick(tongue.first_names);
    let last = *dice.pick(tongue.last_names);
    let created_ms = dice.between(FIRST_MS, LAST_MS - 40 * 86_400_000);
    let is_copy = ordinal >= 7 && ordinal % 23 == 7;
    let (nickname, email) = match dice.below(100) {
        _ if is_copy => {
            // Somebody who came back with another spelling of the same address.
            let earlier = person(seed, ordinal - 6);
            (earlier.nickname, earlier.email.map(|email| email.trim().to_uppercase()))
        }
        0..16 => (format!("visitor{}", dice.below(100_000)), None),
        roll => {
            let host = *dice.pick(&["post.example", "mail.example", "Corp.Example", "example.org"]);
            let mark = if dice.chance(8) { "+shop" } else { "" };
            let name = ascii_name(first);
            let address = format!("{name}{}{mark}@{host}", ordinal + 1);
            let typed = match roll {
                16..24 => capitalized(&address),
                24..28 => format!(" {address} "),
                _ => address.to_lowercase(),
            };
            (format!("{first} {last}"), Some(typed))
        }
    };
    Person { people_id, nickname, email, tongue, created_ms }
}

/// The line of a customer: the profile with the custom data under `_data`.
pub(super) fn line(seed: u64, ordinal: u64) -> String {
    let person = person(seed, ordinal);
    let mut dice = Dice::new(seed, "profile", ordinal);
    let mut profile = Map::new();
    profile.insert("people_id".into(), json!(person.people_id));
    match (&person.email, dice.below(2)) {
        (Some(email), _) => drop(profile.insert("email".into(), json!(email))),
        (None, 0) => drop(profile.insert("email".into(), Value::Null)),
        // The address is absent.
        (None, _) => {}
    }
    profile.insert("person".into(), details(&person, ordinal, &mut dice));
    profile.insert("company".into(), company(&mut dice));
    let count = if dice.chance(2) { 18 } else { dice.below(4) };
    let segments: Vec<String> = (0..count)
        .map(|at| match at {
            0 => "newsletter".to_owned(),
            1 => "b2b".to_owned(),
            other => format!("list {}", other + dice.below(2) * 20),
        })
        .collect();
    profile.insert("segments".into(), json!(segments));
    if dice.chance(1) || ordinal == 2 {
        profile
            .insert("notepad".into(), json!("Prefers calls after 17:00.\nAllergic to nuts – ask!"));
    }
    let seen_ms = dice.between(person.created_ms, LAST_MS);
    profile.insert(
        "active".into(),
        match dice.chance(90) {
            true => json!({ "now": false, "last": seen_ms }),
            false => json!({ "now": false }),
        },
    );
    if dice.chance(8) {
        profile.insert("score".into(), json!(1 + dice.below(5)));
    }
    profile.insert("created_at".into(), json!(person.created_ms));
    profile.insert("updated_at".into(), json!(seen_ms));
    if dice.chance(60) {
        profile.insert("_data".into(), custom_data(&mut dice));
    }
    respelled(&Value::Object(profile).to_string())
}

/// The operator of an ordinal; the last one was removed.
pub(super) fn operator(seed: u64, ordinal: usize) -> Operator {
    let (first, last) = OPERATORS[ordinal];
    let user_id = Dice::new(seed, "operator", ordinal as u64).uuid();
    Operator { user_id, nickname: format!("{first} {last}") }
}

/// The operators list: without the removed one, with an invite that has no id and a sandbox.
pub(super) fn operator_rows(seed: u64) -> Vec<String> {
    let present = &OPERATORS[..OPERATORS.len() - 1];
    let mut rows: Vec<Value> = present
        .iter()
        .enumerate()
        .map(|(ordinal, (first, last))| {
            json!({ "type": "operator", "details": {
                "user_id": operator(seed, ordinal).user_id,
                "email": format!("{}@shop.example", ascii_name(first)),
                "avatar": null,
                "first_name": first,
                "last_name": last,
                "role": if ordinal == 0 { "owner" } else { "member" },
                "title": "Support",
                "availability": if ordinal % 2 == 0 { "online" } else { "offline" },
                "has_token": false,
            }})
        })
        .collect();
    rows.push(json!({ "type": "invite", "details": {
        "email": "hana@shop.example", "avatar": null, "role": "member", "has_token": false,
    }}));
    rows.push(json!({ "type": "sandbox", "details": {
        "user_id": Dice::new(seed, "sandbox", 0).uuid(),
        "email": "sandbox@shop.example",
        "first_name": "Plugin",
        "last_name": "Sandbox",
        "role": "member",
    }}));
    rows.iter().map(Value::to_string).collect()
}

/// An address from the documentation ranges.
pub(super) fn ip(dice: &mut Dice) -> String {
    let net = *dice.pick(&["192.0.2", "198.51.100", "203.0.113"]);
    if dice.chance(10) {
        return format!("2001:db8::{:x}", 1 + dice.below(0xfffe));
    }
    format!("{net}.{}", 1 + dice.below(254))
}

/// Puts numbers in spellings that a re-written record would lose.
pub(super) fn respelled(text: &str) -> String {
    text.replace("\"#1.50#\"", "1.50").replace("\"#2E3#\"", "2E3")
}

fn details(person: &Person, ordinal: u64, dice: &mut Dice) -> Value {
    let mut details = Map::new();
    details.insert("nickname".into(), json!(person.nickname));
    match dice.below(3) {
        0 => drop(details.insert("avatar".into(), json!(""))),
        1 => drop(details.insert("avatar".into(), Value::Null)),
        // No avatar at all.
        _ => {}
    }
    match dice.below(4) {
        0 => drop(details.insert("phone".into(), json!(""))),
        1 => drop(
            details.insert("phone".into(), json!(format!("+1 202 555 {:04}", ordinal % 10_000))),
        ),
        // No phone at all.
        _ => {}
    }
    if dice.chance(10) {
        details.insert("gender".into(), json!(*dice.pick(&["female", "male"])));
        details.insert("address".into(), json!("1 Example Street, 00000 Sampletown"));
        details.insert("description".into(), json!("Roaster & reseller; \"loves\" <b>filter</b>"));
        details.insert("website".into(), json!("https://example.org/~roaster"));
        details.insert(
            "profiles".into(),
            json!([{
                "type": "facebook",
                "handle": "roaster.example",
                "url": "https://example.com/r",
            }]),
        );
        details.insert(
            "employment".into(),
            json!({
                "name": "Example Roastery", "domain": "corp.example", "title": "Buyer",
                "role": "operations", "seniority": "manager",
            }),
        );
    }
    if !dice.chance(4) {
        details.insert("timezone".into(), json!(person.tongue.timezone));
    }
    let mut geolocation = json!({ "country": person.tongue.country, "region": null, "city": null });
    if dice.chance(30) {
        geolocation["coordinates"] = json!({ "latitude": 48.25, "longitude": -1.5 });
    }
    details.insert("geolocation".into(), geolocation);
    details.insert("locales".into(), json!([person.tongue.code]));
    Value::Object(details)
}

fn company(dice: &mut Dice) -> Value {
    if dice.chance(85) {
        return json!({ "phones": [], "emails": [], "tags": [] });
    }
    json!({
        "name": *dice.pick(&["Acme", "Beans & Söhne GmbH", "例え商店"]),
        "legal_name": "Acme Holding Ltd",
        "domain": "corp.example",
        "url": "https://corp.example",
        "description": "",
        "timezone": -60,
        "phones": ["+1 202 555 0199"],
        "emails": ["office@corp.example"],
        "geolocation": {},
        "metrics": {
            "employees": 12, "market_cap": 0, "raised": 5_000_000_000_u64, "arr": 250_000,
        },
        "tags": ["wholesale"],
    })
}

fn custom_data(dice: &mut Dice) -> Value {
    let mut data = Map::new();
    data.insert("plan".into(), json!(*dice.pick(&["free", "plus", "größer"])));
    data.insert("orders".into(), json!(dice.below(40)));
    data.insert("is_wholesale".into(), json!(dice.chance(20)));
    if dice.chance(30) {
        data.insert("rate".into(), json!("#1.50#"));
        data.insert("lifetime_value".into(), json!("#2E3#"));
    }
    if dice.chance(20) {
        data.insert("customer_id".into(), json!(9_007_199_254_740_993_i64));
        data.insert("vat-number".into(), json!("GB 000 0000 00"));
        data.insert("last_note".into(), json!("☕ \"double\"\tshot"));
    }
    Value::Object(data)
}

fn ascii_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            'é' | 'É' => 'e',
            'ö' | 'Ö' => 'o',
            'ü' => 'u',
            'ä' => 'a',
            other => other,
        })
        .filter(char::is_ascii_alphabetic)
        .collect();
    if plain.is_empty() { "guest".to_owned() } else { plain.to_lowercase() }
}

fn capitalized(address: &str) -> String {
    let mut letters = address.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect::<String>().replace("@post.", "@Post.")
}
