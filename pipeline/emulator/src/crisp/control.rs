//! Control of the stand-in outside the vendor's paths: counts, inventory, quirks, faults and changes.
//!
//! These paths need no credentials and are the stand-in's own; a vendor has nothing like them.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Emulator;
use super::change::Change;
use super::options::{Faults, Quirks};
use super::wire;

/// The longest control body.
const BODY_BYTES_MAX: usize = 1 << 20;

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
pub(crate) async fn answer(emulator: &Emulator, path: &str, request: Request) -> Response<Body> {
    let method = request.method().clone();
    let Ok(body) = to_bytes(request.into_body(), BODY_BYTES_MAX).await else {
        return refused(413, "the body is too long");
    };
    match (method, path) {
        (Method::GET, "counters") => json_response(200, &json!(emulator.counters())),
        (Method::GET, "records") => json_response(200, &emulator.records()),
        (Method::GET, "public_articles") => json_response(200, &json!(emulator.public_articles())),
        (Method::GET, "inventory") => json_response(200, &json!(emulator.inventory())),
        (Method::GET, "faults") => json_response(200, &conduct(emulator)),
        (Method::POST, "faults") => match set_conduct(emulator, &body) {
            Ok(()) => json_response(200, &conduct(emulator)),
            Err(reason) => refused(400, &reason),
        },
        (Method::POST, "changes") => match make_changes(emulator, &body) {
            Ok(made) => json_response(200, &json!({ "made": made })),
            Err(reason) => refused(400, &reason),
        },
        _ => refused(
            404,
            "control has counters, inventory, records, public_articles, faults and changes",
        ),
    }
}

fn conduct(emulator: &Emulator) -> Value {
    let conduct = emulator.conduct();
    json!({ "quirks": conduct.quirks, "faults": conduct.faults })
}

fn set_conduct(emulator: &Emulator, body: &[u8]) -> Result<(), String> {
    let wanted: Conduct = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let current = conduct(emulator);
    // Both are read before either is set, so that a refusal changes nothing.
    let quirks: Quirks = merged(current["quirks"].clone(), wanted.quirks)?;
    let faults: Faults = merged(current["faults"].clone(), wanted.faults)?;
    emulator.set_quirks(quirks);
    emulator.set_faults(faults);
    Ok(())
}

fn merged<T: serde::de::DeserializeOwned>(
    mut current: Value,
    wanted: Option<Value>,
) -> Result<T, String> {
    if let Some(wanted) = wanted {
        let fields = wanted.as_object().ok_or("quirks and faults are objects")?;
        for (name, value) in fields {
            current[name] = value.clone();
        }
    }
    serde_json::from_value(current).map_err(|error| error.to_string())
}

fn make_changes(emulator: &Emulator, body: &[u8]) -> Result<usize, String> {
    let changes: Vec<Change> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for change in &changes {
        emulator.change(change)?;
    }
    Ok(changes.len())
}

fn refused(status: u16, reason: &str) -> Response<Body> {
    json_response(status, &json!({ "error": reason }))
}

fn json_response(status: u16, value: &Value) -> Response<Body> {
    wire::response(status, "application/json", Body::from(value.to_string()))
}
