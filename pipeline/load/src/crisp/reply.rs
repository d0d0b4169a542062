//! Reading Crisp's answers: the envelope, what a write became of, and what refuses it. What cannot
//! be read is never taken for a failure.

use std::collections::{BTreeMap, BTreeSet};

use http::Reply;
use kernel::retry::Ending;
use kernel::{Code, Fault, Result};
use serde_json::Value;

use super::wire::family;
use super::{OUR_ID, key_of};
use crate::target::calls::{self, Vendor, Written};
use crate::target::{Carried, Found, Person, Sent, TargetId};

/// What a token needs.
pub(super) const SCOPES: &str = "a load needs read and write on conversations (initiate, sessions, \
     messages, states, participants, routing, actions), people profiles and people data, and read \
     on operators";

pub(super) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// What is in the envelope of a success.
pub(super) fn data(reply: &Reply) -> Option<Value> {
    let mut body = json(&reply.body).filter(|_| reply.is_success())?;
    let is_fine = body.get("error") == Some(&Value::Bool(false));
    is_fine.then(|| body["data"].take())
}

/// The reason of an error, in the vendor's word.
pub(super) fn reason(body: &[u8]) -> Option<String> {
    let body = json(body)?;
    body.get("reason")?.as_str().filter(|word| is_word(word)).map(str::to_owned)
}

/// A record with our id on it.
pub(super) fn ours(id: TargetId) -> Found {
    Found { id, ours: true, parts: Vec::new(), trashed: false }
}

/// Makes of a write what the loader needs to know; `read` finds the record in the data.
///
/// # Errors
/// When no further call makes sense: credentials, rights, another workspace.
pub(super) fn sent(written: Written, read: impl Fn(&Value) -> Option<Found>) -> Result<Sent> {
    calls::sent(&Replies, written, read)
}

/// What Crisp means by its replies.
pub(super) struct Replies;

impl Vendor for Replies {
    fn limited(&self, reply: &Reply) -> Option<Ending> {
        let retry_after_ms = calls::asked_to_wait_ms(reply);
        match reply.status {
            420 | 429 => Some(Ending::RateLimited { retry_after_ms }),
            423 => Some(Ending::QuotaExhausted { retry_after_ms }),
            _ => None,
        }
    }

    fn is_readable(&self, reply: &Reply) -> bool {
        !reply.is_success() || json(&reply.body).is_some()
    }

    fn answer(&self, reply: &Reply) -> Option<Value> {
        data(reply)
    }

    fn check_account(&self, reply: &Reply) -> Result<()> {
        match reply.status {
            401 => Err(Fault::config("the target refuses the credentials (status 401)")
                .coded(Code::CredentialsRefused)
                .hint(
                    "check identifier and key in [target] and the environment variable they name",
                )),
            403 => Err(Fault::config("the token may not do this in the target (status 403)")
                .coded(Code::RightMissing)
                .hint(SCOPES)),
            404 if reason(&reply.body).as_deref() == Some("subscription_not_found") => {
                Err(Fault::config("the plugin is not installed in this workspace (status 404)")
                    .coded(Code::RightMissing)
                    .hint("install the plugin in the workspace, or check website_id in [target]"))
            }
            _ => Ok(()),
        }
    }

    /// The status, the reason and the field that is objected to, but nothing that was in it.
    fn refusal(&self, reply: &Reply) -> String {
        let mut words = vec![format!("status {}", reply.status)];
        words.extend(reason(&reply.body));
        let body = json(&reply.body).unwrap_or_default();
        let message = body.pointer("/data/message").and_then(Value::as_str).unwrap_or_default();
        let first = message.split_whitespace().next().unwrap_or_default();
        // The first word of a validator's message is a path.
        if first.starts_with("data.") && is_word(first) {
            words.push(first.to_owned());
        }
        words.join(", ")
    }

    fn given_up(&self, path: &str, ending: Ending, last: &str) -> Fault {
        let message = format!("no usable reply to calls of {}: {last}", family(path));
        match ending {
            Ending::QuotaExhausted { .. } => {
                Fault::wait("the calls of the day are used up in the target (status 423)")
                    .coded(Code::DayUsedUp)
                    .hint(
                        "run the same command again tomorrow, which goes on where this one \
                         stopped; Crisp raises the quota of a plugin on request",
                    )
            }
            Ending::RateLimited { .. } => Fault::wait(message).coded(Code::Throttled).hint(
                "something else uses the same token, or plan in [target] is larger than the \
                 workspace's; wait, then run the same command again",
            ),
            _ => Fault::retry(message).coded(Code::NoUsableReply).hint(
                "check that the target answers at base_url of [target]; then run the same \
                 command again, which goes on where this one stopped",
            ),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
}

/// The id of a record, in the field that holds it.
pub(super) fn id(record: &Value, field: &str) -> Option<TargetId> {
    record.get(field)?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// An operator who is there; somebody who is only invited has no id.
pub(super) fn person(row: &Value) -> Option<Person> {
    let details = row.get("details")?;
    let email = details.get("email").and_then(Value::as_str);
    let email = email.map(|text| text.trim().to_lowercase());
    Some(Person { id: id(details, "user_id")?, email })
}

/// The id of ours that a conversation carries.
pub(super) fn our_id(conversation: &Value) -> Option<&str> {
    conversation.pointer("/meta/data")?.get(OUR_ID)?.as_str()
}

/// Conversations that carry an id of ours.
pub(super) fn carried(conversations: &[Value]) -> Vec<Carried> {
    let carried = conversations.iter().filter_map(|record| {
        Some(Carried {
            external_id: our_id(record)?.to_owned(),
            id: id(record, "session_id")?,
            trashed: false,
            files: Vec::new(),
        })
    });
    carried.collect()
}

/// Profiles by their address, in lower case: the key that Crisp keeps unique.
pub(super) fn profiles(rows: &[Value]) -> Vec<Carried> {
    let profiles = rows.iter().filter_map(|row| {
        Some(Carried {
            external_id: key_of(row.get("email")?.as_str()?),
            id: id(row, "people_id")?,
            trashed: false,
            files: Vec::new(),
        })
    });
    profiles.collect()
}

pub(super) fn fingerprint(message: &Value) -> Option<i64> {
    message.get("fingerprint")?.as_i64()
}

/// The messages of a conversation by their fingerprints. Of one that is there twice, the second
/// one gets an id of its own, because Crisp gives it none.
pub(super) fn by_fingerprint(messages: &[Value]) -> Vec<Carried> {
    let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
    let carried = messages.iter().filter_map(|message| {
        let fingerprint = fingerprint(message)?;
        let count = seen.entry(fingerprint).or_default();
        *count += 1;
        let id = match *count {
            1 => fingerprint.to_string(),
            count => format!("{fingerprint}#{count}"),
        };
        let external_id = fingerprint.to_string();
        Some(Carried { external_id, id, trashed: false, files: Vec::new() })
    });
    carried.collect()
}

/// Texts of a list.
pub(super) fn texts(list: Option<&Value>) -> BTreeSet<&str> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

/// Text as it stands in a path or a query.
pub(super) fn encoded(text: &str) -> String {
    let form: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    form.replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use kernel::Instant;
    use kernel::fault::Kind;
    use serde_json::json;

    use super::*;

    fn replied(status: u16, body: &str) -> Written {
        Written::Replied(Reply {
            status,
            headers: BTreeMap::new(),
            body: body.to_owned().into(),
            started_at: Instant::from_millis(0),
            ended_at: Instant::from_millis(1),
        })
    }

    fn outcome(status: u16, body: &str) -> Sent {
        let read = |data: &Value| id(data, "session_id").map(ours);
        sent(replied(status, body), read).expect("the account is fine")
    }

    #[test]
    fn success_is_any_2xx_with_the_record_and_unknown_without_it() {
        let body = r#"{"error":false,"reason":"added","data":{"session_id":"s1"}}"#;
        for status in [200, 201, 202] {
            assert_eq!(outcome(status, body), Sent::Made(ours("s1".into())));
        }
        for body in ["", "{\"error\":", "{}", "<html>", r#"{"error":false,"data":{}}"#] {
            assert!(matches!(outcome(201, body), Sent::Unknown(_)), "{body}");
        }
        let failed = r#"{"error":true,"reason":"x","data":{"session_id":"s1"}}"#;
        assert!(matches!(outcome(200, failed), Sent::Unknown(_)));
    }

    #[test]
    fn whatever_may_have_been_carried_out_is_unknown() {
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(outcome(status, ""), Sent::Unknown(_)), "{status}");
        }
        for status in [301, 400, 402, 404, 405, 413, 422] {
            assert!(matches!(outcome(status, ""), Sent::Refused(_)), "{status}");
        }
        assert!(matches!(outcome(409, ""), Sent::Exists(_)));
    }

    #[test]
    fn a_refusal_names_a_field_and_repeats_no_value() {
        let body = |message: &str| {
            let data = json!({"namespace": "validation", "message": message});
            json!({"error": true, "reason": "invalid_data", "data": data}).to_string()
        };
        let said = |message: &str| outcome(400, &body(message));
        let expected = "status 400, invalid_data, data.email";
        assert_eq!(
            said("data.email should match format, not ada@x"),
            Sent::Refused(expected.into())
        );
        let expected = "status 400, invalid_data";
        assert_eq!(said("ada@shop.example is bad"), Sent::Refused(expected.into()));
    }

    #[test]
    fn missing_rights_and_bad_credentials_stop_the_run() {
        let foreign = r#"{"error":true,"reason":"subscription_not_found","data":{}}"#;
        for (status, body) in [(401, ""), (403, ""), (404, foreign)] {
            let fault = sent(replied(status, body), |_| None).expect_err("stops");
            assert_eq!(fault.kind(), Kind::FixConfig, "{status}");
        }
    }

    #[test]
    fn a_message_that_is_there_twice_comes_twice() {
        let list =
            [json!({"fingerprint": 7}), json!({"fingerprint": 8}), json!({"fingerprint": 7})];
        let found = by_fingerprint(&list);
        let shown: Vec<_> =
            found.iter().map(|one| (one.external_id.as_str(), one.id.as_str())).collect();
        assert_eq!(shown, [("7", "7"), ("8", "8"), ("7", "7#2")]);
    }

    #[test]
    fn an_address_in_a_path_is_one_segment_of_it() {
        assert_eq!(encoded("ada+x@shop.example/y z"), "ada%2Bx%40shop.example%2Fy%20z");
    }
}
