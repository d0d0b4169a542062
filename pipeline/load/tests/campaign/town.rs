//! The plan that a campaign replays: threads of many sizes with everything in them that a plan can
//! have, and one that is longer than a call may carry.

use kernel::Instant;
use landing::exchange::sha256;
use serde_json::{Value, json};

use crate::plan_tables::PlanTables;
use crate::shop::{answered, asked, customer, noted, ticket};

/// Messages that one call may carry.
const PACKED_MAX: usize = 500;
/// Bodies that a careless hand would spoil.
const TEXTS: [&str; 5] = [
    "plain",
    "Grüße, 你好, 👩‍👩‍👧 and \u{200d}joined",
    "line one\r\nline two\n\ttabbed \"quoted\" \\ back",
    "<b>not</b> &amp; markup &lt;here&gt;",
    "a very long line ",
];

/// Contents of the files that it uploads, with their names and types.
pub fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    vec![
        ("cup & saucer.png", "image/png", b"a picture of a cup".to_vec()),
        ("Rechnung März.pdf", "application/pdf", b"an invoice over two cups".to_vec()),
        ("empty.txt", "text/plain", b"-".to_vec()),
        ("tone.wav", "audio/wav", (0..4_096_u32).map(|byte| (byte % 251) as u8).collect()),
    ]
}

/// The plan of `threads` tickets; with `long`, one more that has a few messages too many for one
/// call.
pub fn town(threads: usize, long: bool) -> PlanTables {
    let mut plan = PlanTables {
        agents: ["anna", "bo", "cleo"].map(agent).to_vec(),
        tags: ["VIP", "migrated", "vip", "spät"].map(|name| json!({"name": name})).to_vec(),
        customers: (0..threads.max(4)).map(person).collect(),
        ..PlanTables::default()
    };
    for (place, (name, content_type, bytes)) in files().into_iter().enumerate() {
        plan.uploads.push(json!({
            "seq": place, "sha256": sha256(&bytes), "name": name, "content_type": content_type,
            "bytes": bytes.len(),
        }));
    }
    let sizes = [1, 3, 5, 2, 9, 1, 4];
    for number in 0..threads {
        let size = sizes[number % sizes.len()];
        // Every second thread has messages that do not travel with their ticket.
        let packed = if number % 2 == 0 { size } else { 1 + size / 3 };
        add(&mut plan, number, size, packed);
    }
    if long {
        add(&mut plan, threads, PACKED_MAX + 4, PACKED_MAX);
    }
    plan
}

fn agent(name: &str) -> Value {
    json!({
        "agent_id": format!("op-{name}"), "email": format!("{name}@shop.example"), "name": name,
    })
}

fn person(number: usize) -> Value {
    // Every third person left no address.
    let email = (number % 3 != 2).then(|| format!("person{number}@people.example"));
    let mut person = customer(&format!("c{number}"), email.as_deref());
    if number % 4 == 1 {
        person["language"] = json!("de");
        person["phone"] = json!(format!("+4930123456{number:02}"));
    }
    person
}

fn add(plan: &mut PlanTables, number: usize, size: usize, packed: usize) {
    let customer_id = format!("c{}", number % plan.customers.len());
    let (began, minute_ms) = (1_709_287_200_000 + number as i64 * 86_400_000, 60_000);
    let sent =
        |place: usize| json!(Instant::from_millis(began + place as i64 * minute_ms).rfc3339());
    let mut messages = Vec::new();
    for place in 0..size {
        let (id, in_create) = (format!("m{number}-{place}"), place < packed);
        let agent = ["op-anna", "op-bo", "op-cleo"][place % 3];
        let mut message = match place % 4 {
            0 | 2 => asked(&id, &customer_id, in_create),
            1 => answered(&id, agent, &customer_id, in_create),
            _ => noted(&id, agent, in_create),
        };
        message["sent_at"] = sent(place);
        message["body_text"] = json!(format!("{} [{id}]", TEXTS[(number + place) % TEXTS.len()]));
        if place % 3 == 0 {
            message["body_html"] = json!(format!("<p>{id} <em>&amp;</em> ü</p>"));
        }
        if (number + place).is_multiple_of(5) && size < 100 {
            attach(plan, &mut message, (number + place) / 5);
        }
        messages.push(message);
    }
    let id = format!("t{number}");
    let mut thread =
        ticket(&id, &customer_id, if number.is_multiple_of(3) { "closed" } else { "open" });
    thread["created_at"] = sent(0);
    thread["updated_at"] = sent(size);
    thread["last_message_at"] = sent(size - 1);
    if thread["status"] == "closed" {
        thread["closed_at"] = sent(size);
    }
    thread["channel"] = json!(["chat", "api"][number % 2]);
    thread["spam"] = json!(number % 11 == 7);
    thread["tags"] = json!([r#"["migrated"]"#, r#"["VIP","vip","spät"]"#, "[]"][number % 3]);
    if number.is_multiple_of(4) {
        thread["assignee_agent_id"] = json!(["op-anna", "op-bo"][number / 4 % 2]);
    }
    plan.thread(thread, messages);
}

/// Gives a message one file or two, the first one also within its texts.
fn attach(plan: &PlanTables, message: &mut Value, which: usize) {
    let url = format!("https://files.example/{which}.bin?a=1&b=2");
    let listed = (0..1 + which % 2).map(|more| {
        let upload = &plan.uploads[(which + more) % plan.uploads.len()];
        json!({
            "sha256": upload["sha256"], "name": upload["name"], "bytes": upload["bytes"],
            "content_type": upload["content_type"],
            "url": if more == 0 { url.clone() } else { format!("https://files.example/{which}") },
            "inline": more == 0,
        })
    });
    message["attachments"] = json!(json!(listed.collect::<Vec<_>>()).to_string());
    message["body_text"] = json!(format!("see {url} there"));
    message["body_html"] = json!(format!("<img src=\"{}\">", url.replace('&', "&amp;")));
}
