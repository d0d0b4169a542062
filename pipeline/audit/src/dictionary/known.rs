//! Tables that no model makes: what was landed, the ledger, the mapping, the gathered losses.

use std::collections::BTreeMap;

use super::Headers;
use super::header::{Header, Said};

/// The name that stands for every table of a schema that is not described itself.
pub(super) const ANY: &str = "*";

type Words = &'static [(&'static str, &'static str)];

struct Known {
    schemas: &'static [&'static str],
    table: &'static str,
    grain: &'static str,
    key: &'static str,
    columns: Words,
}

const RECORDS: Words = &[
    ("snapshot", "the snapshot that holds it"),
    ("platform", "where it was extracted from"),
    ("stream", "which list it belongs to"),
    ("key", "unique in the stream; `unkeyed:<sha256>` for a record without one"),
    (
        "parent_key",
        "key of the record that it was asked for, followed by the list's value where it was asked \
         for once for each of several",
    ),
    ("raw", "its JSON, exactly as received"),
    ("fetched_at", "when the reply was complete"),
    ("exchange_id", "the HTTP exchange that brought it"),
    ("ordinal", "its place among the records of that reply, from 0"),
    ("offset", "its first byte in the body of that reply"),
    ("sha256", "SHA-256 of its exact bytes, hex"),
    ("raw_bytes", "its exact bytes, where they are not UTF-8 and `raw` shows U+FFFD instead"),
    (
        "change",
        "in a delta: `new`, `appended`, `edited`, or a class of the manifest such as \
         `state_changed`",
    ),
];

const EXCHANGES: Words = &[
    ("snapshot", "the snapshot that holds it"),
    ("exchange_id", "rises in the order in which replies were noted"),
    ("stream", "what it was asked for; `files` for downloads"),
    ("request_key", "the question; the same text for the same question"),
    ("method", "the method of the call"),
    ("url", "the address of the call; of a file only the host is kept"),
    ("status", "HTTP status; 0 when there was no reply"),
    ("headers", "headers of the reply that are worth keeping, JSON"),
    ("started_at", "when the call left"),
    ("ended_at", "when the reply was complete"),
    ("attempt", "which try it was, from 1"),
    ("body_bytes", "length of what was received"),
    ("body_sha256", "SHA-256 of what was received, hex"),
    ("frame", "the body with its records cut out"),
];

const DOWNLOADS: Words = &[
    ("snapshot", "the snapshot that holds it"),
    ("url", "the address, as the record spells it"),
    ("sha256", "SHA-256 of the bytes, which lie in `data/files/<sha256>`"),
    ("bytes", "their length"),
    ("content_type", "what the file server calls them"),
    ("sniffed_type", "what their first bytes say"),
    ("status", "HTTP status"),
    (
        "reason",
        "why there are none: `expired`, `forbidden`, `missing`, `oversized`, `redirect_loop`, \
         `private_address`, `unreachable`, `bad_status`",
    ),
    ("exchange_id", "the HTTP exchange"),
    ("fetched_at", "when it was over"),
];

const DELETIONS: Words = &[
    ("snapshot", "the snapshot that holds the row"),
    ("stream", "the stream of the record that is gone"),
    ("key", "its key"),
    ("parent_key", "key of the record that it was asked for"),
    ("reason", "what showed that it is gone"),
    ("noticed_at", "when; a version fetched later counts again"),
];

const LEDGER: Words = &[
    ("kind", "what it is: a ticket, a message, a customer, …"),
    ("source_id", "its id in the staged tables"),
    ("state", "`intent`, `unknown`, `done`, `matched`, `refused`"),
    ("target_id", "its id in the target"),
    ("at", "when that was noted"),
    ("detail", "what else was noted: who stands in, or what the target said"),
];

const LOSSES: Words = &[
    ("stage", "`staged`, `planned` or `loaded`"),
    ("stream", "the stream of the record"),
    ("source_id", "the record"),
    ("ticket_id", "the ticket that it belongs to"),
    ("rule", "the rule by which something is cut, changed or left out"),
    ("detail", "what exactly"),
    ("survives_in", "where the original can still be read"),
];

const KNOWN: &[Known] = &[
    Known {
        schemas: &["landing"],
        table: ANY,
        grain: "one row per record: its newest version, unless it was deleted since",
        key: "key",
        columns: RECORDS,
    },
    Known {
        schemas: &["landing_all"],
        table: ANY,
        grain: "one row per version of a record, also of those that were deleted since",
        key: "snapshot, key",
        columns: RECORDS,
    },
    Known {
        schemas: &["landing", "landing_all"],
        table: "exchanges",
        grain: "one row per call and its reply",
        key: "snapshot, exchange_id",
        columns: EXCHANGES,
    },
    Known {
        schemas: &["landing", "landing_all"],
        table: "downloads",
        grain: "one row per address of a file",
        key: "url",
        columns: DOWNLOADS,
    },
    Known {
        schemas: &["landing"],
        table: "texts",
        grain: "one row per landed file of type text/*, up to 2 MB",
        key: "url",
        columns: &[("url", "its address, as the record spells it"), ("text", "what is in it")],
    },
    Known {
        schemas: &["landing", "landing_all"],
        table: "deletions",
        grain: "one row per record that was there before and did not come again",
        key: "snapshot, stream, key",
        columns: DELETIONS,
    },
    Known {
        schemas: &["ledger"],
        table: "records",
        grain: "one row per record on its way into the target",
        key: "kind, source_id",
        columns: LEDGER,
    },
    Known {
        schemas: &["ledger"],
        table: "calls",
        grain: "one row per phase of the replay",
        key: "phase",
        columns: &[("phase", "the phase"), ("calls", "how many calls were made in it")],
    },
    Known {
        schemas: &["ledger"],
        table: "time",
        grain: "one row",
        key: "",
        columns: &[("took_ms", "how long all sessions of the load took, in milliseconds")],
    },
    Known {
        schemas: &["losses"],
        table: "records",
        grain: "one row per record and rule by which something of it is cut, changed or left out, \
                in any stage",
        key: "stage, stream, source_id, rule",
        columns: LOSSES,
    },
];

/// What is said about these tables.
pub(super) fn headers() -> Headers {
    let mut headers = BTreeMap::new();
    for known in KNOWN {
        let columns = known.columns.iter().map(|(name, meaning)| Said {
            name: (*name).to_owned(),
            meaning: (*meaning).to_owned(),
            from: String::new(),
        });
        let header = Header {
            grain: known.grain.to_owned(),
            key: known.key.to_owned(),
            columns: columns.collect(),
        };
        for schema in known.schemas {
            headers.insert(((*schema).to_owned(), known.table.to_owned()), vec![header.clone()]);
        }
    }
    let mapping = kernel::Mapping::default();
    let columns = mapping.columns().map(|(key, _)| Said {
        meaning: match key.strip_prefix("filter_") {
            Some(filter) => format!("`{filter}` of the section `[filter]`; a list is JSON"),
            None => format!("the decision `{key}` of the section `[mapping]`"),
        },
        name: key,
        from: String::new(),
    });
    let mapping = Header {
        grain: "one row, the decisions of `[mapping]` and `[filter]`".to_owned(),
        key: String::new(),
        columns: columns.collect(),
    };
    headers.insert(("config".to_owned(), "mapping".to_owned()), vec![mapping]);
    headers
}
