//! The bodies, as JSON.

use kernel::{Clock, Instant};
use serde_json::{Value, json};

use super::*;
use crate::plan::{Address, Sender};
use crate::target::AttachmentDraft;

struct Later;

impl Clock for Later {
    fn now(&self) -> Instant {
        Instant::from_millis(1_900_000_000_000)
    }
}

fn draft(from_agent: bool, public: bool) -> MessageDraft {
    let sent_at = Instant::from_micros(1_709_287_200_000_999);
    let message = plan::Message {
        ticket_seq: 1,
        position: 1,
        ticket_id: "t1".into(),
        message_id: "m1".into(),
        in_create: false,
        channel: "chat".into(),
        via: "api".into(),
        from_agent,
        public,
        sender: Sender::Nobody,
        receiver_customer_id: None,
        source_type: None,
        source_from: Some(Address { name: Some("Ada".into()), address: None }),
        source_to: Vec::new(),
        subject: None,
        body_text: Some("hello".into()),
        body_html: Some("<p>hello</p>".into()),
        sent_at,
        message_ref: None,
        attachments: Vec::new(),
        mention_agent_ids: Vec::new(),
        meta: Some(json!({"origin": "email", "automated": true, "properties": {"a": 1},
                          "user": {"avatar": "https://x.example/a.png"}})),
    };
    MessageDraft {
        message,
        sender: None,
        receiver: None,
        mentions: vec!["op-1".into()],
        sent: SentTime::past(sent_at, &Later).expect("long past"),
        attachments: Vec::new(),
    }
}

fn written(draft: &MessageDraft) -> Value {
    serde_json::from_slice(&message(draft).expect("a body")).expect("JSON")
}

#[test]
fn what_an_operator_says_to_the_visitor_is_always_marked_as_not_to_be_delivered() {
    let body = written(&draft(true, true));
    let expected = json!({
        "type": "text", "from": "operator", "stealth": true, "origin": "email",
        "content": "hello", "timestamp": 1_709_287_200_000_i64, "fingerprint": fingerprint("m1"),
        "user": {"nickname": "Ada", "avatar": "https://x.example/a.png"},
        "original": {"type": "text/html", "content": "<p>hello</p>"},
        "properties": {"a": 1}, "automated": true,
    });
    assert_eq!(body, expected);
    let mut file = draft(true, true);
    file.message.body_text = None;
    file.attachments.push(AttachmentDraft {
        url: "https://files.example/1".into(),
        name: "Cup & saucer.png".into(),
        content_type: "image/png".into(),
        bytes: 4,
    });
    let body = written(&file);
    assert_eq!((&body["type"], &body["stealth"]), (&json!("file"), &json!(true)));
    let content = json!({"name": "Cup & saucer.png", "url": "https://files.example/1",
                         "type": "image/png"});
    assert_eq!(body["content"], content);
    assert_eq!(body.get("original"), None, "a file has none");
}

#[test]
fn a_visitor_and_a_note_need_no_mark_and_only_a_note_names_operators() {
    let user = written(&draft(false, true));
    assert_eq!((&user["from"], user.get("stealth")), (&json!("user"), None));
    assert_eq!(user.get("mentions"), None);
    let note = written(&draft(true, false));
    assert_eq!((&note["type"], &note["from"]), (&json!("note"), &json!("operator")));
    assert_eq!((&note["mentions"], note.get("original")), (&json!(["op-1"]), None));
}

#[test]
fn a_message_without_a_text_or_a_file_is_a_fault_of_the_plan() {
    let mut empty = draft(true, true);
    empty.message.body_text = None;
    assert_eq!(message(&empty).expect_err("is none").kind(), kernel::fault::Kind::FixData);
}

#[test]
fn a_key_of_a_message_is_the_same_everywhere_positive_and_exact_in_javascript() {
    assert_eq!(fingerprint("m1"), fingerprint("m1"));
    // printf %s m1 | sha256sum
    let first = u64::from_str_radix(&landing::exchange::sha256(b"m1")[..16], 16).expect("hex");
    assert_eq!(fingerprint("m1"), (first >> 11) as i64);
    for id in ["", "m1", "session/1/file/2", "ü"] {
        assert!((1..1 << 53).contains(&fingerprint(id)), "{id}");
    }
}

fn customer() -> plan::Customer {
    plan::Customer {
        customer_id: "c1".into(),
        external_id: "kustomer:c1".into(),
        email: Some("ada@people.example".into()),
        name: Some("Ada".into()),
        phone: None,
        language: None,
        timezone: None,
        custom_fields: Vec::new(),
        meta: Some(json!({
            "person": {"phone": "+49", "avatar": null}, "company": null, "segments": ["vip"],
            "data": {"size": 4, "gone": null},
        })),
    }
}

#[test]
fn a_profile_has_a_name_in_any_case_and_a_lean_one_nothing_else() {
    let whole = profile(&customer(), false);
    let person = json!({"phone": "+49", "nickname": "Ada"});
    let expected = json!({"email": "ada@people.example", "person": person, "segments": ["vip"]});
    assert_eq!(whole, expected);
    let mut nameless = customer();
    nameless.name = Some(" ".into());
    let person = json!({"nickname": "ada@people.example"});
    let expected = json!({"email": "ada@people.example", "person": person});
    assert_eq!(profile(&nameless, true), expected);
}

#[test]
fn our_id_is_put_only_on_a_profile_that_is_surely_ours() {
    let ours = json!({"data": {"size": 4, "deskferry_id": "kustomer:c1"}});
    assert_eq!(person_data(&customer(), true), Some(ours));
    assert_eq!(person_data(&customer(), false), Some(json!({"data": {"size": 4}})));
    let plain = plan::Customer { meta: None, ..customer() };
    assert_eq!(person_data(&plain, false), None);
}
