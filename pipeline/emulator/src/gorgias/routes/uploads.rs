//! Owns what an upload becomes: a new address on the upload host every time, even for bytes that
//! were uploaded before, and the redirect of private downloads.
//! It must not know where the bytes are kept; it sees their digest only.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::ask::{Ask, Outcome, Refusal, Reply};
use super::super::store::{Store, Upload, uuid};
use super::super::vocabulary::{self, UPLOADS};

/// Where an upload is posted, below `/api`.
pub(in crate::gorgias) const PATH: &str = "upload";
/// Longest part of a file name that goes into the address.
const NAME_CHARS_MAX: usize = 100;

/// One file of an upload whose bytes are already kept.
#[derive(Serialize, Deserialize)]
pub(in crate::gorgias) struct File {
    /// The name the caller gave.
    pub name: String,
    /// The type the caller gave, or the general one.
    pub content_type: String,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
}

/// Gives every file of an upload its address.
pub(super) fn record(store: &mut Store, ask: &Ask) -> Outcome {
    if ask.method != "POST" {
        return Err(Refusal::method());
    }
    ask.only(&["type"])?;
    let kind = ask.query("type").unwrap_or("attachment");
    if vocabulary::known(UPLOADS, kind).is_none() {
        let problem = format!("Must be one of: {}.", UPLOADS.join(", "));
        return Err(Refusal::field("type", &problem));
    }
    let files: Vec<File> = serde_json::from_value(ask.body.clone())
        .map_err(|_| Refusal::new(400, "Expected multipart form data."))?;
    if files.is_empty() {
        return Err(Refusal::field("file", "Missing data for required field."));
    }
    let origin = store.origins.last().cloned().unwrap_or_default();
    let mut answer: Vec<Value> = Vec::new();
    for file in files {
        store.tally.uploads += 1;
        let path = address(store, &file.name);
        let url = format!("{origin}{path}");
        answer.push(json!({
            "url": url, "name": file.name, "content_type": file.content_type, "size": file.size,
        }));
        let upload = Upload { sha256: file.sha256, content_type: file.content_type };
        store.uploads.insert(path.into(), upload);
    }
    Reply::wrote(201, &answer)
}

/// `GET /{file_type}/download/{hash}/{name}` leads to a signed address; here it is the plain one.
pub(super) fn download(store: &Store, ask: &Ask, parts: [&str; 3]) -> Outcome {
    if ask.method != "GET" {
        return Err(Refusal::method());
    }
    let [kind, hash, name] = parts;
    let path = format!("/uploads/{hash}/{name}");
    if vocabulary::known(UPLOADS, kind).is_none() || !store.uploads.contains_key(path.as_str()) {
        return Err(Refusal::missing());
    }
    Ok(Reply { status: 307, body: None, wrote: false, location: Some(path) })
}

fn address(store: &Store, name: &str) -> String {
    let clean = |part: &str| -> String {
        let letters = part.chars().take(NAME_CHARS_MAX);
        letters.map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
    };
    let number = store.tally.uploads;
    let hash = &uuid(2, store.admin)[..8];
    match name.rsplit_once('.') {
        Some((stem, extension)) if !extension.is_empty() => {
            format!("/uploads/{hash}/{}-{}.{}", clean(stem), uuid(3, number), clean(extension))
        }
        _ => format!("/uploads/{hash}/{}-{}", clean(name), uuid(3, number)),
    }
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}
