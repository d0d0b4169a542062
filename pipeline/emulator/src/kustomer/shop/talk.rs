//! Conversations with their messages, notes and attachments.

use serde_json::{Value, json};

use super::super::moment;
use super::super::store::{Record, Store, Stored};
use super::people::{customer_id, name_of, tag_id, team_id, user_id};
use super::{DAY_MS, FIRST_MS, LAST_MS, Plan, filled, id_of, linked, picked, record, words};
use crate::dice::Dice;

/// Characters of a text that are shown as its preview.
const PREVIEW_CHARS: usize = 240;

const CHANNELS: &[&str] = &[
    "email",
    "email",
    "email",
    "chat",
    "chat",
    "sms",
    "voice",
    "whatsapp",
    "facebook",
    "instagram",
    "form",
    "twitter-dm",
];

/// Where everything of conversations is gathered.
#[derive(Default)]
struct Desk {
    messages: Vec<Record>,
    notes: Vec<Record>,
    attachments: Vec<Record>,
    responses: Vec<Record>,
    files: Vec<(String, Stored)>,
}

/// One conversation while it is invented.
struct Talk {
    plan: Plan,
    place: usize,
    id: String,
    customer: usize,
    channel: &'static str,
    subject: String,
    created_ms: i64,
}

pub(super) fn fill(store: &mut Store, plan: Plan) {
    let mut desk = Desk::default();
    let conversations =
        (0..plan.conversations).map(|place| conversation(plan, place, &mut desk)).collect();
    store.put("conversations", conversations);
    store.put("messages", desk.messages);
    store.put("notes", desk.notes);
    store.put("attachments", desk.attachments);
    store.put("satisfaction_responses", desk.responses);
    store.files.extend(desk.files);
}

fn conversation(plan: Plan, place: usize, desk: &mut Desk) -> Record {
    let mut dice = Dice::new(plan.seed, "conversation", place as u64);
    let step_ms = (LAST_MS - FIRST_MS - 30 * DAY_MS) / plan.conversations.max(1) as i64;
    let customer = dice.below(plan.customers() as u64) as usize;
    let channel = *dice.pick(CHANNELS);
    let talk = Talk {
        plan,
        place,
        id: id_of(plan.seed, "conversation id", place),
        customer,
        channel,
        subject: filled("About {order} & the {product}", &mut dice),
        created_ms: FIRST_MS + step_ms * place as i64,
    };
    let count = 1 + dice.below(plan.messages_max.max(1) as u64) as usize;
    let mut at_ms = talk.created_ms;
    let (mut inbound, mut last_in) = (0, None);
    for number in 0..count {
        let is_in = number == 0 || dice.chance(50);
        inbound += usize::from(is_in);
        let message = message(&talk, number, is_in, at_ms, &mut dice, desk);
        let short =
            json!({ "id": message.id, "sentAt": moment::text(at_ms), "channel": talk.channel });
        last_in = if is_in { Some(short) } else { last_in };
        desk.messages.push(message);
        at_ms += dice.between(60_000, DAY_MS);
    }
    let notes = usize::from(dice.chance(25));
    if notes > 0 {
        desk.notes.push(note(&talk, at_ms, &mut dice));
    }
    let satisfaction = dice.chance(15).then(|| response(&talk, at_ms, &mut dice, desk));
    let numbers = (count, inbound, notes);
    let attributes = attributes(&talk, numbers, at_ms, (last_in, satisfaction), &mut dice);
    let updated_ms = plan.updated_ms(place, plan.conversations, at_ms + 5_000).max(at_ms);
    let times = (talk.created_ms, updated_ms);
    let relationships = relationships(&talk, &mut dice);
    let kind = ("conversation", "conversations");
    record(kind, &talk.id, times, attributes, relationships)
        .below(&customer_id(plan.seed, talk.customer))
}

fn attributes(
    talk: &Talk,
    (count, inbound, notes): (usize, usize, usize),
    at_ms: i64,
    (last_in, satisfaction): (Option<Value>, Option<Value>),
    dice: &mut Dice,
) -> Value {
    let seed = talk.plan.seed;
    let status = *dice.pick(&["done", "done", "done", "open", "snoozed"]);
    let mut tags: Vec<String> =
        (0..dice.below(3)).map(|_| tag_id(seed, dice.below(12) as usize)).collect();
    tags.dedup();
    let users: Vec<String> =
        dice.chance(70).then(|| user_id(seed, dice.below(6) as usize)).into_iter().collect();
    let teams: Vec<String> =
        dice.chance(50).then(|| team_id(seed, dice.below(3) as usize)).into_iter().collect();
    let until = moment::text(LAST_MS + 7 * DAY_MS);
    json!({
        "name": talk.subject,
        "preview": picked(words::QUESTIONS, dice),
        "status": status,
        "priority": 1 + dice.below(5),
        "channels": [talk.channel],
        "direction": "in",
        "messageCount": count, "noteCount": notes,
        "inboundMessageCount": inbound, "outboundMessageCount": count - inbound,
        "assignedUsers": users, "assignedTeams": teams,
        "tags": tags,
        "externalId": null, "replyChannel": talk.channel, "defaultLang": "en_us", "locale": null,
        "spam": talk.place % 41 == 40,
        "ended": status == "done", "endedAt": (status == "done").then(|| moment::text(at_ms)),
        "endedReason": null, "endedByType": null, "importedAt": null,
        "snooze": (status == "snoozed").then(|| json!({ "time": until })),
        "sla": dice.chance(30).then(|| json!({
            "name": "Standard", "version": 2, "matchedAt": moment::text(talk.created_ms),
            "metrics": {}, "breached": dice.chance(20), "status": "satisfied",
        })),
        "satisfactionLevel": satisfaction,
        "lastMessageIn": last_in,
        "custom": {
            "orderIdStr": filled("{order}", dice),
            "amountNum": dice.below(50_000) as f64 / 100.0,
            "refundBool": dice.chance(20),
            "dueAt": moment::text(at_ms + 3 * DAY_MS),
            "reasonTree": dice.pick(&["returns.damaged", "returns.size", "shipping"]),
            "shopUrl": "https://shop.example/?a=1&b=2",
        },
        "mergedTarget": talk.place % 53 == 52, "linkedConversations": [],
        "modificationHistory": { "statusAt": moment::text(at_ms) },
        "rev": 1 + count, "lastActivityAt": moment::text(at_ms),
    })
}

fn relationships(talk: &Talk, dice: &mut Dice) -> Value {
    let seed = talk.plan.seed;
    let mut all = json!({
        "messages": { "links": { "self": format!("/v1/conversations/{}/messages", talk.id) } },
        "customer": linked("customer", &customer_id(seed, talk.customer), "customers"),
        "brand": linked("brand", &id_of(seed, "brand", dice.below(2) as usize), "brands"),
        "queue": linked("queue", &id_of(seed, "queue", dice.below(2) as usize), "routing/queues"),
    });
    if dice.chance(20) {
        all["subStatus"] = linked("sub_status", &id_of(seed, "sub status", 0), "sub-statuses");
    }
    all
}

fn message(
    talk: &Talk,
    number: usize,
    is_in: bool,
    at_ms: i64,
    dice: &mut Dice,
    desk: &mut Desk,
) -> Record {
    let seed = talk.plan.seed;
    let id = id_of(seed, "message", talk.place * 1_000 + number);
    let words = match (number, is_in) {
        (0, _) => words::QUESTIONS,
        (_, true) => words::REMARKS,
        (_, false) => words::ANSWERS,
    };
    let mut text = picked(words, dice);
    let is_long = talk.channel == "email" && dice.chance(20);
    if is_long {
        text = format!("{text}\n\n{}", words::LONG);
    }
    let html = html_of(&text);
    let attached = dice.chance(15).then(|| attachment(talk, &id, number, at_ms, dice, desk));
    let direction = match (number, is_in) {
        (0, true) => "initial-in",
        (_, true) => "followup-in",
        _ => "response-out",
    };
    let preview: String = text.chars().take(PREVIEW_CHARS).collect();
    let attributes = json!({
        "channel": talk.channel, "app": talk.channel,
        "subject": (talk.channel == "email").then_some(&talk.subject),
        "preview": preview, "size": html.len(),
        "direction": if is_in { "in" } else { "out" },
        "directionType": direction,
        "status": if is_in { "received" } else { "sent" },
        "meta": meta(talk, &id, is_in, at_ms, attached.is_some(), dice),
        "auto": !is_in && dice.chance(10), "sentAt": moment::text(at_ms),
        "redacted": false, "externalId": null, "lang": "en_us",
        "assignedUsers": [], "assignedTeams": [], "createdByTeams": [], "reactions": [],
        "errorAt": null, "rev": 1,
    });
    let author = match is_in {
        true => linked("customer", &customer_id(seed, talk.customer), "customers"),
        false => linked("user", &user_id(seed, dice.below(6) as usize), "users"),
    };
    // The type of the customer differs from record to record.
    let kind = if number.is_multiple_of(2) { "customers" } else { "customer" };
    let relationships = json!({
        "conversation": linked("conversation", &talk.id, "conversations"),
        "customer": linked(kind, &customer_id(seed, talk.customer), "customers"),
        "createdBy": author,
    });
    let updated_ms = talk.plan.updated_ms(talk.place, talk.plan.conversations, at_ms);
    let times = (at_ms, updated_ms.max(at_ms));
    let mut message = record(("message", "messages"), &id, times, attributes, relationships);
    if is_long {
        message.value["links"]["related"] = format!("@@signed/body-{id}.html@@").into();
        let body = Stored { content_type: "text/html; charset=utf-8", bytes: html.into_bytes() };
        desk.files.push((format!("body-{id}.html"), body));
    }
    if talk.channel == "voice" {
        let bytes = [b"ID3\x04\0\0\0\0\0\0".as_slice(), id.as_bytes()].concat();
        let recording = Stored { content_type: "audio/mpeg", bytes };
        desk.files.push((format!("recording-{id}.mp3"), recording));
    }
    message.below(&talk.id)
}

fn html_of(text: &str) -> String {
    let safe = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<div><p>{}</p></div>", safe.replace("\n\n", "</p><p>").replace('\n', "<br>"))
}

fn meta(talk: &Talk, id: &str, is_in: bool, at_ms: i64, has_file: bool, dice: &mut Dice) -> Value {
    let (first, last, email) = name_of(talk.plan.seed, talk.customer);
    match talk.channel {
        "email" => {
            let (from, to) = match is_in {
                true => (email, "help@shop.example".to_owned()),
                false => ("help@shop.example".to_owned(), email),
            };
            let one = json!({ "email": to, "name": format!("{first} {last}") });
            let to = match dice.below(3) {
                0 => json!(to),
                1 => one,
                _ => json!([one]),
            };
            let cc =
                if dice.chance(20) { json!([{ "email": "boss@shop.example" }]) } else { json!([]) };
            json!({
                "from": from, "to": to, "cc": cc, "bcc": [], "subject": talk.subject,
                "inReplyTo": null, "recipient": { "email": "help@shop.example", "mailboxHash": "" },
                "attachmentNum": u8::from(has_file),
            })
        }
        "voice" => json!({
            "placedAt": moment::text(at_ms), "answeredAt": moment::text(at_ms + 9_000),
            "endedAt": moment::text(at_ms + 190_000), "status": "completed",
            "externalRecordingUrl": format!("@@plain/recording-{id}.mp3@@"),
            "to": "+15550100", "from": "+15550199",
        }),
        _ => json!({}),
    }
}

fn attachment(
    talk: &Talk,
    message_id: &str,
    number: usize,
    at_ms: i64,
    dice: &mut Dice,
    desk: &mut Desk,
) -> String {
    let id = id_of(talk.plan.seed, "attachment", talk.place * 1_000 + number);
    let (name, content_type) =
        *dice.pick(&[("photo 1.png", "image/png"), ("Rechnung_ä.pdf", "application/pdf")]);
    let mut bytes = match content_type {
        "image/png" => b"\x89PNG\r\n\x1a\n".to_vec(),
        _ => b"%PDF-1.4\n".to_vec(),
    };
    bytes.extend(id.as_bytes());
    let attributes = json!({
        "name": name, "contentType": content_type, "contentLength": bytes.len(), "redacted": false,
    });
    let relationships = json!({ "message": linked("message", message_id, "messages") });
    let kind = ("attachment", "attachments");
    let mut record = record(kind, &id, (at_ms, at_ms), attributes, relationships).below(&talk.id);
    record.value["links"]["self"] = format!("/v1/messages/{message_id}/attachments/{id}").into();
    // A host outside that gives nothing but metadata has no address to hand out.
    if !dice.chance(10) {
        record.value["links"]["related"] = format!("@@signed/{id}@@").into();
        desk.files.push((id.clone(), Stored { content_type, bytes }));
    }
    desk.attachments.push(record);
    id
}

fn note(talk: &Talk, at_ms: i64, dice: &mut Dice) -> Record {
    let seed = talk.plan.seed;
    let attributes = json!({
        "body": picked(words::NOTES, dice), "createdByTeams": [team_id(seed, 0)],
        "assignedUsers": [], "assignedTeams": [], "redacted": false, "rev": 1,
    });
    let relationships = json!({
        "conversation": linked("conversation", &talk.id, "conversations"),
        "customer": linked("customer", &customer_id(seed, talk.customer), "customers"),
        "createdBy": linked("user", &user_id(seed, dice.below(6) as usize), "users"),
    });
    let id = id_of(seed, "note", talk.place);
    record(("note", "notes"), &id, (at_ms, at_ms), attributes, relationships).below(&talk.id)
}

/// What the customer said when asked; the conversation refers to it.
fn response(talk: &Talk, at_ms: i64, dice: &mut Dice, desk: &mut Desk) -> Value {
    let id = id_of(talk.plan.seed, "satisfaction response", talk.place);
    let form = id_of(talk.plan.seed, "satisfaction form", 0);
    let rating = 1 + dice.below(5);
    let answers = json!([{ "type": "text", "answer": "quick & friendly" }]);
    let attributes = json!({
        "form": form, "rating": rating, "score": rating as f64 / 5.0, "answers": answers,
        "status": "commented", "channel": talk.channel,
    });
    let relationships =
        json!({ "conversation": linked("conversation", &talk.id, "conversations") });
    let kind = ("satisfaction_response", "satisfaction-responses");
    desk.responses
        .push(record(kind, &id, (at_ms, at_ms), attributes, relationships).below(&talk.id));
    json!({
        "form": form, "formResponse": id, "channel": talk.channel, "status": "commented",
        "rating": rating, "score": rating as f64 / 5.0, "answers": answers,
        "sentAt": moment::text(at_ms), "sentBy": user_id(talk.plan.seed, 0), "sentByTeams": [],
    })
}
