//! People and the workspace: profiles, custom data, conversations of a person, operators.

use std::collections::BTreeSet;

use super::{Desk, ids};

#[tokio::test]
async fn the_profile_list_equals_the_count_and_carries_no_custom_data() {
    let desk = Desk::shop().await;
    let people = desk.walk("people/profiles", "").await;
    assert_eq!(desk.data("people/stats").await["total"], people.len());
    assert_eq!(ids(&people, "people_id").iter().collect::<BTreeSet<_>>().len(), 90);
    assert!(people.iter().all(|person| person.get("_data").is_none()));
    let without_page = desk.data("people/profiles").await;
    assert_eq!(without_page, desk.data("people/profiles/1").await);
    let oldest = desk.walk("people/profiles", "sort_field=created_at&sort_order=ascending").await;
    let times: Vec<_> = oldest.iter().map(|person| person["created_at"].as_i64()).collect();
    assert!(times.is_sorted());
    let found = desk.walk("people/profiles", "search_text=CORP.example").await;
    assert!(!found.is_empty() && found.len() < 90);
}

#[tokio::test]
async fn custom_data_nests_twice_and_keeps_the_spelling_of_numbers() {
    let desk = Desk::shop().await;
    let (mut with, mut without, mut spelled) = (0, 0, 0);
    for id in ids(&desk.walk("people/profiles", "").await, "people_id") {
        let reply = desk.get(&format!("people/data/{id}")).await;
        let data = reply.json["data"]["data"].as_object().expect("nested twice").clone();
        if data.is_empty() {
            without += 1
        } else {
            with += 1
        }
        spelled += u32::from(reply.text.contains(r#""rate":1.50,"lifetime_value":2E3"#));
    }
    assert!(with > 0 && without > 0 && spelled > 0);
}

#[tokio::test]
async fn an_address_names_a_person_when_it_is_percent_encoded() {
    let desk = Desk::shop().await;
    let people = desk.walk("people/profiles", "").await;
    let plus = people
        .iter()
        .find(|person| person["email"].as_str().is_some_and(|email| email.contains('+')))
        .expect("somebody has a plus in the address");
    let email = plus["email"].as_str().expect("a text");
    let encoded: String = url::form_urlencoded::byte_serialize(email.trim().as_bytes()).collect();
    let found = desk.data(&format!("people/profile/{encoded}")).await;
    assert_eq!(found["people_id"], plus["people_id"]);
    let reply = desk.get("people/profile/nobody%40example.org").await;
    assert_eq!((reply.status, reply.reason()), (404, "people_not_found"));
}

#[tokio::test]
async fn people_come_in_every_awkward_kind() {
    let desk = Desk::shop().await;
    let people = desk.walk("people/profiles", "").await;
    let emails: Vec<&str> = people.iter().filter_map(|person| person["email"].as_str()).collect();
    let has = |test: &dyn Fn(&str) -> bool| emails.iter().any(|email| test(email));
    assert!(emails.len() < people.len(), "somebody has no address");
    assert!(has(&|email| email.contains(char::is_uppercase)));
    assert!(has(&|email| email.starts_with(' ')));
    let folded: BTreeSet<String> = emails.iter().map(|email| email.trim().to_lowercase()).collect();
    assert!(folded.len() < emails.len(), "two people share an address");
    assert!(people.iter().any(|person| person.get("email").is_none()));
    assert!(people.iter().any(|person| person.get("notepad").is_some()));
    for email in emails {
        assert!(email.trim().to_lowercase().contains("example"), "a real-looking domain");
    }
}

#[tokio::test]
async fn a_person_lists_the_conversations_that_name_them() {
    let desk = Desk::shop().await;
    let conversations = desk.walk("conversations", "include_empty=1").await;
    let mut several = 0;
    for person in ids(&desk.walk("people/profiles", "").await, "people_id") {
        let own: BTreeSet<_> = conversations
            .iter()
            .filter(|row| row["people_id"] == person.as_str())
            .map(|row| row["session_id"].clone().to_string())
            .collect();
        let listed = desk.walk(&format!("people/conversations/{person}/list"), "").await;
        assert_eq!(listed.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), own);
        several += u32::from(own.len() > 1);
    }
    assert!(several > 5);
    assert!(conversations.iter().any(|row| row.get("people_id").is_none()));
}

#[tokio::test]
async fn a_removed_operator_still_writes_and_an_invite_has_no_id() {
    let desk = Desk::shop().await;
    let rows = desk.data("operators/list").await;
    let rows = rows.as_array().expect("a list");
    let known: BTreeSet<&str> =
        rows.iter().filter_map(|row| row["details"]["user_id"].as_str()).collect();
    assert!(rows.iter().any(|row| row["type"] == "invite" && row["details"]["user_id"].is_null()));
    let mut unknown = BTreeSet::new();
    for session in desk.sessions().await {
        for message in desk.messages(&session).await.values() {
            let user = message["user"]["user_id"].as_str().unwrap_or_default().to_owned();
            if message["from"] == "operator" && !user.is_empty() && !known.contains(user.as_str()) {
                unknown.insert(user);
            }
        }
    }
    assert_eq!(unknown.len(), 1);
    let gone = unknown.first().expect("one");
    assert_eq!(desk.get(&format!("operator/{gone}")).await.status, 404);
    let present = known.first().expect("one");
    assert_eq!(desk.get(&format!("operator/{present}")).await.status, 200);
}

#[tokio::test]
async fn the_parts_of_a_conversation_equal_its_item() {
    let desk = Desk::shop().await;
    for item in desk.data("conversations/1?per_page=20").await.as_array().expect("a list") {
        let session = item["session_id"].as_str().expect("an id");
        let part = async |name: &str| desk.data(&format!("conversation/{session}/{name}")).await;
        assert_eq!(&desk.data(&format!("conversation/{session}")).await, item);
        assert_eq!(part("meta").await, item["meta"]);
        assert_eq!(part("state").await["state"], item["state"]);
        assert_eq!(part("routing").await["assigned"], item["assigned"]);
        assert_eq!(part("participants").await["participants"], item["participants"]);
        assert_eq!(part("relations").await["conversations"]["children"], serde_json::json!([]));
        assert_eq!(part("pages/1").await, serde_json::json!([]));
    }
}

#[tokio::test]
async fn workspace_lists_and_the_missing_help_center_answer() {
    let desk = Desk::shop().await;
    assert_eq!(desk.data("teams/list/1").await.as_array().map(Vec::len), Some(1));
    assert_eq!(desk.data("settings").await["name"], "Shop");
    assert_eq!(desk.get("helpdesk").await.status, 404);
    desk.control("faults", r#"{"quirks":{"helpdesk":"legacy_empty"}}"#).await;
    assert_eq!(desk.data("helpdesk/locales/1").await[0]["locale"], "en");
    assert_eq!(desk.data("helpdesk/locale/en/articles/1").await, serde_json::json!([]));
}
