//! What stands around the conversations: tags, shortcuts, queues, brands, satisfaction forms,
//! klasses with their objects, and the metadata of custom attributes.

use serde_json::{Value, json};

use super::super::moment;
use super::super::store::{Record, Store};
use super::people::{customer_id, tag_id, user_id};
use super::{DAY_MS, FIRST_MS, LAST_MS, filled, id_of, linked, record, words};
use crate::dice::Dice;

/// Klasses by name, and how many objects each has.
const KLASSES: &[(&str, usize, &str)] =
    &[("order", 40, "enabled"), ("subscription", 12, "enabled"), ("warranty", 0, "disabled")];

pub(super) fn fill(store: &mut Store, seed: u64) {
    store.put("tags", (0..words::TAGS.len()).map(|place| tag(seed, place)).collect());
    store.put("shortcuts", (0..7).map(|place| shortcut(seed, place)).collect());
    store.put("queues", (0..2).map(|place| queue(seed, place)).collect());
    store.put("brands", (0..2).map(|place| brand(seed, place)).collect());
    store.put("sub_statuses", vec![sub_status(seed)]);
    store.put("satisfaction_forms", vec![form(seed)]);
    store.put("klasses", KLASSES.iter().enumerate().map(|place| klass(seed, place)).collect());
    let objects = KLASSES
        .iter()
        .flat_map(|(name, count, _)| (0..*count).map(move |place| object(seed, name, place)));
    store.put("kobjects", objects.collect());
    let resources = ["company", "conversation", "customer", "message", "order", "subscription"];
    store.put("metadata", resources.iter().map(|resource| metadata(seed, resource)).collect());
}

fn times(place: usize) -> (i64, i64) {
    let created_ms = FIRST_MS + place as i64 * DAY_MS;
    (created_ms, created_ms + 3_600_000)
}

fn tag(seed: u64, place: usize) -> Record {
    let is_deleted = words::TAGS[place] == "old campaign";
    let attributes = json!({
        "name": words::TAGS[place], "color": "#a3d2ca", "deleted": is_deleted,
        "deletedAt": is_deleted.then(|| moment::text(LAST_MS)),
    });
    record(("tag", "tags"), &tag_id(seed, place), times(place), attributes, json!({}))
}

/// A macro; its text is a Draft.js document, with a draft of it as plain text beside.
fn shortcut(seed: u64, place: usize) -> Record {
    let mut dice = Dice::new(seed, "shortcut", place as u64);
    let lines = [
        filled("Hello {{customer.name}},", &mut dice),
        filled(words::ANSWERS[place % 5], &mut dice),
    ];
    let bold = json!([{ "offset": 0, "length": 6, "style": "BOLD" }]);
    let linked_range = json!([{ "offset": 0, "length": 6, "key": 0 }]);
    let second =
        |number: usize, ranges: &Value| if number == 1 { ranges.clone() } else { json!([]) };
    let block = |(number, text): (usize, &String)| {
        json!({
            "key": format!("b{number}"), "text": text, "type": "unstyled", "depth": 0,
            "inlineStyleRanges": second(number, &bold),
            "entityRanges": second(number, &linked_range),
            "data": {},
        })
    };
    let blocks: Vec<Value> = lines.iter().enumerate().map(block).collect();
    let target = json!({ "url": "https://shop.example/help" });
    let link = json!({ "type": "LINK", "mutability": "MUTABLE", "data": target });
    let attributes = json!({
        "name": format!("Shortcut {place}"), "isPrivate": place == 3, "deleted": place == 5,
        "appDisabled": false, "draft": { "text": lines.join("\n") },
        "payload": { "text": { "blocks": blocks, "entityMap": { "0": link } } },
        "conversation": { "custom": { "refundBool": true } },
    });
    let relationships = json!({
        "accessUsers": [linked("user", &user_id(seed, 0), "users")], "accessTeams": [],
        "attachments": [],
    });
    let id = id_of(seed, "shortcut", place);
    record(("shortcut", "shortcuts"), &id, times(place), attributes, relationships)
}

fn queue(seed: u64, place: usize) -> Record {
    let attributes = json!({
        "name": (["general", "wholesale"])[place], "displayName": (["General", "Wholesale"])[place],
        "description": "Everything that comes in", "itemSize": 50, "priority": place + 1,
        "restrictTransfersByUsers": false, "system": place == 0,
    });
    let id = id_of(seed, "queue", place);
    record(("queue", "routing/queues"), &id, times(place), attributes, json!({}))
}

fn brand(seed: u64, place: usize) -> Record {
    let name = ["The Shop", "The Outlet"][place];
    let attributes = json!({ "name": name, "default": place == 0, "iconUrl": null });
    let id = id_of(seed, "brand", place);
    record(("brand", "brands"), &id, times(place), attributes, json!({}))
}

fn sub_status(seed: u64) -> Record {
    let attributes = json!({ "name": "Waiting for carrier", "status": "snoozed", "active": true });
    let id = id_of(seed, "sub status", 0);
    record(("sub_status", "sub-statuses"), &id, times(0), attributes, json!({}))
}

fn form(seed: u64) -> Record {
    let attributes = json!({
        "name": "How did we do?", "enabled": true, "ratingType": "csat", "scaleType": "five",
        "introduction": "Your opinion counts", "questions": [{ "type": "text", "prompt": "Why?" }],
    });
    let id = id_of(seed, "satisfaction form", 0);
    record(("satisfaction", "satisfaction"), &id, times(0), attributes, json!({}))
}

fn klass(seed: u64, (place, (name, _, status)): (usize, &(&str, usize, &str))) -> Record {
    let attributes = json!({
        "name": name, "icon": "box", "color": "blue", "appDisabled": false, "status": status,
    });
    let id = id_of(seed, "klass", place);
    record(("klass", "klasses"), &id, times(place), attributes, json!({}))
}

fn object(seed: u64, name: &str, place: usize) -> Record {
    let mut dice = Dice::new(seed, name, place as u64);
    let attributes = json!({
        "externalId": format!("{name}-{place}"), "title": filled("{product} {order}", &mut dice),
        "description": null, "icon": "box", "images": [], "tags": [], "rev": 1,
        "custom": { "totalNum": dice.below(9_900), "shippedAt": moment::text(FIRST_MS) },
    });
    let relationships = json!({
        "klass": linked("klass", name, "klasses"),
        "customer": linked("customer", &customer_id(seed, place % 8), "customers"),
    });
    let id = id_of(seed, &format!("{name} object"), place);
    let path = format!("klasses/{name}");
    let kind = ("kobject", path.as_str());
    record(kind, &id, times(place), attributes, relationships).below(name)
}

/// Which custom attributes a resource has. It is found by the name of the resource.
fn metadata(seed: u64, resource: &str) -> Record {
    let property = |name: &str, kind: &str, is_sensitive: bool| {
        json!({
            "displayName": name, "type": kind, "array": false, "enumeration": [], "multi": false,
            "target": null, "tree": null, "hasSensitiveAttributes": is_sensitive,
            "modifiedBy": user_id(seed, 0), "deletedAt": null, "deletedBy": null,
        })
    };
    let properties = match resource {
        "customer" => json!({
            "loyaltyNum": property("Points", "number", false),
            "vipBool": property("VIP", "boolean", false),
            "joinedAt": property("Joined", "date", false),
            "favouriteStr": property("Favourite", "string", false),
            "ssnStr": property("Social security number", "string", true),
            "aboutTxt": property("About", "string", false),
        }),
        "conversation" => json!({
            "orderIdStr": property("Order", "string", false),
            "amountNum": property("Amount", "number", false),
            "refundBool": property("Refund", "boolean", false),
            "dueAt": property("Due", "date", false),
            "reasonTree": property("Reason", "tree", false),
            "shopUrl": property("Shop", "string", false),
        }),
        "company" => json!({ "segmentStr": property("Segment", "string", false) }),
        "message" => json!({}),
        _ => json!({
            "totalNum": property("Total", "number", false),
            "shippedAt": property("Shipped", "date", false),
        }),
    };
    let attributes = json!({ "properties": properties });
    record(("metadata", "metadata"), resource, times(0), attributes, json!({}))
}
