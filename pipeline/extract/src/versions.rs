//! What is remembered of records, so that the same one coming again is told from news of it.
//!
//! Nothing here opens a connection or knows where records were read.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kernel::Instant;
use landing::exchange::sha256;
use serde_json::Value;

use crate::interpolation::at_path;
use crate::manifest::Stream;

/// The class of a record that nothing was known of, where its parent is new as well.
pub(crate) const NEW: &str = "new";
/// The class of a record that is new below a parent that was there before.
pub(crate) const APPENDED: &str = "appended";
/// The class of a record that changed, unless the manifest has a closer name for the change.
pub(crate) const EDITED: &str = "edited";

/// Records by key.
pub(crate) type Versions = HashMap<String, Version>;

/// One version of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// Half of the SHA-256 of its bytes, or of what is steady in it.
    digest: u128,
    /// When it changed last, where the manifest says how to see that.
    pub(crate) cursor: Option<Instant>,
    /// A hash of what each class of change looks at, in the order of the manifest.
    marks: Vec<u64>,
}

impl Version {
    /// The version of a record, given as a value and by the SHA-256 of its bytes in hex.
    pub(crate) fn of(stream: &Stream, sha256: &str, value: &Value) -> Self {
        let steady = (!stream.volatile_fields.is_empty()).then(|| steady(stream, value));
        let sha256 = steady.as_deref().unwrap_or(sha256);
        let digest = sha256.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok());
        let cursor = stream.incremental_sync.as_ref().and_then(|sync| sync.moment(value));
        let marks = stream.change_classes.values().map(|paths| mark(value, paths)).collect();
        Self { digest: digest.unwrap_or_default(), cursor, marks }
    }

    /// Whether the bytes are the same.
    pub(crate) fn is_same(&self, other: &Version) -> bool {
        self.digest == other.digest
    }

    /// Whether its children have to be read again: the bytes differ and the cursor does not say
    /// that the change is none of theirs.
    pub(crate) fn has_moved(&self, earlier: &Version) -> bool {
        let stood = self.cursor.is_some() && self.cursor == earlier.cursor;
        !self.is_same(earlier) && !stood
    }

    /// The class of the change from `earlier` to this.
    pub(crate) fn change_from<'a>(&self, earlier: &Version, stream: &'a Stream) -> &'a str {
        let pairs = self.marks.iter().zip(&earlier.marks);
        let differs = stream.change_classes.keys().zip(pairs).find(|(_, (new, old))| new != old);
        differs.map_or(EDITED, |(class, _)| class)
    }
}

/// The hash of a record without what differs each time that it is read.
fn steady(stream: &Stream, value: &Value) -> String {
    let mut value = value.clone();
    for path in &stream.volatile_fields {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        let names = parent.split('.').filter(|name| !name.is_empty());
        let place = names.into_iter().try_fold(&mut value, |place, name| place.get_mut(name));
        if let Some(fields) = place.and_then(Value::as_object_mut) {
            fields.remove(name);
        }
    }
    sha256(value.to_string().as_bytes())
}

fn mark(value: &Value, paths: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        at_path(value, path).map(Value::to_string).hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        let value = serde_json::from_str(text).expect("is JSON");
        Version::of(&stream(), &sha256(text.as_bytes()), &value)
    }

    fn stream() -> Stream {
        let text = r#"
            name = "s"
            path = "/"
            key = ["{{ record.id }}"]
            change_classes = { state_changed = ["state"] }
            incremental_sync = { type = "DatetimeBasedCursor", cursor_field = "at", cursor_datetime_format = "%ms" }
        "#;
        toml::from_str(text).expect("reads")
    }

    #[test]
    fn a_change_has_the_first_class_that_sees_it() {
        let first = version(r#"{"state":"open","text":"a","at":1}"#);
        let closed = version(r#"{"state":"closed","text":"b","at":2}"#);
        let edited = version(r#"{"state":"open","text":"b","at":2}"#);
        assert_eq!(closed.change_from(&first, &stream()), "state_changed");
        assert_eq!(edited.change_from(&first, &stream()), "edited");
    }

    #[test]
    fn an_address_that_is_signed_anew_each_time_is_no_change() {
        let mut stream = stream();
        stream.volatile_fields = vec!["links.related".to_owned(), "gone".to_owned()];
        let of = |text: &str| {
            let value = serde_json::from_str(text).expect("is JSON");
            Version::of(&stream, &sha256(text.as_bytes()), &value)
        };
        let first = of(r#"{"id":1,"links":{"self":"/1","related":"https://f/?e=1"}}"#);
        let again = of(r#"{"id":1,"links":{"self":"/1","related":"https://f/?e=2"}}"#);
        let moved = of(r#"{"id":1,"links":{"self":"/2","related":"https://f/?e=1"}}"#);
        assert!(first.is_same(&again) && !first.is_same(&moved));
    }

    #[test]
    fn other_bytes_with_the_same_cursor_do_not_move_the_children() {
        let first = version(r#"{"state":"open","at":1}"#);
        let compose = version(r#"{"state":"open","at":1,"compose":{}}"#);
        let touched = version(r#"{"state":"open","at":2}"#);
        assert!(!compose.is_same(&first) && !compose.has_moved(&first));
        assert!(touched.has_moved(&first));
    }
}
