//! Lists of Crisp, walked so that nothing is missed: pages that shift while they are read, and
//! messages by their time.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::Ordering;

use kernel::{Fault, Result};
use serde_json::Value;

use super::help_center::missing;
use super::{Crisp, reply};

/// The most that a page of a numbered list may have.
const PER_PAGE: usize = 50;
/// Pages of one list; at 50 records a page this is far above what is known of any workspace.
const PAGES_MAX: usize = 20_000;
/// Sweeps over one list. A list that still shows something new then changes faster than it is read.
const SWEEPS_MAX: usize = 6;
/// A time after any message: the year 2100, in milliseconds.
const FAR_MS: i64 = 4_102_444_800_000;
/// Pages of one conversation.
const MESSAGE_PAGES_MAX: usize = 5_000;

impl Crisp {
    /// Every record of a numbered list, by the field that names it. What is removed between two
    /// pages pulls others over their border, so a list of several pages is read again until
    /// nothing new turns up.
    pub(super) async fn list(
        &self,
        phase: &'static str,
        path: &str,
        query: &str,
        id: &str,
    ) -> Result<Vec<Value>> {
        let (mut seen, mut records) = (HashSet::new(), Vec::new());
        for sweep in 0..SWEEPS_MAX {
            let before = seen.len();
            let pages = self.sweep(phase, (path, query, id), &mut seen, &mut records).await?;
            if pages <= 1 || (sweep > 0 && seen.len() == before) {
                return Ok(records);
            }
        }
        Err(Fault::retry(format!("the list {path} changes faster than it can be read")))
    }

    /// Reads every page once; says how many had something.
    async fn sweep(
        &self,
        phase: &'static str,
        (path, query, id): (&str, &str, &str),
        seen: &mut HashSet<String>,
        records: &mut Vec<Value>,
    ) -> Result<usize> {
        for page in 1..=PAGES_MAX {
            let address = format!("{path}/{page}?per_page={PER_PAGE}{query}");
            let reply = self.wire.ask(phase, &address).await?;
            // Past the end there is an empty list, or nothing.
            let rows = match (reply.status, reply::data(&reply)) {
                (404, _) if page > 1 => return Ok(page - 1),
                (404, _) if path.starts_with("/helpdesk/") => return Err(missing(&reply)),
                (_, Some(Value::Array(rows))) => rows,
                _ => return Err(no_list(path, reply.status)),
            };
            if rows.is_empty() {
                return Ok(page - 1);
            }
            for row in rows {
                if let Some(id) = reply::id(&row, id)
                    && seen.insert(id)
                {
                    records.push(row);
                }
            }
        }
        Err(Fault::retry(format!("the list {path} does not end")))
    }

    /// The messages of a conversation, oldest first; `None` when there is no such conversation.
    /// One that is there twice comes twice.
    pub(super) async fn messages(
        &self,
        phase: &'static str,
        session: &str,
    ) -> Result<Option<Vec<Value>>> {
        // By time and fingerprint: the most of it that any page showed, because pages overlap.
        let mut found: BTreeMap<(i64, i64), Vec<Value>> = BTreeMap::new();
        // Each look has an address of its own, because an old answer to the same one may be given
        // again, and a message that it lacks would be sent again.
        let mut before = FAR_MS + self.looks.fetch_add(1, Ordering::Relaxed);
        for _ in 0..MESSAGE_PAGES_MAX {
            let address = format!("/conversation/{session}/messages?timestamp_before={before}");
            let reply = self.wire.ask(phase, &address).await?;
            let rows = match (reply.status, reply::data(&reply)) {
                (404, _) => return Ok(None),
                (_, Some(Value::Array(rows))) => rows,
                _ => return Err(no_list("/conversation/…/messages", reply.status)),
            };
            let oldest = rows.iter().filter_map(timestamp).min();
            let is_new = merge(&mut found, rows);
            let (Some(oldest), is_partial) = (oldest, reply.status == 206) else { break };
            // Its own millisecond is asked for again, because it may not have fit.
            match (is_new, is_partial) {
                (true, _) => before = oldest + 1,
                (false, true) => {
                    return Err(Fault::refused(
                        "a conversation has more messages of one millisecond than a page shows",
                    )
                    .hint("nobody can tell which of them are there; look at it in Crisp"));
                }
                (false, false) => break,
            }
        }
        Ok(Some(found.into_values().flatten().collect()))
    }
}

fn timestamp(message: &Value) -> Option<i64> {
    message.get("timestamp")?.as_i64()
}

/// Adds a page; says whether it showed anything new.
fn merge(found: &mut BTreeMap<(i64, i64), Vec<Value>>, rows: Vec<Value>) -> bool {
    let mut page: BTreeMap<(i64, i64), Vec<Value>> = BTreeMap::new();
    for row in rows {
        if let (Some(time), Some(fingerprint)) = (timestamp(&row), reply::fingerprint(&row)) {
            page.entry((time, fingerprint)).or_default().push(row);
        }
    }
    let mut is_new = false;
    for (key, rows) in page {
        let known = found.entry(key).or_default();
        if rows.len() > known.len() {
            is_new = true;
            *known = rows;
        }
    }
    is_new
}

fn no_list(path: &str, status: u16) -> Fault {
    Fault::retry(format!("the target's answer to {path} is no list (status {status})"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_that_overlap_double_nothing_and_what_is_doubled_on_a_page_stays_so() {
        let message =
            |time: i64, fingerprint: i64| json!({"timestamp": time, "fingerprint": fingerprint});
        let mut found = BTreeMap::new();
        assert!(merge(&mut found, vec![message(5, 1), message(5, 1), message(6, 2)]));
        assert!(!merge(&mut found, vec![message(5, 1)]));
        assert!(merge(&mut found, vec![message(4, 3), message(5, 1)]));
        assert_eq!(found.values().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
    }
}
