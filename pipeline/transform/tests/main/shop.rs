//! A small invented shop in the shapes of Crisp: one conversation for each thing that can go wrong.

use crate::fixture::{FETCHED_MS, File, Record};

/// Where its files lie.
pub const FILES: &str = "https://files.shop.example";

/// A person's profile.
pub fn person(id: &str, email: &str, name: &str, more: &str) -> Record {
    let raw = format!(
        r#"{{"people_id":"{id}","email":"{email}","person":{{"nickname":"{name}","locales":["en-GB"]}}{more},"created_at":1704067200000,"updated_at":1704067200000}}"#
    );
    Record::new("people", id, raw)
}

/// A conversation.
pub fn conversation(id: &str, person: &str, state: &str, meta: &str) -> Record {
    let raw = format!(
        r#"{{"session_id":"session_{id}","people_id":"{person}","state":"{state}","assigned":null,"meta":{{{meta}}},"created_at":1704070000000,"updated_at":1704080000000}}"#
    );
    Record::new("conversations", &format!("session_{id}"), raw)
}

/// A message: `content` and `more` are JSON.
pub fn message(conversation: &str, number: i64, kind: &str, content: &str, more: &str) -> Record {
    let sent_ms = 1_704_070_000_000 + number * 1_000;
    message_at(conversation, number, sent_ms, kind, content, more)
}

/// A message sent at a given time.
pub fn message_at(
    conversation: &str,
    number: i64,
    sent_ms: i64,
    kind: &str,
    content: &str,
    more: &str,
) -> Record {
    let session = format!("session_{conversation}");
    let more = if more.is_empty() { FROM_CUSTOMER } else { more };
    let raw = format!(
        r#"{{"session_id":"{session}","fingerprint":{number},"type":"{kind}","content":{content},"timestamp":{sent_ms},{more}}}"#
    );
    Record::new("messages", &format!("{session}/{number}"), raw).of(&session).at(10, number as i32)
}

const FROM_CUSTOMER: &str = r#""from":"user","origin":"chat","user":{"nickname":"Visitor"}"#;
/// Fields of a message that an operator of the list wrote.
pub const FROM_ADA: &str =
    r#""from":"operator","origin":"chat","user":{"user_id":"op-ada","nickname":"Ada"}"#;
/// Fields of a message that somebody wrote who is no longer in the list.
pub const FROM_GONE: &str =
    r#""from":"operator","origin":"chat","user":{"user_id":"op-gone","nickname":"Gus Gone"}"#;
/// Fields of a message that a bot wrote.
pub const FROM_BOT: &str = r#""from":"operator","origin":"chat","automated":true,"user":{"type":"website","nickname":"Robo"}"#;

/// The whole shop.
pub fn records() -> Vec<Record> {
    let mut records = people();
    records.extend(conversations());
    records.extend(plain_messages());
    records.extend(odd_messages());
    records.push(
        Record::new(
            "originals",
            "session_mail/or-1",
            r#"{"original_id":"or-1","type":"text/html","headers":{"Subject":"Where is it","Message-ID":"<m1@mail.example>"},"content":"<p onclick=\"x()\">Where is <b>it</b>?</p><script>x()</script>"}"#,
        )
        .of("session_mail/1"),
    );
    records
}

/// Its files: one that is there, one picture, one that is gone.
pub fn files() -> Vec<File> {
    vec![
        File::stored(&format!("{FILES}/a/invoice.pdf"), b"%PDF-1.4 invoice", "application/pdf"),
        File::stored(&format!("{FILES}/a/cup.png"), b"a cup", "image/png"),
        File::broken(&format!("{FILES}/a/gone.png"), "missing"),
    ]
}

fn people() -> Vec<Record> {
    vec![
        person("p1", "Ann@Mail.Example", "Ann", r#","notepad":"likes oat milk""#),
        person("p2", "  ann@mail.example ", "Ann B.", r#","segments":["vip"]"#),
        person("p3", "", "visitor3", ""),
        person("p4", "joe@mail.example", "Joe", ""),
        Record::new("people_data", "p4", r#"{"people_id":"p4","data":{"plan":"pro"}}"#),
        Record::new("people_data", "p9", r#"{"data":{"plan":"lost"}}"#),
        Record::new(
            "operators",
            "op-ada",
            r#"{"type":"operator","details":{"user_id":"op-ada","email":"Ada@Shop.Example","first_name":"Ada","last_name":"Byron"}}"#,
        ),
        Record::new(
            "operators",
            "new@shop.example",
            r#"{"type":"invite","details":{"email":"new@shop.example"}}"#,
        ),
    ]
}

fn conversations() -> Vec<Record> {
    let assigned = Record::new(
        "conversations",
        "session_mail",
        r#"{"session_id":"session_mail","people_id":"p4","state":"unresolved","assigned":{"user_id":"op-ada"},"meta":{"subject":" Parcel  7 ","origin":"email","email":"joe@mail.example","segments":["Mail In","mail"]},"created_at":1704070000000,"updated_at":1704080000000}"#,
    );
    vec![
        conversation("a", "p1", "resolved", r#""segments":["chat"," chat ",""],"origin":"chat""#),
        conversation("b", "p2", "pending", r#""data":{"order":"7"},"phone":"+33 7 00 00 00 01""#),
        conversation("c", "p3", "unresolved", r#""nickname":"visitor3","phone":"0700000003""#),
        conversation(
            "d",
            "p8",
            "unresolved",
            r#""nickname":"Kim","email":"kim@mail.example","phone":"0033700000001""#,
        ),
        conversation("empty", "p4", "resolved", ""),
        assigned,
        Record::new("conversations", "session_broken", r#"{"session_id": "session_broken""#),
    ]
}

fn plain_messages() -> Vec<Record> {
    let file = format!(
        r#"{{"name":"invoice.pdf","url":"{FILES}/a/invoice.pdf","type":"application/pdf"}}"#
    );
    let gone = format!(r#"{{"name":"gone.png","url":"{FILES}/a/gone.png","type":"image/png"}}"#);
    let picture = format!(r#""See ![cup]({FILES}/a/cup.png) and ![x]({FILES}/a/gone.png)""#);
    let ada_note = r#""from":"operator","user":{"user_id":"op-ada","nickname":"Ada"},"mentions":["op-ada","op-other"]"#;
    let mail = r#""from":"user","origin":"email","original":{"original_id":"or-1"},"user":{"nickname":"Joe"}"#;
    let reply =
        r#""from":"operator","origin":"email","user":{"user_id":"op-ada","nickname":"Ada"}"#;
    let copied =
        r#""from":"user","origin":"email","user":{"type":"participant","nickname":"Cas Copied"}"#;
    vec![
        message("a", 1, "text", r#""Hello **there**\nsecond line""#, ""),
        message("a", 2, "text", r#""Hi Ann""#, FROM_ADA),
        message("a", 3, "note", r#""Customer is *nice*""#, ada_note),
        message("a", 4, "file", &file, ""),
        message("a", 5, "text", &picture, FROM_GONE),
        message("b", 1, "text", r#""I am a machine""#, FROM_BOT),
        message("b", 2, "event", r#"{"namespace":"state:pending","text":"now"}"#, FROM_ADA),
        message("b", 3, "file", &gone, ""),
        message("mail", 1, "text", r#""Where is it?""#, mail),
        message("mail", 2, "text", r#""On its way""#, reply),
        message("mail", 3, "text", r#""And mine?""#, copied),
    ]
}

fn odd_messages() -> Vec<Record> {
    let choices = r#"{"id":"p","text":"Size?","choices":[{"value":"s","label":"Small","selected":true},{"value":"l","label":"Large"}]}"#;
    let field = r#"{"id":"f","text":"Number?","explain":"six digits","value":"774411"}"#;
    let cards = r#"{"text":"Pick","targets":[{"title":"Cup","description":"red","actions":[{"label":"Buy","url":"https://shop.example/cup"}]}]}"#;
    vec![
        message("c", 1, "picker", choices, FROM_BOT),
        message("c", 2, "field", field, FROM_BOT),
        message("c", 3, "carousel", cards, FROM_BOT),
        message("c", 4, "hologram", r#"{"depth":3}"#, ""),
        message("c", 5, "file", r#""just text""#, ""),
        message("c", 6, "text", r#""   ""#, ""),
        message_at("c", 7, FETCHED_MS + 5_000, "text", r#""from the future""#, ""),
        // One millisecond, two pages: what was asked for later is older.
        message_at("d", 2, 1_704_070_001_000, "text", r#""second""#, "").at(10, 0),
        message_at("d", 1, 1_704_070_001_000, "text", r#""first""#, "").at(11, 39),
        // The same message landed twice; the later version counts.
        message("d", 3, "text", r#""typo""#, "").at(10, 1),
        message("d", 3, "text", r#""edited""#, "").at(12, 1),
        message("nowhere", 1, "text", r#""no conversation""#, ""),
        Record::new(
            "messages",
            "session_d/9",
            r#"{"session_id":"session_d","fingerprint":9,"type":"text","content":"no time"}"#,
        )
        .of("session_d"),
    ]
}
