//! Records as a caller may see them: sensitive values masked, bodies left out, file addresses
//! signed.
//!
//! It knows the marks that the shop leaves for addresses: `@@signed/NAME@@` and `@@plain/NAME@@`.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::lists::Query;
use super::store::Record;

/// Custom attributes that only some keys may read, by the type of their record.
const SENSITIVE: &[(&str, &str)] = &[("customer", "ssnStr")];
/// What stands in place of a value that may not be read.
const MASK: &str = "********";
/// Signs addresses; it protects nothing.
const SECRET: &str = "signs nothing but the emulator's files";

/// A record with its sensitive values masked.
pub(super) fn record(record: &Record, is_masked: bool) -> Value {
    let mut value = record.value.clone();
    for (kind, name) in SENSITIVE.iter().filter(|_| is_masked) {
        if value["type"] == *kind && value["attributes"]["custom"].get(name).is_some() {
            value["attributes"]["custom"][*name] = MASK.into();
        }
    }
    value
}

/// An article with the language that was asked for, and with its body when that was asked for too.
pub(super) fn article(article: &mut Value, query: &Query) {
    let wanted = query.get("includeLang");
    let has_body = query.get("includeBody").is_some_and(|value| value == "true");
    let Some(versions) = article["attributes"]["langVersions"].as_object_mut() else { return };
    versions.retain(|lang, _| wanted == Some(lang));
    for version in versions.values_mut().filter(|_| !has_body) {
        if let Some(fields) = version["currentVersion"]["id"].as_object_mut() {
            fields.remove("htmlBody");
        }
    }
}

/// A body with addresses in place of marks. Signed ones are good until `expires_ms`.
pub(super) fn with_addresses(body: &str, origin: &str, expires_ms: i64) -> String {
    let mut shown = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("@@") {
        shown.push_str(before);
        let Some((mark, remaining)) = after.split_once("@@") else {
            shown.push_str("@@");
            rest = after;
            continue;
        };
        match mark.split_once('/') {
            Some(("signed", name)) => {
                let signature = signature(name, expires_ms);
                shown.push_str(&format!(
                    "{origin}/files/{name}?expires={expires_ms}&signature={signature}"
                ));
            }
            Some(("plain", name)) => shown.push_str(&format!("{origin}/files/plain/{name}")),
            _ => shown.push_str(&format!("@@{mark}@@")),
        }
        rest = remaining;
    }
    shown.push_str(rest);
    shown
}

/// The signature of a file's address.
pub(super) fn signature(name: &str, expires_ms: i64) -> String {
    let digest = Sha256::digest(format!("{SECRET}\n{name}\n{expires_ms}"));
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_addresses_and_other_signs_stay() {
        let shown = with_addresses("a @@plain/x.png@@ b @@ c", "http://h", 7);
        assert_eq!(shown, "a http://h/files/plain/x.png b @@ c");
        let signed = signature("y", 7);
        let shown = with_addresses("@@signed/y@@", "http://h", 7);
        assert_eq!(shown, format!("http://h/files/y?expires=7&signature={signed}"));
    }
}
