//! Writes to a workspace that may be written to: what they make, whom they would reach, and what
//! they are refused for.

use deskferry_emulator::crisp::{Data, Operator, Options, Plan, Quirks, Repeated};
use reqwest::Method;
use serde_json::{Value, json};

use super::Desk;

impl Desk {
    /// A workspace of one operator that may be written to.
    pub(super) async fn empty(quirks: Quirks) -> Desk {
        let operator = Operator {
            email: "owner@shop.example".to_owned(),
            name: "Olga".to_owned(),
            role: "owner".to_owned(),
        };
        let data = Data::Empty(vec![operator]);
        Desk::open(Options { data, quirks, writable: true, ..Options::default() }).await
    }

    pub(super) async fn write(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = self.request(method, path).body(body.to_string());
        let reply = request.send().await.expect("a reply");
        let status = reply.status().as_u16();
        (status, reply.json().await.expect("JSON"))
    }

    async fn begin(&self) -> String {
        let (status, reply) = self.write(Method::POST, "conversation", &json!({})).await;
        assert_eq!((status, &reply["reason"]), (201, &json!("added")));
        reply["data"]["session_id"].as_str().expect("an id").to_owned()
    }

    async fn meta(&self, session: &str, body: Value) -> u16 {
        self.write(Method::PATCH, &format!("conversation/{session}/meta"), &body).await.0
    }

    async fn say(&self, session: &str, change: impl FnOnce(&mut Value)) -> (u16, Value) {
        let mut body = json!({"type": "text", "from": "operator", "origin": "chat",
                              "content": "said", "timestamp": 1_700_000_000_000_i64,
                              "fingerprint": 7, "stealth": true});
        change(&mut body);
        self.write(Method::POST, &format!("conversation/{session}/message"), &body).await
    }
}

#[tokio::test]
async fn a_conversation_begins_empty_and_is_read_back_as_it_was_written() {
    let desk = Desk::empty(Quirks::default()).await;
    let session = desk.begin().await;
    let fresh = desk.data(&format!("conversation/{session}")).await;
    assert_eq!((&fresh["state"], &fresh["meta"]["email"]), (&json!("pending"), &json!("")));
    assert_eq!(desk.data("conversations/1").await, json!([]), "it has no messages");
    assert_eq!(desk.data("conversations/1?include_empty=1").await[0]["session_id"], session);
    let meta = json!({"email": "ada@shop.example", "nickname": "Ada", "segments": ["vip"],
                      "data": {"id": "x"}});
    assert_eq!(desk.meta(&session, meta).await, 200);
    let original = json!({"type": "text/html", "content": "<p>said</p>"});
    let (status, reply) = desk.say(&session, |body| body["original"] = original).await;
    assert_eq!((status, &reply["reason"]), (202, &json!("dispatched")));
    assert_eq!(reply["data"], json!({"fingerprint": 7}));
    let messages = desk.data(&format!("conversation/{session}/messages")).await;
    let message = &messages[0];
    assert_eq!(message["timestamp"], 1_700_000_000_000_i64);
    assert_eq!(message.get("stealth"), None);
    let original = message["original"]["original_id"].as_str().expect("an id");
    let original = desk.data(&format!("conversation/{session}/original/{original}")).await;
    assert_eq!(original["content"], "<p>said</p>");
    let people = desk.data("people/profiles/1").await;
    assert_eq!(people[0]["email"], "ada@shop.example", "the address made a profile");
    let bound = desk.data(&format!("conversation/{session}")).await["people_id"].clone();
    assert_eq!(bound, people[0]["people_id"]);
}

#[tokio::test]
async fn an_answer_without_the_mark_reaches_whoever_has_an_address() {
    let desk = Desk::empty(Quirks::default()).await;
    let (known, unknown) = (desk.begin().await, desk.begin().await);
    desk.meta(&known, json!({"email": "ada@shop.example"})).await;
    let outbox = || desk.emulator.counters().outbox;
    let unmarked = |body: &mut Value| {
        body.as_object_mut().expect("an object").remove("stealth");
    };
    desk.say(&known, |_| {}).await;
    desk.say(&unknown, unmarked).await;
    desk.say(&known, |body| (body["type"], body["stealth"]) = (json!("note"), json!(false))).await;
    desk.say(&known, |body| body["from"] = json!("user")).await;
    assert_eq!(outbox(), 0);
    desk.say(&known, unmarked).await;
    assert_eq!(outbox(), 1);
    desk.say(&known, |body| body["stealth"] = json!("true")).await;
    assert_eq!(outbox(), 2);
    let untimed = |body: &mut Value| {
        body.as_object_mut().expect("an object").remove("timestamp");
    };
    desk.say(&known, untimed).await;
    assert_eq!(desk.emulator.counters().untimed, 1);
}

#[tokio::test]
async fn a_fingerprint_that_is_there_is_doubled_or_ignored_or_refused() {
    for (repeated, status, count) in
        [(Repeated::Doubled, 202, 2), (Repeated::Ignored, 202, 1), (Repeated::Refused, 409, 1)]
    {
        let desk = Desk::empty(Quirks { repeated, ..Quirks::default() }).await;
        let session = desk.begin().await;
        desk.say(&session, |_| {}).await;
        assert_eq!(desk.say(&session, |_| {}).await.0, status, "{repeated:?}");
        let messages = desk.data(&format!("conversation/{session}/messages")).await;
        assert_eq!(messages.as_array().map(Vec::len), Some(count), "{repeated:?}");
    }
}

#[tokio::test]
async fn a_plan_limits_creations_notes_and_participants() {
    let (plan, plan_window_ms) = (Some(Plan::Free), Some(60_000));
    let desk = Desk::empty(Quirks { plan, plan_window_ms, ..Quirks::default() }).await;
    let session = desk.begin().await;
    for _ in 1..10 {
        desk.begin().await;
    }
    assert_eq!(desk.write(Method::POST, "conversation", &json!({})).await.0, 429);
    assert_eq!(desk.say(&session, |body| body["type"] = json!("note")).await.0, 402);
    let other = json!({"type": "email", "target": "bo@shop.example"});
    let path = format!("conversation/{session}/participants");
    let put = async |list: Value| {
        desk.write(Method::PUT, &path, &json!({ "participants": list })).await.0
    };
    assert_eq!(put(json!([other])).await, 200);
    assert_eq!(put(json!([other, other])).await, 402);
}

#[tokio::test]
async fn what_is_no_message_of_the_service_is_refused() {
    let quirks = Quirks { messages_max: 1, text_letters_max: Some(10), ..Quirks::default() };
    let desk = Desk::empty(quirks).await;
    let session = desk.begin().await;
    let changes: [fn(&mut Value); 8] = [
        |body| body["type"] = json!("letter"),
        |body| body["from"] = json!("bot"),
        |body| body["content"] = json!(""),
        |body| body["content"] = json!("more than ten letters"),
        |body| body["timestamp"] = json!("2024-01-01T00:00:00Z"),
        |body| body["fingerprint"] = json!(1_i64 << 53),
        |body| (body["type"], body["from"]) = (json!("note"), json!("user")),
        |body| body["created_at"] = json!(1),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert_eq!(desk.say(&session, change).await.0, 400, "{number}");
    }
    assert_eq!(desk.say(&session, |_| {}).await.0, 202);
    assert_eq!(desk.say(&session, |body| body["fingerprint"] = json!(8)).await.0, 400, "full");
    assert_eq!(desk.say("session_x", |_| {}).await.0, 404);
    for wrong in [
        json!({"created_at": 1}),
        json!({"data": {"a key": 1}}),
        json!({"data": {"a": {}}}),
        json!({"segments": "vip"}),
        json!({"email": "nobody"}),
    ] {
        assert_eq!(desk.meta(&session, wrong.clone()).await, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_message_opens_its_conversation_again_and_marks_make_it_read() {
    let desk = Desk::empty(Quirks::default()).await;
    let session = desk.begin().await;
    let below = |part: &str| format!("conversation/{session}/{part}");
    let state = json!({"state": "resolved"});
    assert_eq!(desk.write(Method::PATCH, &below("state"), &state).await.0, 200);
    desk.say(&session, |_| {}).await;
    desk.say(&session, |body| {
        (body["from"], body["fingerprint"]) = (json!("user"), json!(8));
    })
    .await;
    let now = desk.data(&format!("conversation/{session}")).await;
    assert_eq!(now["state"], "unresolved");
    assert_eq!(now["unread"], json!({"operator": 1, "visitor": 1}));
    for side in ["user", "operator"] {
        let body = json!({"from": side, "origin": "chat"});
        assert_eq!(desk.write(Method::PATCH, &below("read"), &body).await.0, 200);
    }
    let now = desk.data(&format!("conversation/{session}")).await;
    assert_eq!(now["unread"], json!({"operator": 0, "visitor": 0}));
    let owner = desk.data("operators/list").await[0]["details"]["user_id"].clone();
    let routing = json!({"assigned": {"user_id": owner}, "silent": true});
    assert_eq!(desk.write(Method::PATCH, &below("routing"), &routing).await.0, 200);
    let nobody = json!({"assigned": {"user_id": "nobody"}});
    assert_eq!(desk.write(Method::PATCH, &below("routing"), &nobody).await.0, 404);
    assert_eq!(desk.write(Method::PATCH, &below("block"), &json!({"blocked": true})).await.0, 200);
    let now = desk.data(&format!("conversation/{session}")).await;
    assert_eq!((&now["assigned"]["user_id"], &now["is_blocked"]), (&owner, &json!(true)));
}

#[tokio::test]
async fn a_profile_is_made_once_merged_or_replaced_and_removed() {
    let desk = Desk::empty(Quirks::default()).await;
    let body = json!({"email": "Ada@Shop.example", "person": {"nickname": "Ada", "phone": "1"}});
    let (status, reply) = desk.write(Method::POST, "people/profile", &body).await;
    assert_eq!(status, 201);
    let id = reply["data"]["people_id"].as_str().expect("an id").to_owned();
    assert_eq!(desk.write(Method::POST, "people/profile", &body).await.0, 409);
    let nameless = json!({"email": "bo@shop.example"});
    assert_eq!(desk.write(Method::POST, "people/profile", &nameless).await.0, 400);
    let found = desk.data("people/profile/ada%40shop.example").await;
    assert_eq!((&found["people_id"], &found["email"]), (&json!(id), &json!("ada@shop.example")));
    let path = format!("people/profile/{id}");
    let change = json!({"person": {"nickname": "Countess"}});
    desk.write(Method::PATCH, &path, &change).await;
    let person = desk.data(&path).await["person"].clone();
    assert_eq!(person, json!({"nickname": "Countess", "phone": "1"}), "merged");
    desk.write(Method::PUT, &path, &json!({"email": "ada@shop.example", "person": {}})).await;
    assert_eq!(desk.data(&path).await["person"], json!({}), "replaced");
    let data = format!("people/data/{id}");
    desk.write(Method::PATCH, &data, &json!({"data": {"a": 1}})).await;
    desk.write(Method::PATCH, &data, &json!({"data": {"b": true}})).await;
    assert_eq!(desk.data(&data).await["data"], json!({"a": 1, "b": true}));
    assert_eq!(desk.write(Method::DELETE, &path, &json!({})).await.0, 200);
    assert_eq!(desk.get(&path).await.status, 404);
}

#[tokio::test]
async fn calls_that_make_the_service_act_are_counted() {
    let desk = Desk::empty(Quirks::default()).await;
    let session = desk.begin().await;
    let path = format!("conversation/{session}/transcript");
    assert_eq!(desk.write(Method::POST, &path, &json!({})).await.0, 200);
    assert_eq!(desk.emulator.counters().side_effects, 1);
    let batch = desk.write(Method::PATCH, "batch/resolve", &json!({})).await;
    assert_eq!(batch.0, 405, "a batch without sessions could mean all of them");
}
