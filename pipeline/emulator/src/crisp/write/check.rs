//! What a body has to look like, and the errors that say it does not.
//!
//! It knows shapes and limits, and changes nothing.

use serde_json::{Map, Value};

use super::super::reply::Reply;

/// The largest integer that JavaScript reads exactly; larger fingerprints would change.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;

/// 400 for a body.
pub(super) fn refused(why: &str) -> Reply {
    Reply::invalid(why)
}

/// 402 for what the plan does not have.
pub(super) fn upgrade(what: &str) -> Reply {
    let message = format!("The plan of the website does not allow these {what}.");
    Reply::error(402, "subscription_upgrade_required", "subscription", &message)
}

/// A JSON object; nothing stands for an empty one.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Reply> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(refused("data should be object")),
    }
}

/// Refuses a field that is none of these.
pub(super) fn only(body: &Map<String, Value>, names: &[&str]) -> Result<(), Reply> {
    match body.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(refused(&format!("data should not have property '{name}'"))),
        None => Ok(()),
    }
}

/// The fields of a conversation's meta.
pub(super) fn meta(body: &Map<String, Value>) -> Result<(), Reply> {
    for (name, value) in body {
        match name.as_str() {
            "segments" => segments(value)?,
            "data" => data(value)?,
            "device" if value.is_object() => {}
            "device" => return Err(refused("device should be object")),
            "email" if value.as_str().is_some_and(is_address) => {}
            "email" => return Err(refused("email should match format \"email\"")),
            _ if value.is_string() => {}
            _ => return Err(refused(&format!("{name} should be string"))),
        }
    }
    Ok(())
}

/// Texts.
pub(super) fn segments(value: &Value) -> Result<(), Reply> {
    match value.as_array() {
        Some(list) if list.iter().all(|segment| segment.as_str().is_some_and(is_some)) => Ok(()),
        _ => Err(refused("segments should be array of strings")),
    }
}

/// A flat map; its keys are letters, digits, hyphens and underscores.
pub(super) fn data(value: &Value) -> Result<(), Reply> {
    let fields = value.as_object().ok_or_else(|| refused("data should be object"))?;
    let is_key = |name: &String| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !fields.keys().all(is_key) {
        return Err(refused("data has a key with letters that are not allowed"));
    }
    match fields.values().all(|value| value.is_string() || value.is_number() || value.is_boolean())
    {
        true => Ok(()),
        false => Err(refused("data should have strings, numbers and booleans")),
    }
}

/// A fingerprint as a client may choose it.
pub(super) fn fingerprint(value: &Value) -> Result<i64, Reply> {
    let number = value.as_i64().filter(|number| number.abs() <= SAFE_INTEGER_MAX);
    number.ok_or_else(|| refused("fingerprint should be integer"))
}

/// Whether a text could be the address of a mailbox.
pub(super) fn is_address(text: &str) -> bool {
    let halves = text.split_once('@');
    halves.is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(' ')
    })
}

fn is_some(text: &str) -> bool {
    !text.is_empty()
}
