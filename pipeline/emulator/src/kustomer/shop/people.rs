//! Customers, companies, users and teams.

use serde_json::{Value, json};

use super::super::moment;
use super::super::store::{Record, Store};
use super::{DAY_MS, FIRST_MS, Plan, filled, id_of, linked, record, words};
use crate::dice::Dice;

/// Users that there are; the last one has left.
pub(super) const USERS: usize = 6;

pub(super) fn fill(store: &mut Store, plan: Plan) {
    let companies = (0..words::COMPANIES.len()).map(|place| company(plan, place)).collect();
    store.put("companies", companies);
    store.put("customers", (0..plan.customers()).map(|place| customer(plan, place)).collect());
    store.put("users", (0..USERS).map(|place| user(plan.seed, place)).collect());
    store.put("teams", (0..words::TEAMS.len()).map(|place| team(plan.seed, place)).collect());
}

pub(super) fn user_id(seed: u64, place: usize) -> String {
    id_of(seed, "user", place)
}

pub(super) fn team_id(seed: u64, place: usize) -> String {
    id_of(seed, "team", place)
}

pub(super) fn tag_id(seed: u64, place: usize) -> String {
    id_of(seed, "tag", place)
}

pub(super) fn customer_id(seed: u64, place: usize) -> String {
    id_of(seed, "customer", place)
}

/// Who the `place`th customer is, and how they can be reached by e-mail.
pub(super) fn name_of(seed: u64, place: usize) -> (String, String, String) {
    let mut dice = Dice::new(seed, "customer name", place as u64);
    let first = *dice.pick(words::FIRST_NAMES);
    let last = *dice.pick(words::LAST_NAMES);
    let email = format!("customer{place}@{}", dice.pick(&["mail.example", "post.example"]));
    (first.to_owned(), last.to_owned(), email)
}

fn customer(plan: Plan, place: usize) -> Record {
    let seed = plan.seed;
    let mut dice = Dice::new(seed, "customer body", place as u64);
    let id = customer_id(seed, place);
    let count = plan.customers();
    let created_ms = FIRST_MS + (super::LAST_MS - FIRST_MS) / count as i64 * place as i64;
    let own_ms = created_ms + dice.between(1_000, 30 * DAY_MS);
    let updated_ms = plan.updated_ms(place, count, own_ms).max(created_ms);
    let company = dice.chance(30).then(|| dice.below(words::COMPANIES.len() as u64) as usize);
    let times = (created_ms, updated_ms);
    let attributes = attributes(seed, place, times, company, &mut dice);
    let klass = |name: &str| {
        let path = format!("/v1/customers/{id}/klasses/{name}");
        json!({ "links": { "self": path }, "meta": { "kobject": true } })
    };
    let mut relationships = json!({
        "messages": { "links": { "self": format!("/v1/customers/{id}/messages") } },
        "modifiedBy": linked("user", &user_id(seed, 0), "users"),
        "order": klass("order"), "subscription": klass("subscription"),
    });
    if let Some(company) = company {
        let company = id_of(seed, "company", company);
        relationships["company"] = linked("company", &company, "companies");
    }
    record(("customer", "customers"), &id, times, attributes, relationships)
}

fn attributes(
    seed: u64,
    place: usize,
    (created_ms, updated_ms): (i64, i64),
    company: Option<usize>,
    dice: &mut Dice,
) -> Value {
    let (first, last, email) = name_of(seed, place);
    let phone = json!({
        "type": "mobile", "phone": format!("+4477009{place:05}"), "verified": false,
    });
    let social = json!({
        "type": "twitter", "username": format!("user{place}"), "verified": false,
    });
    let tag = json!(tag_id(seed, dice.below(12) as usize));
    let mut some = |percent: u64, value: Value| -> Vec<Value> {
        dice.chance(percent).then_some(value).into_iter().collect()
    };
    let (phones, socials, tags) = (some(40, phone), some(10, social), some(20, tag));
    json!({
        "name": format!("{first} {last}"),
        "displayName": format!("{first} {last}"),
        "displayColor": dice.pick(&["red", "teal", "purple"]),
        "firstName": first, "lastName": last, "username": null,
        "companyName": company.map(|company| words::COMPANIES[company]),
        "externalId": dice.chance(60).then(|| format!("shop-{place}")),
        "externalIds": [], "sharedExternalIds": [],
        "emails": emails(&email, dice), "sharedEmails": [],
        "phones": phones, "sharedPhones": [],
        "whatsapps": [], "facebookIds": [], "instagramIds": [],
        "socials": socials, "urls": [], "locations": [],
        "locale": dice.pick(&["en_us", "fr", "de", "en_gb"]),
        "timeZone": dice.pick(&["Europe/London", "America/New_York", "Europe/Berlin"]),
        "defaultLang": "en_us", "gender": null, "birthdayAt": null, "avatarUrl": null,
        "tags": tags,
        "custom": {
            "loyaltyNum": dice.below(900),
            "vipBool": dice.chance(10),
            "joinedAt": moment::text(created_ms),
            "favouriteStr": dice.pick(words::PRODUCTS),
            "ssnStr": format!("{:09}", dice.below(999_999_999)),
            "aboutTxt": filled("Likes the {product}.\nBought it as {order}.", dice),
        },
        "progressiveStatus": "done", "deleted": place % 37 == 36, "rev": 1 + dice.below(20),
        "importedAt": null, "lastActivityAt": moment::text(updated_ms),
    })
}

/// Most have one address, some none, and some a second one.
fn emails(email: &str, dice: &mut Dice) -> Vec<Value> {
    let address = |kind: &str, email: String| {
        let is_home = kind == "home";
        json!({ "type": kind, "email": email, "verified": is_home, "externalVerified": false })
    };
    match dice.below(100) {
        0..12 => Vec::new(),
        12..25 => {
            vec![address("home", email.to_owned()), address("work", format!("work.{email}"))]
        }
        _ => vec![address("home", email.to_owned())],
    }
}

fn company(plan: Plan, place: usize) -> Record {
    let name = words::COMPANIES[place];
    let domain = format!("company{place}.example");
    let attributes = json!({
        "name": name, "domains": [domain], "urls": [], "locations": [], "socials": [],
        "emails": [{ "type": "work", "email": format!("office@{domain}"), "verified": false }],
        "phones": [], "whatapps": [], "tags": [], "externalId": null, "rev": 1,
        "custom": { "segmentStr": if place.is_multiple_of(2) { "retail" } else { "wholesale" } },
    });
    let created_ms = FIRST_MS + place as i64 * 170 * DAY_MS;
    let times = (created_ms, created_ms + DAY_MS);
    let id = id_of(plan.seed, "company", place);
    record(("company", "companies"), &id, times, attributes, json!({}))
}

fn user(seed: u64, place: usize) -> Record {
    let name = format!("{} {}", words::FIRST_NAMES[place], words::LAST_NAMES[place]);
    let has_left = place + 1 == USERS;
    let is_machine = place + 2 == USERS;
    let attributes = json!({
        "name": if is_machine { "Order bot".to_owned() } else { name.clone() },
        "displayName": name,
        "email": format!("agent{place}@shop.example"),
        "userType": if is_machine { "machine" } else { "user" },
        "roles": ["org.user"], "roleGroups": [], "mobile": null,
        "emailSignature": format!("<p>{name}<br>The Shop</p>"),
        "deletedAt": has_left.then(|| moment::text(super::LAST_MS)),
        "firstLoginAt": moment::text(FIRST_MS), "mostRecentLoginAt": null,
    });
    let times = (FIRST_MS, FIRST_MS + place as i64 * DAY_MS);
    let id = user_id(seed, place);
    record(("user", "users"), &id, times, attributes, json!({})).below(if has_left {
        "deleted"
    } else {
        ""
    })
}

fn team(seed: u64, place: usize) -> Record {
    let members: Vec<String> = (0..3).map(|member| user_id(seed, place + member)).collect();
    let is_deleted = place + 1 == words::TEAMS.len();
    let attributes = json!({
        "name": words::TEAMS[place], "displayName": words::TEAMS[place], "icon": "users",
        "members": members, "roleGroups": [], "deleted": is_deleted,
        "deletedAt": is_deleted.then(|| moment::text(super::LAST_MS)),
    });
    let times = (FIRST_MS, FIRST_MS + DAY_MS);
    record(("team", "teams"), &team_id(seed, place), times, attributes, json!({}))
}
