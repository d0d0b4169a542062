//! Reading Gorgias's answers, which vary: lists with or without an envelope, ids as numbers or
//! text, success with or without a body. What cannot be read is never taken for a failure.

use std::collections::BTreeSet;

use http::Reply;
use kernel::retry::Ending;
use kernel::{Code, Fault, Result};
use serde_json::Value;

use super::plain;
use crate::target::calls::{self, Vendor, Written};
use crate::target::{Carried, CarriedFile, Found, Person, Sent, TargetId};

/// The header of the leaky bucket: calls in it, calls that fit.
const BUCKET: &str = "x-gorgias-account-api-call-limit";
/// Field names that are repeated from a refusal.
const FIELDS_SHOWN_MAX: usize = 8;

/// One page of a list.
pub(super) struct Page {
    pub items: Vec<Value>,
    pub next_cursor: Option<String>,
}

pub(super) fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

/// A page, in an envelope or bare; an empty cursor ends the list as a missing one does.
pub(super) fn page(body: &Value) -> Option<Page> {
    if let Some(items) = body.as_array() {
        return Some(Page { items: items.clone(), next_cursor: None });
    }
    let next = body.pointer("/meta/next_cursor").and_then(Value::as_str);
    Some(Page {
        items: body.get("data")?.as_array()?.clone(),
        next_cursor: next.filter(|cursor| !cursor.is_empty()).map(str::to_owned),
    })
}

/// The id of a record, as text.
pub(super) fn id(record: &Value) -> Option<TargetId> {
    match record.get("id")? {
        Value::Number(number) => number.as_u64().map(|id| id.to_string()),
        Value::String(text) => text.parse::<u64>().ok().map(|id| id.to_string()),
        _ => None,
    }
}

pub(super) fn is_user(record: &Value) -> bool {
    id(record).is_some() && record.get("email").is_some() && record.get("role").is_some()
}

pub(super) fn person(record: &Value) -> Option<Person> {
    let email = record.get("email").and_then(Value::as_str);
    Some(Person { id: id(record)?, email: email.map(|text| text.trim().to_lowercase()) })
}

pub(super) fn tag(record: &Value) -> Option<(String, TargetId)> {
    let name = record.get("name")?.as_str()?;
    Some((name.to_owned(), id(record)?))
}

/// A record that carries our id.
pub(super) fn ours(id: TargetId) -> Found {
    Found { id, ours: true, parts: Vec::new(), trashed: false }
}

/// Records of a list, each once, because pages may overlap; `external_id` tells which of them we
/// made.
pub(super) fn founds(records: &[Value], external_id: &str) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let founds = records.iter().filter_map(|record| {
        Some(Found {
            id: id(record)?,
            ours: text(record, "external_id") == Some(external_id),
            parts: Vec::new(),
            trashed: is_trashed(record),
        })
    });
    founds.filter(|found: &Found| seen.insert(found.id.clone())).collect()
}

/// Records that carry an external id: it and their ids.
pub(super) fn parts(records: &[Value]) -> Vec<(String, TargetId)> {
    let parts = records.iter().filter_map(|record| {
        let external_id = text(record, "external_id")?;
        Some((external_id.to_owned(), id(record)?))
    });
    parts.collect()
}

/// Records that carry an external id, with what else of them is worth knowing.
pub(super) fn carried(records: &[Value]) -> Vec<Carried> {
    let carried = records.iter().filter_map(|record| {
        let files = record.get("attachments").and_then(Value::as_array);
        Some(Carried {
            external_id: text(record, "external_id")?.to_owned(),
            id: id(record)?,
            trashed: is_trashed(record),
            files: files.into_iter().flatten().filter_map(file).collect(),
        })
    });
    carried.collect()
}

fn file(record: &Value) -> Option<CarriedFile> {
    Some(CarriedFile {
        url: text(record, "url")?.to_owned(),
        name: text(record, "name")?.to_owned(),
        bytes: record.get("size").and_then(Value::as_u64),
    })
}

fn is_trashed(record: &Value) -> bool {
    record.get("trashed_datetime").is_some_and(|at| !at.is_null())
}

/// The record that a create answers with.
pub(super) fn made(body: &Value) -> Option<Found> {
    let messages = body.get("messages").and_then(Value::as_array);
    Some(Found {
        id: id(body)?,
        ours: true,
        parts: messages.map(|list| parts(list)).unwrap_or_default(),
        trashed: is_trashed(body),
    })
}

/// The file that an upload answers with; its address is its identity.
pub(super) fn uploaded(body: &Value) -> Option<Found> {
    let file = body.as_array().map_or(Some(body), |files| files.first())?;
    text(file, "url").map(|url| ours(url.to_owned()))
}

/// Makes of a write what the loader needs to know; `read` finds the record in the body.
///
/// # Errors
/// When no further call makes sense: credentials, rights, a quota.
pub(super) fn sent(written: Written, read: impl Fn(&Value) -> Option<Found>) -> Result<Sent> {
    calls::sent(&Replies, written, read)
}

/// What Gorgias means by its replies.
pub(super) struct Replies;

impl Vendor for Replies {
    fn limited(&self, reply: &Reply) -> Option<Ending> {
        let retry_after_ms = calls::asked_to_wait_ms(reply);
        (reply.status == 429).then_some(Ending::RateLimited { retry_after_ms })
    }

    fn bucket(&self, reply: &Reply) -> Option<(u32, u32)> {
        let (used, limit) = reply.headers.get(BUCKET)?.split_once('/')?;
        Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
    }

    fn answer(&self, reply: &Reply) -> Option<Value> {
        Some(json(&reply.body).unwrap_or(Value::Null))
    }

    fn check_account(&self, reply: &Reply) -> Result<()> {
        match reply.status {
            401 => Err(Fault::config("the target refuses the credentials (status 401)")
                .coded(Code::CredentialsRefused)
                .hint(
                    "check email and api_key in [target] and the environment variable they name",
                )),
            403 if is_quota(&reply.body) => {
                Err(Fault::wait("the target's messaging quota is used up (status 403)")
                    .coded(Code::MessagingQuota)
                    .hint(
                        "trial accounts have such a quota: have it lifted, then run the same \
                         command again",
                    ))
            }
            403 => Err(Fault::config("the key may not do this in the target (status 403)")
                .coded(Code::RightMissing)
                .hint("use the key of an admin, or grant the rights to this one")),
            _ => Ok(()),
        }
    }

    /// The status and the names of the fields that are objected to, but nothing that was in them.
    fn refusal(&self, reply: &Reply) -> String {
        let body = json(&reply.body).unwrap_or(Value::Null);
        let mut names = Vec::new();
        if let Some(data) = body.pointer("/error/data") {
            field_names(data, "", &mut names);
        }
        names.truncate(FIELDS_SHOWN_MAX);
        match names.is_empty() {
            true => format!("status {}", reply.status),
            false => format!("status {}: {}", reply.status, names.join(", ")),
        }
    }

    fn given_up(&self, path: &str, ending: Ending, last: &str) -> Fault {
        let message = format!("no usable reply to calls of {}: {last}", plain(path));
        match ending {
            Ending::RateLimited { .. } => Fault::wait(message).coded(Code::Throttled).hint(
                "something else uses the same account; wait, then run the same command again",
            ),
            _ => Fault::retry(message).coded(Code::NoUsableReply).hint(
                "check that the target answers at domain or base_url of [target]; then run the \
                 same command again, which goes on where this one stopped",
            ),
        }
    }
}

fn is_quota(body: &[u8]) -> bool {
    let message = json(body);
    let message = message.as_ref().and_then(|body| body.pointer("/error/msg")?.as_str());
    message.is_some_and(|text| text.to_lowercase().contains("quota"))
}

fn field_names(data: &Value, prefix: &str, names: &mut Vec<String>) {
    for (name, inner) in data.as_object().into_iter().flatten() {
        let is_name = name.len() <= 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte));
        if names.len() >= FIELDS_SHOWN_MAX || !is_name {
            continue;
        }
        let path = format!("{prefix}{name}");
        match inner.is_object() {
            true => field_names(inner, &format!("{path}."), names),
            false => names.push(path),
        }
    }
}

/// Text as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn text<'a>(record: &'a Value, field: &str) -> Option<&'a str> {
    record.get(field).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Lost;
    use kernel::Instant;
    use kernel::fault::Kind;
    use serde_json::json;

    use super::*;
    use crate::target::Vitals;

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
        sent(replied(status, body), made).expect("the account is fine")
    }

    #[test]
    fn success_is_any_2xx_with_an_id_and_unknown_without_one() {
        for body in ["{\"id\": 3000000001}", "{\"id\": \"3000000001\"}"] {
            for status in [200, 201, 202] {
                assert_eq!(outcome(status, body), Sent::Made(ours("3000000001".into())));
            }
        }
        for body in ["", "{\"id\":", "{}", "<html>"] {
            assert!(matches!(outcome(201, body), Sent::Unknown(_)), "{body}");
        }
    }

    #[test]
    fn whatever_may_have_been_carried_out_is_unknown() {
        for status in [408, 500, 502, 503, 504] {
            assert!(matches!(outcome(status, ""), Sent::Unknown(_)), "{status}");
        }
        for status in [301, 400, 404, 413, 422] {
            assert!(matches!(outcome(status, ""), Sent::Refused(_)), "{status}");
        }
        assert!(matches!(outcome(409, ""), Sent::Exists(_)));
    }

    #[test]
    fn a_refusal_names_fields_and_repeats_no_values() {
        let body = json!({"error": {"msg": "ada@shop.example is bad", "data": {
            "sender": ["ada@shop.example"],
            "messages": {"0": {"channel": ["Missing"]}},
            "a b@c": ["x"],
        }}});
        let expected = "status 400: sender, messages.0.channel";
        assert_eq!(outcome(400, &body.to_string()), Sent::Refused(expected.into()));
    }

    #[test]
    fn a_used_up_quota_and_bad_credentials_stop_the_run() {
        let quota = "{\"error\":{\"msg\":\"No permission. Messaging quota exceeded.\"}}";
        for (status, body, kind) in
            [(403, quota, Kind::Wait), (403, "", Kind::FixConfig), (401, "", Kind::FixConfig)]
        {
            let fault = sent(replied(status, body), made).expect_err("stops");
            assert_eq!(fault.kind(), kind, "{status}");
        }
    }

    #[test]
    fn the_last_usable_header_counts_and_troubles_are_counted_by_name() {
        let ended = |status, header: &str| {
            Ok(Reply {
                status,
                headers: BTreeMap::from([(BUCKET.to_owned(), header.to_owned())]),
                body: "".into(),
                started_at: Instant::from_millis(0),
                ended_at: Instant::from_millis(1),
            })
        };
        let mut vitals = Vitals::default();
        for (method, ended) in [
            ("POST", ended(201, "7/40")),
            ("POST", ended(400, "8/40")),
            ("GET", ended(404, "9 / 40")),
            ("POST", ended(429, "garbage")),
            ("POST", ended(502, "")),
            ("POST", ended(403, "")),
            ("POST", Err(Lost::NoReply("cut".into()))),
            ("POST", Err(Lost::NoReply("cut".into()))),
        ] {
            calls::note(&mut vitals, &Replies, method, &ended);
        }
        assert_eq!(vitals.bucket, Some((9, 40)));
        let expected = [
            (Code::ReplyLost, 2),
            (Code::RightMissing, 1),
            (Code::ServerTrouble, 1),
            (Code::Throttled, 1),
            (Code::RecordRefused, 1),
        ];
        assert_eq!(vitals.troubles, BTreeMap::from(expected));
    }

    #[test]
    fn a_record_that_two_pages_show_is_one_record() {
        let records = [json!({"id": 1, "external_id": "a"}), json!({"id": "1"}), json!({"id": 2})];
        let found = founds(&records, "a");
        let shown: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.ours)).collect();
        assert_eq!(shown, [("1", true), ("2", false)]);
    }

    #[test]
    fn lists_come_bare_or_in_an_envelope_and_end_with_an_empty_cursor() {
        let bare = page(&json!([{"id": 1}])).expect("a list");
        assert_eq!((bare.items.len(), bare.next_cursor), (1, None));
        let wrapped = |cursor: Value| {
            let body = json!({"data": [], "meta": {"next_cursor": cursor}});
            page(&body).expect("a list").next_cursor
        };
        assert_eq!(wrapped(json!("abc")), Some("abc".to_owned()));
        assert_eq!(wrapped(json!("")), None);
        assert_eq!(wrapped(json!(null)), None);
        assert!(page(&json!({"error": {}})).is_none());
    }
}
