//! What is noted of each call: the exchange, the records found in its reply, the file it brought.
//!
//! A reply's body is kept as its records plus a *frame*: the body with every record cut out. Each
//! record knows its offset, so the body can be put together again byte for byte.

mod rows;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use kernel::Instant;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use rows::{RecordRows, deletions_batch, downloads_batch, exchanges_batch};
pub use rows::{deletions_schema, downloads_schema, exchanges_schema, records_schema};

/// One call and its reply, without the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// Rises in the order in which replies were noted, from 1; unique in a snapshot.
    #[serde(default)]
    pub id: i64,
    /// The stream it was made for.
    pub stream: String,
    /// What was asked for: the same text for the same question, also in a later process.
    pub request_key: String,
    /// HTTP method.
    pub method: String,
    /// Address without secrets.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// The reply's headers that are worth keeping, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// When the call left.
    pub started_at: Instant,
    /// When the reply was complete.
    pub ended_at: Instant,
    /// Which try this was, from 1.
    pub attempt: u32,
    /// Whether the reply settles the question; a refusal that is tried again does not.
    pub is_answer: bool,
    /// The records in the body, in the order of their offsets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordSpan>,
    /// What became of the file, where the call was for one; its bytes are not in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<Download>,
}

/// Where a record lies in a reply's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordSpan {
    /// The stream it belongs to.
    pub stream: String,
    /// Its key within the stream.
    pub key: String,
    /// The key of the record it was asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_key: Option<String>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// In a delta, how it differs from the parent: `new`, `edited`, `state_changed` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// An exchange with the body of its reply, and the hash that the body had when it arrived. From
/// then on the hash goes with it, so that nothing can happen to the body unseen.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub(crate) exchange: Exchange,
    pub(crate) body: Bytes,
    /// SHA-256 of the body, in hex.
    pub(crate) sha256: String,
}

impl Arrived {
    /// To be made as soon as the reply is there.
    pub fn new(exchange: Exchange, body: Bytes) -> Self {
        let sha256 = sha256(&body);
        Self { exchange, body, sha256 }
    }
}

/// A record of an earlier snapshot that is no longer at the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The stream it belonged to.
    pub stream: String,
    /// Its key within the stream.
    pub key: String,
    /// The key of the record it was asked for, if any.
    pub parent_key: Option<String>,
    /// What shows that it is gone, in words.
    pub reason: String,
    /// When that was noticed; versions fetched later were there again.
    pub noticed_at: Instant,
}

/// What became of a file that a record points at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Download {
    /// The address, as the record spells it.
    pub url: String,
    /// SHA-256 of the bytes, in hex; none when they could not be had.
    pub sha256: Option<String>,
    /// Length of the bytes.
    pub bytes: Option<u64>,
    /// What the file server calls it.
    pub content_type: Option<String>,
    /// What its first bytes say it is.
    pub sniffed_type: Option<String>,
    /// HTTP status, where there was a reply.
    pub status: Option<u16>,
    /// Why there are no bytes.
    pub reason: Option<String>,
}

impl Download {
    /// A row for a file without bytes.
    pub fn missing(url: &str, status: Option<u16>, reason: &str) -> Self {
        Self {
            url: url.to_owned(),
            sha256: None,
            bytes: None,
            content_type: None,
            sniffed_type: None,
            status,
            reason: Some(reason.to_owned()),
        }
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = vec![0; 2 * bytes.len()];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    String::from_utf8(text).expect("digits are text")
}

/// SHA-256 of some bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Sixty-four bits that stand for a text where a table of many texts would be too large. Two texts
/// may have the same ones.
pub(crate) fn short_hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The body with its records cut out; `None` when they overlap, are out of order or lie outside.
pub fn frame(body: &[u8], records: &[RecordSpan]) -> Option<Vec<u8>> {
    let inside: usize = records.iter().map(|span| span.end.saturating_sub(span.start)).sum();
    let mut frame = Vec::with_capacity(body.len().saturating_sub(inside));
    let mut at = 0;
    for span in records {
        body.get(span.start..span.end)?;
        frame.extend_from_slice(body.get(at..span.start)?);
        at = span.end;
    }
    frame.extend_from_slice(&body[at..]);
    Some(frame)
}

/// The body again, from its frame and its records as pairs of offset and bytes, in any order;
/// `None` when they do not fit together.
pub fn rebuild(frame: &[u8], records: &mut [(usize, &[u8])]) -> Option<Vec<u8>> {
    records.sort_unstable_by_key(|(offset, _)| *offset);
    let inside: usize = records.iter().map(|(_, raw)| raw.len()).sum();
    let mut body = Vec::with_capacity(frame.len() + inside);
    let mut rest = frame;
    for (offset, raw) in records.iter() {
        let (before, after) = rest.split_at_checked(offset.checked_sub(body.len())?)?;
        body.extend_from_slice(before);
        body.extend_from_slice(raw);
        rest = after;
    }
    body.extend_from_slice(rest);
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(places: &[(usize, usize)]) -> Vec<RecordSpan> {
        let span = |&(start, end): &(usize, usize)| RecordSpan {
            stream: "s".into(),
            key: start.to_string(),
            parent_key: None,
            start,
            end,
            change: None,
        };
        places.iter().map(span).collect()
    }

    #[test]
    fn a_body_comes_back_from_its_frame_and_its_records() {
        let body = br#"{"data":[{"a":1.0},{"a":"\u0000"}],"error":false}"#;
        let cut = frame(body, &spans(&[(9, 18), (19, 33)])).expect("lie inside");
        assert_eq!(cut, br#"{"data":[,],"error":false}"#);
        let mut records = [(19, &body[19..33]), (9, &body[9..18])];
        assert_eq!(rebuild(&cut, &mut records).expect("fits"), body);
    }

    #[test]
    fn records_that_cannot_lie_in_a_body_are_refused() {
        for places in [&[(2, 9)][..], &[(3, 2)], &[(2, 4), (3, 5)], &[(4, 5), (2, 3)]] {
            assert_eq!(frame(b"abcdef", &spans(places)), None, "{places:?}");
        }
        assert_eq!(rebuild(b"ab", &mut [(3, b"x")]), None, "begins behind the end");
        assert_eq!(rebuild(b"ab", &mut [(1, b"xy"), (2, b"z")]), None, "overlaps");
    }

    #[test]
    fn hex_has_two_lower_case_digits_a_byte() {
        assert_eq!(hex(&[0, 9, 10, 255]), "00090aff");
    }
}
