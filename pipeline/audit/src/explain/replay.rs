//! Steps 4 and 5: what was planned, what the ledger says happened, what the target holds, and
//! where that differs from what was staged.

use std::collections::BTreeMap;

use datafusion::prelude::{ident, lit};
use kernel::Result;
use landing::ledger_log::{self, Line};
use landing::{Warehouse, snapshot};
use serde::Serialize;
use transform::Scope;

use super::received::{Version, newest_in};
use super::rulebook::Rulebook;
use super::staged::Rows;
use super::subject::Subject;
use super::tables::{Row, Tables, number, only, text};
use super::{Seen, moment};
use crate::rules::meaning;

/// Columns that say how a ticket's messages are sent; their texts are in the staged rows.
const SENT_COLUMNS: [&str; 9] = [
    "ticket_seq",
    "position",
    "ticket_id",
    "message_id",
    "in_create",
    "channel",
    "sender_kind",
    "sent_at",
    "bytes",
];

/// One line of the ledger.
#[derive(Debug, Clone, Serialize)]
pub struct LedgerEntry {
    /// The kind of record.
    pub kind: String,
    /// Its id on our side.
    pub source_id: String,
    /// `intent`, `done`, `matched`, `unknown` or `refused`.
    pub state: String,
    /// Its id in the target.
    pub target_id: Option<String>,
    /// When it was noted.
    pub at: String,
    /// Why, when that is worth knowing: taken over from an earlier run, found after a lost reply.
    pub detail: Option<String>,
}

/// What the target holds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Target {
    /// The id there.
    pub target_id: Option<String>,
    /// Its rows of the read-back by table, as in `readback.tickets`.
    pub rows: BTreeMap<String, Vec<Row>>,
    /// The landed record of the newest read-back.
    pub received: Option<Version>,
}

/// A field in which staged and target differ.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// The kind of record: customers, tickets, messages.
    pub table: String,
    /// Its id on our side.
    pub source_id: String,
    /// Its id in the target.
    pub target_id: Option<String>,
    /// The field.
    pub field: String,
    /// What was staged.
    pub expected: Option<String>,
    /// What the target holds.
    pub found: Option<String>,
    /// What the difference is: transformed, lossy, dropped, changed by the vendor, or unexplained.
    pub verdict: String,
    /// The rule that explains it.
    pub rule: Option<String>,
    /// What the rule means.
    pub meaning: Option<String>,
    /// File and line of the SQL that explains it.
    pub made_by: Option<String>,
}

/// Reads what happened on the way into the target.
pub(super) struct Replay<'a> {
    pub(super) warehouse: &'a Warehouse,
    pub(super) tables: &'a Tables,
    pub(super) seen: &'a Seen,
    pub(super) book: &'a Rulebook<'a>,
}

impl Replay<'_> {
    /// The rows of the plan.
    pub(super) async fn plan(&self, subject: &Subject) -> Result<Rows> {
        let mut plan = Rows::new();
        match subject {
            Subject::Ticket(id) => {
                self.add(&mut plan, "tickets", "ticket_id", id).await?;
                self.add(&mut plan, "messages", "ticket_id", id).await?;
                if let Some(messages) = plan.get_mut("plan.messages") {
                    messages.sort_by_key(|row| number(row, "position"));
                    messages.iter_mut().for_each(|row| *row = only(row, &SENT_COLUMNS));
                }
            }
            Subject::Message(id) => {
                self.add(&mut plan, "messages", "message_id", id).await?;
                let row = plan.get("plan.messages").and_then(|rows| rows.first());
                let ticket_id = row.and_then(|row| text(row, "ticket_id")).map(str::to_owned);
                if let Some(ticket_id) = ticket_id {
                    self.add(&mut plan, "tickets", "ticket_id", &ticket_id).await?;
                }
            }
            Subject::Customer(id) => self.add(&mut plan, "customers", "customer_id", id).await?,
            Subject::Record { .. } | Subject::Foreign { .. } => {}
        }
        Ok(plan)
    }

    async fn add(&self, plan: &mut Rows, table: &str, column: &str, id: &str) -> Result<()> {
        let table = format!("plan.{table}");
        let found = self.tables.rows(&table, column, &[id]).await?;
        if !found.is_empty() {
            plan.insert(table, found);
        }
        Ok(())
    }

    /// Every line of the ledger about it, in the order in which they were written; for a message
    /// also those about its ticket, whose call may have carried it.
    pub(super) async fn ledger(
        &self,
        scope: &Scope,
        subject: &Subject,
    ) -> Result<Vec<LedgerEntry>> {
        let Some(run) = scope.run else { return Ok(Vec::new()) };
        let (kind, id) = (subject.kind(), subject.id());
        let mut wanted = vec![(kind.to_owned(), id.clone())];
        if let Subject::Message(_) = subject {
            let rows = self.tables.rows("plan.messages", "message_id", &[&id]).await?;
            let tickets = rows.iter().filter_map(|row| text(row, "ticket_id"));
            wanted.extend(tickets.map(|ticket| ("ticket".to_owned(), ticket.to_owned())));
            let files = self.tables.rows("staged.attachments", "message_id", &[&id]).await?;
            let files = files.iter().filter_map(|row| text(row, "sha256"));
            wanted.extend(files.map(|sha256| ("upload".to_owned(), sha256.to_owned())));
        }
        let (lines, _) = ledger_log::read(self.warehouse, &run).await?;
        let entries = lines.into_iter().filter_map(|line| match line {
            Line::Entry(entry) => Some(entry),
            Line::Calls { .. } | Line::Time { .. } => None,
        });
        let of_it = entries.filter(|entry| {
            let place = (entry.kind.word(), entry.source_id.as_str());
            wanted.iter().any(|(kind, id)| place == (kind.as_str(), id.as_str()))
        });
        Ok(of_it
            .map(|entry| LedgerEntry {
                kind: entry.kind.word().to_owned(),
                source_id: entry.source_id,
                state: entry.state.word().to_owned(),
                target_id: entry.target_id,
                at: moment(entry.at),
                detail: entry.detail,
            })
            .collect())
    }

    /// What the target holds: the read-back's rows with the id that the ledger gave it, and with
    /// its external id, which would show a double.
    pub(super) async fn target(&self, subject: &Subject, ledger: &[LedgerEntry]) -> Result<Target> {
        if let Subject::Record { .. } = subject {
            return Ok(Target::default());
        }
        let (kind, id) = (subject.kind(), subject.id());
        let is_own = |entry: &&LedgerEntry| entry.kind == kind && entry.source_id == id;
        let mut ids = ledger.iter().filter(is_own).filter_map(|entry| entry.target_id.clone());
        let mut target_id = ids.next_back();
        if let Subject::Foreign { target_id: id, .. } = subject {
            target_id = Some(id.clone());
        }
        let table = format!("readback.{kind}s");
        let mut found = Rows::new();
        let is_it = ident("external_id")
            .eq(lit(id.as_str()))
            .or(ident("target_id").eq(lit(target_id.as_deref().unwrap_or(""))));
        let rows = self.tables.rows_where(&table, &["external_id", "target_id"], is_it).await?;
        let first = rows.first().and_then(|row| text(row, "target_id"));
        let target_id = target_id.or_else(|| first.map(str::to_owned));
        if !rows.is_empty() {
            found.insert(table, rows);
        }
        if let (Subject::Ticket(_), Some(id)) = (subject, &target_id) {
            let table = "readback.messages";
            let mut rows = self.tables.rows(table, "ticket_target_id", &[id]).await?;
            rows.sort_by_key(|row| {
                (text(row, "sent_at").map(str::to_owned), number(row, "number"))
            });
            if !rows.is_empty() {
                found.insert(table.to_owned(), rows);
            }
        }
        let received = self.read_back(kind, target_id.as_deref()).await?;
        Ok(Target { target_id, rows: found, received })
    }

    /// The record of the target as it was landed last.
    async fn read_back(&self, kind: &str, target_id: Option<&str>) -> Result<Option<Version>> {
        let (Some(id), Some(target_id)) = (&self.seen.read_back, target_id) else {
            return Ok(None);
        };
        let stream = format!("{kind}s");
        let streams = snapshot::streams(self.warehouse, id).await?;
        if !streams.contains(&stream) {
            return Ok(None);
        }
        newest_in(self.warehouse, id, &stream, target_id).await
    }

    /// Where staged and target differ: of the record, and of a ticket's messages.
    pub(super) async fn differences(
        &self,
        subject: &Subject,
        target: &Target,
    ) -> Result<Vec<Difference>> {
        let id = subject.id();
        let mut ids = vec![id.as_str()];
        let messages = match subject {
            Subject::Ticket(id) => self.tables.rows("staged.messages", "ticket_id", &[id]).await?,
            _ => Vec::new(),
        };
        ids.extend(messages.iter().filter_map(|row| text(row, "message_id")));
        let is_of_it = ident("source_id")
            .in_list(ids.iter().map(|id| lit(*id)).collect(), false)
            .or(ident("target_id").eq(lit(target.target_id.as_deref().unwrap_or(""))));
        let table = "reconcile.differences";
        let rows = self.tables.rows_where(table, &["source_id", "target_id"], is_of_it).await?;
        // Records of two kinds may have the same id in the target.
        let of_kind = |row: &&Row| {
            let kind = text(row, "table").unwrap_or_default().trim_end_matches('s');
            let is_own = text(row, "source_id").is_some_and(|id| ids.contains(&id));
            kind == subject.kind() || (kind == "message" && is_own)
        };
        Ok(rows.iter().filter(of_kind).map(|row| self.difference(row)).collect())
    }

    fn difference(&self, row: &Row) -> Difference {
        let cell = |name: &str| text(row, name).map(str::to_owned);
        let rule = cell("rule");
        Difference {
            table: cell("table").unwrap_or_default(),
            source_id: cell("source_id").unwrap_or_default(),
            target_id: cell("target_id"),
            field: cell("field").unwrap_or_default(),
            expected: cell("expected"),
            found: cell("found"),
            verdict: cell("verdict").unwrap_or_default(),
            meaning: rule.as_deref().map(|rule| meaning(rule).to_owned()),
            made_by: rule.as_deref().and_then(|rule| self.book.reconciled(rule)),
            rule,
        }
    }
}
