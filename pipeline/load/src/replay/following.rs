//! What a run that follows another one takes over from the ledgers before it: no call is made.
//!
//! Reading millions of records back would take longer than anybody can close a helpdesk for. What
//! those ledgers leave open is asked for as anything else that is open. A record that a rollback
//! removed is not there.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use kernel::ledger::{Entry, RecordKind, State};
use kernel::{Fault, Result, RunId};
use landing::Warehouse;
use landing::ledger_log::{self, Line};
use landing::run::RunFacts;
use landing::session::{self, Work};

use super::Replay;
use super::adoption::ADOPTED;
use super::agents::STANDS_IN;
use super::fields::FIELDS_SET;
use crate::ledger::remark::{IN_TRASH, TWICE};
use crate::plan;
use crate::target::TargetId;

/// Newest entries by kind and id.
type Newest = HashMap<(RecordKind, String), Entry>;

/// The newest run into a target that was loaded to its end and of which nothing was taken back.
///
/// # Errors
/// When the warehouse cannot be read.
pub async fn followed(warehouse: &Warehouse, address: &str) -> Result<Option<RunFacts>> {
    let runs = landing::run::list(warehouse).await?;
    for facts in runs.into_iter().rev().filter(|facts| facts.target_address == address) {
        let sessions = session::list(warehouse, &facts.run).await?;
        let is_complete = sessions.iter().any(|session| {
            let ended = session.ended.as_ref();
            session.begun.work == Work::Load && ended.is_some_and(|ended| ended.is_complete)
        });
        if is_complete && !was_taken_back(warehouse, &facts.run).await? {
            return Ok(Some(facts));
        }
    }
    Ok(None)
}

async fn was_taken_back(warehouse: &Warehouse, run: &RunId) -> Result<bool> {
    let (lines, _) = ledger_log::read(warehouse, run).await?;
    Ok(lines.iter().any(|line| match line {
        Line::Entry(entry) => matches!(entry.state, State::Removing | State::Removed),
        _ => false,
    }))
}

impl Replay<'_> {
    /// Takes over what the followed run and those after it know.
    pub(super) async fn take_over(&self, follows: RunId, own: &RunFacts) -> Result<()> {
        let runs = landing::run::list(self.warehouse).await?;
        let is_between = |facts: &&RunFacts| {
            facts.run >= follows
                && facts.run < own.run
                && facts.target_address == own.target_address
        };
        let (mut known, mut removed) = (Newest::new(), HashSet::new());
        for facts in runs.iter().filter(is_between) {
            let (lines, _) = ledger_log::read(self.warehouse, &facts.run).await?;
            merge(&mut known, &mut removed, lines);
        }
        if known.is_empty() {
            return Err(Fault::data(format!(
                "the ledger of run {follows}, which run {} follows, is empty",
                own.run
            ))
            .hint("deskferry plan, without --delta, makes a run that asks the target instead"));
        }
        let is_there = |entry: &Entry| match &entry.target_id {
            Some(id) => !removed.contains(&(entry.kind, id.clone())),
            None => true,
        };
        let changed = self.changed_customers(&follows).await?;
        let mut entries: Vec<Entry> = known.into_values().filter(is_there).collect();
        for entry in &mut entries {
            entry.detail = detail(entry, &changed);
            entry.at = self.desk.clock.now();
        }
        entries
            .sort_by(|one, other| (one.kind, &one.source_id).cmp(&(other.kind, &other.source_id)));
        self.desk.ledger.commit(entries).await
    }

    /// Customers of whom the plan says more than a card holds, and other than the followed run did.
    async fn changed_customers(&self, follows: &RunId) -> Result<HashSet<String>> {
        let mut changed = HashMap::new();
        let mut planned = plan::customers(self.warehouse, &self.options.run).await?;
        while let Some(customer) = planned.try_next().await? {
            let more = (customer.custom_fields, customer.meta);
            if more != (Vec::new(), None) {
                changed.insert(customer.customer_id, more);
            }
        }
        if !changed.is_empty() {
            let mut before = plan::customers(self.warehouse, follows).await?;
            while let Some(customer) = before.try_next().await? {
                let more = (customer.custom_fields, customer.meta);
                if changed.get(&customer.customer_id) == Some(&more) {
                    changed.remove(&customer.customer_id);
                }
            }
        }
        Ok(changed.into_keys().collect())
    }
}

/// Folds the lines of a ledger into what is known. What is in the target stays so, whatever a
/// later run that was broken off says.
fn merge(known: &mut Newest, removed: &mut HashSet<(RecordKind, TargetId)>, lines: Vec<Line>) {
    let mut newest = Newest::new();
    for line in lines {
        let Line::Entry(entry) = line else { continue };
        if let (State::Removed, Some(id)) = (entry.state, &entry.target_id) {
            removed.insert((entry.kind, id.clone()));
        }
        newest.insert((entry.kind, entry.source_id.clone()), entry);
    }
    let is_in = |entry: &Entry| matches!(entry.state, State::Done | State::Matched);
    for (key, entry) in newest {
        match known.get(&key) {
            Some(before) if is_in(before) && !is_in(&entry) => {}
            _ => {
                known.insert(key, entry);
            }
        }
    }
}

/// What is still worth saying about a record that is taken over.
fn detail(entry: &Entry, changed_customers: &HashSet<String>) -> Option<String> {
    let said = entry.detail.as_deref().unwrap_or_default();
    if !matches!(entry.state, State::Done | State::Matched) {
        return entry.detail.clone();
    }
    let kept = match entry.kind {
        // Whoever stands in is told apart by these very words.
        RecordKind::Agent if said == STANDS_IN => return entry.detail.clone(),
        RecordKind::Agent if entry.state == State::Matched => return None,
        RecordKind::Ticket | RecordKind::Message => {
            [TWICE, IN_TRASH].into_iter().find(|words| said.contains(words)).unwrap_or_default()
        }
        RecordKind::Customer if changed_customers.contains(&entry.source_id) => {
            said.strip_suffix(FIELDS_SET).unwrap_or(said).trim_end_matches("; ")
        }
        RecordKind::Customer => said,
        // What is left to be done about a page, and what was.
        RecordKind::Section | RecordKind::Article => said,
        _ => "",
    };
    let kept = kept.strip_prefix(ADOPTED).unwrap_or(kept).trim_start_matches("; ");
    Some(if kept.is_empty() { ADOPTED.to_owned() } else { format!("{ADOPTED}; {kept}") })
}

#[cfg(test)]
mod tests {
    use kernel::Instant;

    use super::*;

    fn line(kind: RecordKind, id: &str, state: State, target: &str, detail: &str) -> Line {
        Line::Entry(Entry {
            kind,
            source_id: id.to_owned(),
            state,
            target_id: (!target.is_empty()).then(|| target.to_owned()),
            at: Instant::from_millis(1),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
        })
    }

    #[test]
    fn a_later_run_that_was_broken_off_adds_what_it_made_and_what_it_left_open() {
        let (mut known, mut removed) = (Newest::new(), HashSet::new());
        let ticket = RecordKind::Ticket;
        merge(
            &mut known,
            &mut removed,
            vec![line(ticket, "a", State::Intent, "", ""), line(ticket, "a", State::Done, "1", "")],
        );
        merge(
            &mut known,
            &mut removed,
            vec![
                line(ticket, "a", State::Unknown, "", "lost"),
                line(ticket, "b", State::Done, "2", ""),
                line(ticket, "c", State::Intent, "", ""),
            ],
        );
        let state = |id: &str| known[&(ticket, id.to_owned())].state;
        assert_eq!(["a", "b", "c"].map(state), [State::Done, State::Done, State::Intent]);
    }

    #[test]
    fn what_is_taken_over_keeps_only_what_still_matters() {
        let changed = HashSet::from(["c2".to_owned()]);
        let kept = |kind, id: &str, state, said: &str| {
            let Line::Entry(entry) = line(kind, id, state, "1", said) else { return None };
            detail(&entry, &changed)
        };
        let whole = |rest: &str| Some(format!("{ADOPTED}{rest}"));
        let done = State::Done;
        assert_eq!(kept(RecordKind::Ticket, "t", done, "final state set"), whole(""));
        assert_eq!(kept(RecordKind::Ticket, "t", done, TWICE), whole(&format!("; {TWICE}")));
        assert_eq!(kept(RecordKind::Agent, "o", State::Matched, ""), None);
        let stands_in = kept(RecordKind::Agent, "o", State::Matched, STANDS_IN);
        assert_eq!(stands_in.as_deref(), Some(STANDS_IN));
        let set = format!("{ADOPTED}; {FIELDS_SET}");
        assert_eq!(kept(RecordKind::Customer, "c1", done, &set), whole(&format!("; {FIELDS_SET}")));
        assert_eq!(kept(RecordKind::Customer, "c2", done, &set), whole(""));
    }
}
