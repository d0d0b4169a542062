//! An invented workspace of Crisp: messages of realistic shape, with their conversations and people.
//!
//! The same count gives the same records. One message in 25 is large and nested, one in 50 has some
//! field of the wrong shape or none at all; every one of them is valid JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kernel::{Clock, Instant, SnapshotId};
use landing::bag::seal_arrived;
use landing::exchange::{Arrived, Exchange, RecordSpan};
use landing::journal::Start;
use landing::{Warehouse, snapshot};

/// Raised whenever other records are invented, so that those of an older bench are not used.
const EDITION: u32 = 2;
/// Messages of a conversation.
const CONVERSATION: usize = 12;
/// Conversations of a person.
const CONVERSATIONS_OF_ONE: usize = 3;
/// Records of a reply.
const PAGE: usize = 40;
/// Replies handed over at a time.
const REPLIES: usize = 256;
const BEGAN_MS: u64 = 1_700_000_000_000;
const WORDS: &str = "the order was not delivered yesterday could you please check where my parcel \
    is now thank you for your quick answer we have sent a replacement it should arrive on tuesday \
    refund invoice number size colour blue returned warehouse tracking link address changed wrong \
    still waiting hello regards team support payment card declined coupon works again never mind \
    émigré déjà naïve größer straße 😀 très señor";

struct Still;

impl Clock for Still {
    fn now(&self) -> Instant {
        Instant::from_millis(1_790_000_000_000)
    }
}

fn warehouse_of(folder: &Path, count: usize) -> PathBuf {
    folder.join(format!("messages-{EDITION}-{count}"))
}

/// Where the messages of [`landed`] lie as Parquet.
pub fn landed_messages(folder: &Path, count: usize) -> PathBuf {
    warehouse_of(folder, count).join("landing/crisp/0001/data/messages")
}

/// The snapshot of `count` messages in a warehouse of its own, landed now unless it is there.
pub async fn landed(folder: &Path, count: usize) -> (Warehouse, SnapshotId) {
    let folder = warehouse_of(folder, count);
    std::fs::create_dir_all(&folder).expect("the folder is made");
    let warehouse = Warehouse::open(&format!("file://{}", folder.display())).expect("opens");
    let id = SnapshotId { platform: "crisp".into(), number: 1 };
    if snapshot::is_sealed(&warehouse, &id).await.expect("is looked up") {
        return (warehouse, id);
    }
    let start = Start {
        format: snapshot::FORMAT,
        account: "bench".into(),
        question_sha256: "q".into(),
        started_at: Still.now(),
    };
    let mut replies = replies(count);
    let arrived = std::iter::from_fn(|| {
        let some: Vec<Arrived> = replies.by_ref().take(REPLIES).collect();
        (!some.is_empty()).then_some(Ok(some))
    });
    let arrived = futures::stream::iter(arrived);
    let facts = seal_arrived(&warehouse, &id, &start, arrived, Still.now()).await;
    assert_eq!(facts.expect("is sealed").streams["messages"].records, count as u64);
    (warehouse, id)
}

/// One record: its key, its parent's key and its text.
struct Record {
    key: String,
    parent: Option<String>,
    raw: String,
}

fn replies(count: usize) -> impl Iterator<Item = Arrived> {
    let conversations = count.div_ceil(CONVERSATION);
    let people = conversations.div_ceil(CONVERSATIONS_OF_ONE);
    let streams = [("people", people), ("conversations", conversations), ("messages", count)];
    let pages = streams.into_iter().flat_map(|(stream, records)| {
        let pages = (0..records).step_by(PAGE);
        pages.map(move |first| (stream, first..records.min(first + PAGE)))
    });
    pages.enumerate().map(|(number, (stream, records))| {
        let records = records.map(|record| match stream {
            "people" => person(record),
            "conversations" => conversation(record),
            _ => message(record),
        });
        reply(number as i64 + 1, stream, records)
    })
}

fn reply(id: i64, stream: &str, records: impl Iterator<Item = Record>) -> Arrived {
    let mut body = String::from(r#"{"error":false,"reason":"listed","data":["#);
    let mut spans = Vec::with_capacity(PAGE);
    for record in records {
        if !spans.is_empty() {
            body.push(',');
        }
        let start = body.len();
        body.push_str(&record.raw);
        spans.push(RecordSpan {
            stream: stream.into(),
            key: record.key,
            parent_key: record.parent,
            start,
            end: body.len(),
            change: None,
        });
    }
    body.push_str("]}");
    let exchange = Exchange {
        id,
        stream: stream.into(),
        url: format!("https://api.example.invalid/v1/website/w/{stream}/{id}"),
        request_key: format!("{stream}|{id}"),
        method: "GET".into(),
        status: 200,
        headers: BTreeMap::from([("content-type".into(), "application/json".into())]),
        started_at: Still.now(),
        ended_at: Still.now(),
        attempt: 1,
        is_answer: true,
        records: spans,
        download: None,
    };
    Arrived::new(exchange, body.into())
}

/// Splitmix64: as random as invented words need to be, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn of(what: u64, number: usize) -> Self {
        Self((what << 56) ^ number as u64)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn words(&mut self, least: u64, most: u64) -> String {
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let length = least + self.below(most - least);
        let chosen = (0..length).map(|_| words[self.below(words.len() as u64) as usize]);
        chosen.collect::<Vec<_>>().join(" ")
    }
}

fn uuid(what: u64, number: usize) -> String {
    let mut dice = Dice::of(what, number);
    let text = format!("{:016x}{:016x}", dice.next(), dice.next());
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}

fn session(number: usize) -> String {
    format!("session_{}", uuid(1, number))
}

fn person(number: usize) -> Record {
    let key = uuid(2, number);
    let created = BEGAN_MS + number as u64 * 1_000;
    let raw = format!(
        r#"{{"people_id":"{key}","email":"person{number}@mail.example","person":{{"nickname":"Person {number}","avatar":"","geolocation":{{"country":"FR","region":null,"city":null}},"locales":["fr"]}},"company":{{"phones":[],"emails":[]}},"segments":["chat"],"active":{{"now":false,"last":{created}}},"created_at":{created},"updated_at":{created}}}"#
    );
    Record { key, parent: None, raw }
}

fn conversation(number: usize) -> Record {
    let key = session(number);
    let person = number / CONVERSATIONS_OF_ONE;
    let people_id = uuid(2, person);
    let created = BEGAN_MS + (number * CONVERSATION) as u64 * 977;
    let updated = created + CONVERSATION as u64 * 977;
    let state = ["resolved", "unresolved", "pending"][number % 3];
    let raw = format!(
        r#"{{"session_id":"{key}","website_id":"7f3c1b52-90c4-4c58-8a52-0d7be0cf3f11","people_id":"{people_id}","state":"{state}","is_blocked":false,"availability":"offline","last_message":"thanks","mentions":[],"participants":[],"compose":{{"operator":{{}},"visitor":{{}}}},"unread":{{"operator":0,"visitor":1}},"assigned":null,"created_at":{created},"updated_at":{updated},"meta":{{"nickname":"Person {person}","email":"person{person}@mail.example","phone":"","avatar":"","ip":"192.0.2.1","origin":"chat","subject":"","segments":["chat"],"data":{{"order":"{number}"}}}}}}"#
    );
    Record { key, parent: None, raw }
}

fn message(number: usize) -> Record {
    let session = session(number / CONVERSATION);
    let mut dice = Dice::of(3, number);
    let sent = BEGAN_MS + number as u64 * 977;
    let fingerprint = sent * 100 + dice.below(100);
    let key = format!("{session}/{fingerprint}");
    let (kind, content) = content(&mut dice, number);
    let (from, user) = author(&mut dice, &session, number);
    let origin = if dice.below(5) == 0 { "email" } else { "chat" };
    let read = if dice.below(3) == 0 { "" } else { origin };
    let mentions = match dice.below(20) {
        0 => r#"["00000000-0000-4000-8000-000000000007"]"#,
        _ => "[]",
    };
    let original = match origin {
        "email" => format!(r#","original":{{"original_id":"{}"}}"#, uuid(4, number)),
        _ => String::new(),
    };
    let head = format!(
        r#"{{"session_id":"{session}","website_id":"7f3c1b52-90c4-4c58-8a52-0d7be0cf3f11","type":"{kind}","from":"{from}","origin":"{origin}","content":{content},"#
    );
    let is_odd = dice.below(50) == 0;
    let oddity = if is_odd { dice.below(4) } else { 99 };
    let fingerprint = match oddity {
        0 => format!("\"{fingerprint}\""),
        _ => fingerprint.to_string(),
    };
    let timestamp = match oddity {
        1 => String::new(),
        _ => format!(r#""timestamp":{sent},"#),
    };
    let user = match oddity {
        2 => "{}".to_owned(),
        _ => user,
    };
    let edited = match oddity {
        3 => "null",
        _ if dice.below(30) == 0 => "true",
        _ => "false",
    };
    let preview = if dice.below(100) < 3 { previews(&mut dice) } else { String::new() };
    let raw = format!(
        r#"{head}"preview":[{preview}],"mentions":{mentions},"read":"{read}","delivered":"{origin}","stamped":true,"edited":{edited},"translated":false,"automated":false,"fingerprint":{fingerprint},{timestamp}"user":{user}{original}}}"#
    );
    Record { key, parent: Some(session), raw }
}

fn author(dice: &mut Dice, session: &str, number: usize) -> (&'static str, String) {
    if dice.below(2) == 0 {
        let person = number / CONVERSATION / CONVERSATIONS_OF_ONE;
        let user = format!(r#"{{"user_id":"{session}","nickname":"Person {person}"}}"#);
        return ("user", user);
    }
    let agent = dice.below(40);
    let avatar = format!("https://storage.example.invalid/avatars/agent-{agent}.png");
    let user = format!(
        r#"{{"type":"website","user_id":"00000000-0000-4000-8000-0000000000{agent:02}","nickname":"Agent {agent}","avatar":"{avatar}"}}"#
    );
    ("operator", user)
}

/// A type and its content: mostly text, now and then a file, one in 100 a large choice of cards, and
/// one in 100 whose content contradicts the type.
fn content(dice: &mut Dice, number: usize) -> (&'static str, String) {
    match dice.below(100) {
        0 => ("carousel", carousel(dice)),
        1..5 => {
            let name = dice.words(1, 4);
            let url = format!("https://storage.example.invalid/files/{}.png", uuid(5, number));
            ("file", format!(r#"{{"name":"{name}.png","url":"{url}","type":"image/png"}}"#))
        }
        5 => ("text", format!(r#"{{"text":"{}"}}"#, dice.words(3, 9))),
        6..17 => {
            let (first, second) = (dice.words(5, 20), dice.words(5, 20));
            ("text", format!(r#""{first}\n\nsee \"{second}\"""#))
        }
        17..21 => ("note", format!(r#""{}""#, dice.words(5, 20))),
        _ => ("text", format!(r#""{}""#, dice.words(5, 26))),
    }
}

/// What the links of a text lead to.
fn previews(dice: &mut Dice) -> String {
    let links = (0..6 + dice.below(6)).map(|_| {
        let (title, excerpt, page) = (dice.words(3, 8), dice.words(15, 45), dice.next());
        format!(
            r#"{{"url":"https://shop.example.invalid/page/{page:x}","website":"Shop","title":"{title}","preview":{{"excerpt":"{excerpt}","image":"https://shop.example.invalid/{page:x}.jpg","embed":null}},"stamped":true}}"#
        )
    });
    links.collect::<Vec<_>>().join(",")
}

fn carousel(dice: &mut Dice) -> String {
    let cards = (0..5 + dice.below(5)).map(|card| {
        let (title, description) = (dice.words(2, 6), dice.words(10, 40));
        let (image, order) = (dice.next(), dice.next());
        format!(
            r#"{{"title":"{title}","description":"{description}","image":"https://shop.example.invalid/{image:x}.jpg","actions":[{{"label":"Buy {card}","url":"https://shop.example.invalid/buy/{order:x}"}},{{"label":"More","url":"https://shop.example.invalid/more/{order:x}"}}]}}"#
        )
    });
    let cards: Vec<String> = cards.collect();
    format!(r#"{{"text":"{}","targets":[{}]}}"#, dice.words(3, 9), cards.join(","))
}
