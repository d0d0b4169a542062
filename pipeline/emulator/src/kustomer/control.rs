//! Control of the stand-in outside the vendor's paths: counts, inventory, records, quirks, changes.
//!
//! These paths need no credentials and are the stand-in's own; a vendor has nothing like them.

use axum::body::Body;
use axum::http::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Emulator;
use super::options::{Faults, Quirks};
use super::site::respond;

/// New quirks and faults; a part left out stays as it is, a field left out of a part too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conduct {
    #[serde(default)]
    quirks: Option<Value>,
    #[serde(default)]
    faults: Option<Value>,
}

/// Answers a path below `/_emulator/`.
pub(super) fn answer(
    emulator: &Emulator,
    path: &str,
    method: &Method,
    body: &[u8],
) -> Response<Body> {
    let outcome = match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
        (&Method::GET, ["counters"]) => Ok(json!(emulator.counters())),
        (&Method::GET, ["inventory"]) => Ok(json!(emulator.inventory())),
        (&Method::GET, ["records", shelf]) => emulator.records(shelf).ok_or("no such shelf".into()),
        (&Method::GET, ["business_rules.json"]) => Ok(emulator.business_rules()),
        (&Method::GET, ["conduct"]) => Ok(shown(emulator)),
        (&Method::POST, ["conduct"]) => set(emulator, body).map(|()| shown(emulator)),
        (&Method::POST, ["touch", shelf, id]) => Ok(json!({ "done": emulator.touch(shelf, id) })),
        (&Method::POST, ["delete", shelf, id]) => Ok(json!({ "done": emulator.delete(shelf, id) })),
        _ => return respond(404, "text/plain", Body::from("there is no such control")),
    };
    match outcome {
        Ok(value) => respond(200, "application/json", Body::from(value.to_string())),
        Err(reason) => respond(400, "text/plain", Body::from(reason)),
    }
}

fn shown(emulator: &Emulator) -> Value {
    let (quirks, faults) = emulator.conduct();
    json!({ "quirks": quirks, "faults": faults })
}

fn set(emulator: &Emulator, body: &[u8]) -> Result<(), String> {
    let change: Conduct = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let (quirks, faults) = emulator.conduct();
    let quirks: Quirks = merged(&quirks, change.quirks)?;
    let faults: Faults = merged(&faults, change.faults)?;
    emulator.set_quirks(quirks);
    emulator.set_faults(faults);
    Ok(())
}

fn merged<T: serde::Serialize + serde::de::DeserializeOwned>(
    current: &T,
    change: Option<Value>,
) -> Result<T, String> {
    let mut all = serde_json::to_value(current).map_err(|error| error.to_string())?;
    if let (Some(Value::Object(change)), Some(all)) = (change, all.as_object_mut()) {
        all.extend(change);
    }
    serde_json::from_value(all).map_err(|error| error.to_string())
}
