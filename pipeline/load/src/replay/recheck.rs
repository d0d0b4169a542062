//! Records that were sent again, looked for once more when everything else is done.
//!
//! A call that left no trace was made again. Should the first one have been carried out after that,
//! the target has two, and nobody would know: no vendor in reach takes a key that would prevent it.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};

use super::Replay;
use crate::ledger::remark::{ONCE, SENT_AGAIN, TWICE};
use crate::plan::{self, Threads};

/// A record that may be there twice.
struct Suspect {
    kind: RecordKind,
    source_id: String,
    external_id: String,
    /// For a message: its ticket in the target.
    ticket: Option<String>,
}

impl Replay<'_> {
    /// Looks for what was sent again; two of it is a finding, also in every later session.
    pub(super) async fn look_again(&self) -> Result<()> {
        let details: HashMap<(RecordKind, String), String> = {
            let noted = self.desk.ledger.noted(SENT_AGAIN).into_iter();
            noted.map(|(kind, id, detail)| ((kind, id), detail)).collect()
        };
        for suspect in self.suspects(&details.keys().cloned().collect()).await? {
            if self.is_stopping() {
                return Ok(());
            }
            let Suspect { kind, source_id, external_id, ticket } = suspect;
            let target = self.desk.target;
            let count = target.holding(kind, &external_id, ticket.as_deref()).await?.len();
            if count > 1 {
                self.desk.findings.add(kind, &source_id, TWICE);
            }
            let said = if count > 1 { TWICE } else { ONCE };
            let Some(standing) = self.desk.ledger.standing(kind, &source_id) else { continue };
            let detail = details.get(&(kind, source_id.clone()));
            let entry = Entry {
                kind,
                source_id,
                state: standing.state,
                target_id: standing.target_id.map(Into::into),
                at: self.desk.clock.now(),
                detail: detail.map(|detail| detail.replace(SENT_AGAIN, said)),
            };
            self.desk.ledger.commit(vec![entry]).await?;
        }
        Ok(())
    }

    /// What the plan says about records of which the ledger knows that they were sent again. Names
    /// and addresses are unique in the target, and a file that nothing refers to does no harm, so
    /// tags, agents and files are left out.
    async fn suspects(&self, noted: &HashSet<(RecordKind, String)>) -> Result<Vec<Suspect>> {
        let mut suspects = Vec::new();
        let is_noted = |kind, id: &String| noted.contains(&(kind, id.clone()));
        let has = |kind| noted.iter().any(|(noted, _)| *noted == kind);
        if has(RecordKind::Customer) {
            let mut customers = plan::customers(self.warehouse, &self.options.run).await?;
            while let Some(customer) = customers.try_next().await? {
                if is_noted(RecordKind::Customer, &customer.customer_id) {
                    let kind = RecordKind::Customer;
                    let (source_id, external_id) = (customer.customer_id, customer.external_id);
                    suspects.push(Suspect { kind, source_id, external_id, ticket: None });
                }
            }
        }
        if !has(RecordKind::Ticket) && !has(RecordKind::Message) {
            return Ok(suspects);
        }
        let mut threads = Threads::open(self.warehouse, &self.options.run).await?;
        while let Some((ticket, messages)) = threads.next().await? {
            let standing = self.desk.ledger.standing(RecordKind::Ticket, &ticket.ticket_id);
            let target = standing.filter(|standing| standing.state == State::Done);
            let target = target.and_then(|standing| standing.target_id).map(String::from);
            for message in messages {
                if is_noted(RecordKind::Message, &message.message_id) {
                    let (source_id, external_id) = (message.message_id.clone(), message.message_id);
                    let (kind, ticket) = (RecordKind::Message, target.clone());
                    suspects.push(Suspect { kind, source_id, external_id, ticket });
                }
            }
            if is_noted(RecordKind::Ticket, &ticket.ticket_id) {
                let kind = RecordKind::Ticket;
                let (source_id, external_id) = (ticket.ticket_id, ticket.external_id);
                suspects.push(Suspect { kind, source_id, external_id, ticket: None });
            }
        }
        Ok(suspects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_is_not_looked_for_again() {
        for said in [ONCE, TWICE] {
            assert!(!said.contains(SENT_AGAIN));
        }
    }
}
