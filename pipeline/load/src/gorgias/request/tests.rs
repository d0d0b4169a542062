//! The bodies, word by word: what the vendor reads is what these tests show.

use serde_json::json;

use super::*;
use crate::plan::{Message, Sender, Ticket};

struct Later;

impl kernel::Clock for Later {
    fn now(&self) -> Instant {
        Instant::parse("2026-01-01T00:00:00Z").expect("a moment")
    }
}

const SENT: &str = "2024-03-01T10:00:00.000000+00:00";

fn moment() -> Instant {
    Instant::parse(SENT).expect("a moment")
}

fn draft(from_agent: bool, public: bool) -> MessageDraft {
    let address = |name: &str| Address { name: Some(name.into()), address: None };
    let message = Message {
        ticket_seq: 1,
        position: 1,
        ticket_id: "t1".into(),
        message_id: "m1".into(),
        in_create: true,
        channel: "chat".into(),
        via: "api".into(),
        from_agent,
        public,
        sender: Sender::Legacy,
        receiver_customer_id: None,
        source_type: Some("chat".into()),
        source_from: Some(address("Ada")),
        source_to: vec![address("Shop")],
        subject: None,
        body_text: Some("hello".into()),
        body_html: None,
        sent_at: moment(),
        message_ref: None,
        attachments: Vec::new(),
        mention_agent_ids: Vec::new(),
        meta: Some(json!({"source": "crisp"})),
    };
    MessageDraft {
        message,
        sender: Some("4000000001".into()),
        receiver: Some("4000000002".into()),
        mentions: vec!["4000000003".into()],
        sent: SentTime::past(moment(), &Later).expect("long past"),
        attachments: Vec::new(),
    }
}

fn written(outgoing: Outgoing) -> Value {
    match outgoing {
        Outgoing::Json(bytes) => serde_json::from_slice(&bytes).expect("JSON"),
        Outgoing::File { .. } => panic!("no file was expected"),
    }
}

#[test]
fn an_appended_message_says_what_it_is_and_nothing_more() {
    let expected = json!({
        "channel": "chat", "via": "api", "from_agent": true, "public": true,
        "sender": {"id": 4_000_000_001_u64}, "receiver": {"id": 4_000_000_002_u64},
        "source": {"type": "chat", "from": {"name": "Ada"}, "to": [{"name": "Shop"}]},
        "body_text": "hello", "external_id": "m1",
        "created_datetime": SENT, "sent_datetime": SENT,
        "meta": {"source": "crisp"}, "mention_ids": [4_000_000_003_u64], "imported": true,
    });
    let body = written(appended(&draft(true, true)).expect("a body"));
    assert_eq!(body, expected);
}

#[test]
fn incoming_messages_and_notes_have_no_receiver_and_notes_no_envelope() {
    let incoming = written(appended(&draft(false, true)).expect("a body"));
    assert_eq!(incoming.get("receiver"), None);
    let note = written(appended(&draft(true, false)).expect("a body"));
    assert_eq!(note.get("receiver"), None);
    assert_eq!(note["source"], json!({"type": "chat"}));
}

#[test]
fn a_ticket_is_marked_as_imported_and_its_messages_are_not() {
    let ticket = Ticket {
        seq: 1,
        ticket_id: "t1".into(),
        external_id: "crisp:t1".into(),
        customer_id: Some("c1".into()),
        subject: Some("About".into()),
        status: "closed".into(),
        channel: "chat".into(),
        via: "api".into(),
        from_agent: false,
        assignee_agent_id: None,
        tags: vec!["unused".into()],
        spam: false,
        created_at: moment(),
        updated_at: None,
        opened_at: None,
        closed_at: Some(moment()),
        last_message_at: None,
        last_received_message_at: None,
        custom_fields: Vec::new(),
        meta: Some(json!("no object")),
        updates: None,
    };
    let whole = TicketDraft {
        ticket: ticket.clone(),
        customer: Some("4000000002".into()),
        assignee: Some("4000000001".into()),
        tags: vec!["VIP".into()],
        messages: vec![draft(false, true), draft(true, true)],
        custom_fields: vec![FieldDraft { id: "4000000009".into(), value: json!(7) }],
        planned: Travelling { from: 0, to: 2, is_bare: false },
        has_extras: false,
    };
    let mut body = written(super::ticket(&whole, whole.planned).expect("a body"));
    let messages = body["messages"].take();
    assert_eq!(messages.as_array().map(Vec::len), Some(2));
    assert_eq!(messages[0].get("imported"), None);
    let expected = json!({
        "external_id": "crisp:t1", "customer": {"id": 4_000_000_002_u64}, "channel": "chat",
        "via": "api", "status": "closed", "subject": "About", "from_agent": false,
        "spam": false, "assignee_user": {"id": 4_000_000_001_u64}, "tags": [{"name": "VIP"}],
        "custom_fields": [{"id": 4_000_000_009_u64, "value": 7}],
        "imported": true, "created_datetime": SENT, "closed_datetime": SENT, "messages": null,
    });
    assert_eq!(body, expected);
    let alone = Travelling { to: 1, is_bare: true, ..whole.planned };
    let alone = written(super::ticket(&whole, alone).expect("a body"));
    assert_eq!(alone["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(alone.get("custom_fields"), None);
    let fields = ["assignee", "tags", "subject"].map(str::to_owned).to_vec();
    let changed = plan::Ticket { updates: Some(fields), subject: None, ..ticket.clone() };
    let known = TicketUpdate {
        ticket: &changed,
        assignee: None,
        tags: vec!["VIP".into()],
        custom_fields: Vec::new(),
        messages: Vec::new(),
    };
    let body = written(super::update(&known).expect("a body"));
    let expected = json!({
        "status": "closed", "subject": null, "assignee_user": {"id": null},
        "tags": [{"name": "VIP"}], "closed_datetime": body["closed_datetime"].clone(),
    });
    assert_eq!(body, expected, "nothing else is touched");
    let state = written(final_state(&ticket).expect("a body"));
    assert_eq!(state, json!({"status": "closed", "closed_datetime": SENT}));
}

#[test]
fn people_without_an_address_have_no_channels_and_a_lean_customer_only_the_needed() {
    let mut person = plan::Customer {
        customer_id: "c1".into(),
        external_id: "crisp:c1".into(),
        email: None,
        name: Some("Ada".into()),
        phone: None,
        language: None,
        timezone: None,
        custom_fields: Vec::new(),
        meta: None,
    };
    let body = written(customer(&person, false).expect("a body"));
    assert_eq!(body, json!({"name": "Ada", "external_id": "crisp:c1", "channels": []}));
    person.email = Some("ada@people.example".into());
    person.phone = Some("+491234".into());
    person.language = Some("de".into());
    let email = json!({"type": "email", "address": "ada@people.example", "preferred": true});
    let phone = json!({"type": "phone", "address": "+491234", "preferred": true});
    let full = written(customer(&person, false).expect("a body"));
    assert_eq!(full["channels"], json!([email, phone]));
    assert_eq!(full["language"], "de");
    let lean = written(customer(&person, true).expect("a body"));
    assert_eq!(lean["channels"], json!([email]));
    assert_eq!(lean.get("language"), None);
}

#[test]
fn a_type_that_cannot_stand_in_a_header_becomes_plain_bytes() {
    assert_eq!(sound_type("text/plain; charset=utf-8"), "text/plain");
    for declared in ["", "image", "image/", "a b/c", "x/y\r\nz: 1"] {
        assert_eq!(sound_type(declared), "application/octet-stream", "{declared:?}");
    }
}
