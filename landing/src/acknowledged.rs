//! What somebody acknowledged before a load: one object for each, added and never changed.
//!
//! An acknowledgement holds for one thing in the target in exactly one state, which a hash stands
//! for. What can be acknowledged, and what follows from it, is the business of the loader.

use kernel::{Instant, Result, RunId};
use serde::{Deserialize, Serialize};

use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Version of the format of an acknowledgement.
pub const FORMAT: u32 = 1;

/// That somebody knows of a thing in the target and lets the load go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Version of the format.
    pub format: u32,
    /// What it is, as in `rule:12345`.
    pub subject: String,
    /// Hash of the state that was acknowledged.
    pub fingerprint: String,
    /// What it was, in words.
    pub what: String,
    /// Who said so: the user of the machine.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// Everything acknowledged in a run, oldest first.
///
/// # Errors
/// When the warehouse cannot be read.
pub async fn list(warehouse: &Warehouse, run: &RunId) -> Result<Vec<Acknowledged>> {
    let mut found = Vec::new();
    for path in warehouse.list(&layout::acknowledgements(run)).await? {
        found.extend(warehouse.get_json(&path).await?);
    }
    Ok(found)
}

/// Adds an acknowledgement to a run.
///
/// # Errors
/// When the warehouse cannot be written.
pub async fn add(warehouse: &Warehouse, run: &RunId, new: &Acknowledged) -> Result<()> {
    let mut number = warehouse.list(&layout::acknowledgements(run)).await?.len() as u32;
    let body = json_text(new)?;
    loop {
        number += 1;
        let path = layout::acknowledgement(run, number);
        if warehouse.put_if_absent(&path, body.clone()).await? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn acknowledgements_are_added_and_none_is_written_over() {
        let warehouse = Warehouse::open("memory://").expect("opens");
        for fingerprint in ["a", "b"] {
            let new = Acknowledged {
                format: FORMAT,
                subject: "rule:1".into(),
                fingerprint: fingerprint.into(),
                what: "a rule is on".into(),
                by: "ada".into(),
                at: Instant::from_millis(1),
            };
            add(&warehouse, &RunId(1), &new).await.expect("adds");
        }
        let found = list(&warehouse, &RunId(1)).await.expect("reads");
        let hashes: Vec<&str> = found.iter().map(|one| one.fingerprint.as_str()).collect();
        assert_eq!(hashes, ["a", "b"]);
        assert_eq!(list(&warehouse, &RunId(2)).await.expect("reads"), []);
    }
}
