//! Step 2: what became of each landed record, and the rules that decided about the staged row.

use datafusion::prelude::{ident, lit};
use kernel::Result;
use serde::Serialize;

use super::received::Received;
use super::rulebook::Rulebook;
use super::staged::Rows;
use super::subject::Subject;
use super::tables::{Row, Tables, text};
use crate::rules::meaning;

/// What became of a landed record.
#[derive(Debug, Clone, Serialize)]
pub struct Fate {
    /// The stream that it belongs to.
    pub stream: String,
    /// Its key.
    pub source_key: String,
    /// `staged`, `quarantined` or `dropped`.
    pub fate: String,
    /// The ticket that it belongs to, if any.
    pub ticket_id: Option<String>,
    /// The rule, unless it was staged.
    pub rule: Option<String>,
    /// What the rule means.
    pub meaning: Option<String>,
    /// File and line of the SQL that decided it.
    pub made_by: Option<String>,
    /// Of a quarantined record, its text.
    pub offending: Option<String>,
}

/// A rule that decided something about the record.
#[derive(Debug, Clone, Serialize)]
pub struct AppliedRule {
    /// The table whose row says so.
    pub table: String,
    /// What it decided: a column of the row, a tag, a thing that identifies a person, a loss.
    pub about: String,
    /// The value that it gave, where there is one.
    pub value: Option<String>,
    /// Its name.
    pub rule: String,
    /// What it means; the name again, when nobody has said.
    pub meaning: String,
    /// The record that it was applied to, when that is another one.
    pub source_id: Option<String>,
    /// More about this case.
    pub detail: Option<String>,
    /// Of a loss, where the original can still be read.
    pub survives_in: Option<String>,
    /// File and line of the SQL that decided it.
    pub made_by: Option<String>,
}

/// Reads what was decided.
pub(super) struct Judge<'a> {
    pub(super) tables: &'a Tables,
    pub(super) book: &'a Rulebook<'a>,
}

impl Judge<'_> {
    /// What became of each landed record, in their order.
    pub(super) async fn fates(&self, received: &[Received]) -> Result<Vec<Fate>> {
        let keys: Vec<&str> = received.iter().map(|record| record.key.as_str()).collect();
        let rows = self.tables.rows("staged.fates", "source_key", &keys).await?;
        let quarantined = self.tables.rows("staged.quarantine", "source_key", &keys).await?;
        let mut fates = Vec::new();
        for record in received {
            let is_it = |row: &&Row| {
                text(row, "stream") == Some(&record.stream)
                    && text(row, "source_key") == Some(&record.key)
            };
            let Some(row) = rows.iter().find(is_it) else { continue };
            let rule = text(row, "rule");
            let offending = quarantined.iter().find(is_it).and_then(|row| text(row, "offending"));
            let fate = text(row, "fate").unwrap_or_default();
            fates.push(Fate {
                stream: record.stream.clone(),
                source_key: record.key.clone(),
                fate: fate.to_owned(),
                ticket_id: text(row, "ticket_id").map(str::to_owned),
                rule: rule.map(str::to_owned),
                meaning: rule.map(|rule| meaning(rule).to_owned()),
                made_by: rule.and_then(|rule| self.book.staged(rule, "fates", &record.stream)),
                offending: offending.map(str::to_owned),
            });
        }
        Ok(fates)
    }

    /// Every rule that decided something, and every loss.
    pub(super) async fn rules(
        &self,
        subject: &Subject,
        received: &[Received],
        staged: &Rows,
    ) -> Result<Vec<AppliedRule>> {
        let mut rules = self.of_row(subject, received, staged);
        if let Subject::Ticket(_) = subject {
            rules.extend(self.of_rows(staged, "staged.ticket_tags", "tag", "tag"));
        }
        if let Subject::Customer(_) = subject {
            let table = "staged.customer_identities";
            rules.extend(self.of_rows(staged, table, "kind", "value"));
        }
        rules.extend(self.losses(subject, received, staged).await?);
        Ok(rules)
    }

    /// The columns of the record's own row that name a rule, as `status_rule` does for `status`.
    fn of_row(&self, subject: &Subject, received: &[Received], staged: &Rows) -> Vec<AppliedRule> {
        let name = format!("{}s", subject.kind());
        let table = format!("staged.{name}");
        let Some(row) = staged.get(&table).and_then(|rows| rows.first()) else {
            return Vec::new();
        };
        let of_record = received.first().map_or("", |record| record.stream.as_str());
        let stream = text(row, "stream").unwrap_or(of_record);
        let decided = row.keys().filter_map(|column| {
            let about = column.strip_suffix("_rule")?;
            let rule = text(row, column)?;
            Some(AppliedRule {
                table: table.clone(),
                about: about.to_owned(),
                value: text(row, about).map(str::to_owned),
                rule: rule.to_owned(),
                meaning: meaning(rule).to_owned(),
                source_id: None,
                detail: None,
                survives_in: None,
                made_by: self.book.staged(rule, &name, stream),
            })
        });
        decided.collect()
    }

    /// Rows that belong to the record and each name a rule.
    fn of_rows(&self, staged: &Rows, table: &str, about: &str, value: &str) -> Vec<AppliedRule> {
        let name = table.trim_start_matches("staged.");
        let rows = staged.get(table).into_iter().flatten();
        let decided = rows.filter_map(|row| {
            let rule = text(row, "rule")?;
            Some(AppliedRule {
                table: table.to_owned(),
                about: if about == value { about.into() } else { text(row, about)?.into() },
                value: text(row, value).map(str::to_owned),
                rule: rule.to_owned(),
                meaning: meaning(rule).to_owned(),
                source_id: text(row, "source_id").map(str::to_owned),
                detail: None,
                survives_in: None,
                made_by: self.book.listed(rule, name, ""),
            })
        });
        decided.collect()
    }

    /// What was cut, changed or left out: of the record, and of a ticket's messages.
    async fn losses(
        &self,
        subject: &Subject,
        received: &[Received],
        staged: &Rows,
    ) -> Result<Vec<AppliedRule>> {
        let own = [subject.id()];
        let ids: Vec<&str> = match subject {
            // A landed record of another stream may have the same key as this one.
            Subject::Record { key, .. } => vec![key],
            _ => own.iter().map(String::as_str).chain(keys_of(received)).collect(),
        };
        let mut losses = Vec::new();
        for table in ["staged.losses", "plan.losses"] {
            let mut rows = match subject {
                Subject::Ticket(id) => self.of_ticket(table, id, &ids).await?,
                _ => self.tables.rows(table, "source_id", &ids).await?,
            };
            if let Subject::Record { stream, .. } = subject {
                rows.retain(|row| text(row, "stream") == Some(stream));
            }
            losses.extend(rows.iter().filter_map(|row| self.loss(table, row, &ids)));
        }
        losses.extend(self.replaced_agents(staged).await?);
        Ok(losses)
    }

    async fn of_ticket(&self, table: &str, ticket_id: &str, ids: &[&str]) -> Result<Vec<Row>> {
        let own = ids.iter().map(|id| lit(*id)).collect();
        let is_of_it =
            ident("ticket_id").eq(lit(ticket_id)).or(ident("source_id").in_list(own, false));
        self.tables.rows_where(table, &["ticket_id", "source_id"], is_of_it).await
    }

    fn loss(&self, table: &str, row: &Row, ids: &[&str]) -> Option<AppliedRule> {
        let rule = text(row, "rule")?;
        let stream = text(row, "stream").unwrap_or_default();
        let source_id = text(row, "source_id").filter(|id| ids.first() != Some(id));
        let made_by = match table {
            "plan.losses" => self.book.planned(rule),
            _ => self.book.listed(rule, "losses", stream),
        };
        Some(AppliedRule {
            table: table.to_owned(),
            about: "loss".to_owned(),
            value: None,
            rule: rule.to_owned(),
            meaning: meaning(rule).to_owned(),
            source_id: source_id.map(|id| format!("{stream}/{id}")),
            detail: text(row, "detail").map(str::to_owned),
            survives_in: text(row, "survives_in").map(str::to_owned),
            made_by,
        })
    }

    /// Agents for whom somebody stands in; the ledger says for whom.
    async fn replaced_agents(&self, staged: &Rows) -> Result<Vec<AppliedRule>> {
        let agents = staged.get("staged.agents").into_iter().flatten();
        let ids: Vec<&str> = agents.filter_map(|row| text(row, "agent_id")).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.tables.rows("ledger.records", "source_id", &ids).await?;
        let replaced = rows
            .iter()
            .filter(|row| text(row, "kind") == Some("agent") && text(row, "detail").is_some());
        let rule = "agent_replaced";
        Ok(replaced
            .map(|row| AppliedRule {
                table: "ledger.records".to_owned(),
                about: "agent".to_owned(),
                value: text(row, "target_id").map(str::to_owned),
                rule: rule.to_owned(),
                meaning: meaning(rule).to_owned(),
                source_id: text(row, "source_id").map(|id| format!("operators/{id}")),
                detail: text(row, "detail").map(str::to_owned),
                survives_in: None,
                made_by: self.book.reconciled(rule),
            })
            .collect())
    }
}

fn keys_of(received: &[Received]) -> impl Iterator<Item = &str> {
    received.iter().map(|record| record.key.as_str())
}
