//! From what somebody typed to the one record that is meant, on either side.

use datafusion::prelude::{ident, lit};
use kernel::{Fault, Result};
use landing::Warehouse;
use landing::locate::{Wanted, locate};

use super::tables::{Tables, text};
use super::{Seen, near};

/// Records that are offered when more than one is meant.
const OFFERED_MAX: usize = 10;
/// Kinds of records that have both a staged row and a record in the target.
const KINDS: [&str; 3] = ["ticket", "message", "customer"];

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// A staged ticket.
    Ticket(String),
    /// A staged message.
    Message(String),
    /// A staged customer.
    Customer(String),
    /// A landed record that no staged row stands for.
    Record { stream: String, key: String },
    /// A record of the target that is not ours: its kind and id.
    Foreign { kind: &'static str, target_id: String },
}

impl Subject {
    /// The word for its kind, which may also stand before an id.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Subject::Ticket(_) => "ticket",
            Subject::Message(_) => "message",
            Subject::Customer(_) => "customer",
            Subject::Record { .. } => "record",
            Subject::Foreign { kind, .. } => kind,
        }
    }

    /// Its id, which names it alone among those of its kind.
    pub(super) fn id(&self) -> String {
        match self {
            Subject::Ticket(id) | Subject::Message(id) | Subject::Customer(id) => id.clone(),
            Subject::Record { stream, key } => format!("{stream}/{key}"),
            Subject::Foreign { target_id, .. } => target_id.clone(),
        }
    }
}

/// A record that is meant, and the column that said so.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) subject: Subject,
    pub(super) found_by: String,
}

/// Looks for the record in everything that a scope has.
pub(super) struct Search<'a> {
    pub(super) warehouse: &'a Warehouse,
    pub(super) tables: &'a Tables,
    pub(super) seen: &'a Seen,
}

impl Search<'_> {
    /// The one record that is meant.
    ///
    /// # Errors
    /// `FixConfig` when there is none, or more than one.
    pub(super) async fn find(&self, typed: &str) -> Result<Found> {
        let typed = typed.trim();
        let (kind, id) = prefixed(typed);
        if id.is_empty() {
            return Err(Fault::config("there is no id to look for")
                .hint("deskferry explain takes the id of a ticket, message or customer"));
        }
        let mut found = match kind {
            Some("record") => self.in_landing(id).await?,
            _ => self.everywhere(id).await?,
        };
        if let Some(kind) = kind.filter(|kind| *kind != "record") {
            found.retain(|found| found.subject.kind() == kind);
        }
        found.sort_by(|left, right| left.subject.cmp(&right.subject));
        found.dedup_by(|left, right| left.subject == right.subject);
        match found.len() {
            0 => Err(self.unknown(id).await?),
            1 => Ok(found.remove(0)),
            _ => Err(ambiguous(id, &found)),
        }
    }

    async fn everywhere(&self, id: &str) -> Result<Vec<Found>> {
        let mut found = self.staged(id).await?;
        found.extend(self.in_target(id).await?);
        if !id.contains('/') {
            found.extend(self.by_fingerprint(id).await?);
        }
        if found.is_empty() {
            found = self.replayed(id).await?;
        }
        if found.is_empty() {
            found = self.judged(id).await?;
        }
        if found.is_empty() {
            found = self.in_landing(id).await?;
        }
        Ok(found)
    }

    /// By an id of our side.
    async fn staged(&self, id: &str) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        self.add(&mut found, "staged.tickets", "ticket_id", id, "ticket_id").await?;
        if found.is_empty() {
            // A conversation that was split is explained by its first ticket.
            let column = "conversation_id";
            self.add(&mut found, "staged.tickets", column, id, "ticket_id").await?;
            found.sort_by(|left, right| left.subject.cmp(&right.subject));
            found.truncate(1);
        }
        self.add(&mut found, "staged.messages", "message_id", id, "message_id").await?;
        self.add(&mut found, "staged.customers", "customer_id", id, "customer_id").await?;
        for actor in [id.to_owned(), format!("person:{id}")] {
            self.add(&mut found, "staged.actors", "actor_id", &actor, "customer_id").await?;
        }
        let is_identity = ident("value")
            .in_list(vec![lit(id), lit(id.to_lowercase())], false)
            .and(ident("kind").not_eq(lit("conversation")));
        let table = "staged.customer_identities";
        for row in self.tables.rows_where(table, &["kind", "value"], is_identity).await? {
            if let Some(customer_id) = text(&row, "customer_id") {
                let subject = Subject::Customer(customer_id.to_owned());
                found.push(Found { subject, found_by: format!("{table}.value") });
            }
        }
        Ok(found)
    }

    async fn add(
        &self,
        found: &mut Vec<Found>,
        table: &str,
        column: &str,
        id: &str,
        names: &str,
    ) -> Result<()> {
        for row in self.tables.rows(table, column, &[id]).await? {
            let Some(named) = text(&row, names) else { continue };
            let subject = of_kind(names.trim_end_matches("_id"), named);
            found.push(Found { subject, found_by: format!("{table}.{column}") });
        }
        Ok(())
    }

    /// By an id of the target: the ledger knows what we made of it, the read-back what it holds.
    async fn in_target(&self, id: &str) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let kinds = KINDS.map(lit).to_vec();
        let is_made = ident("target_id").eq(lit(id)).and(ident("kind").in_list(kinds, false));
        let table = "ledger.records";
        for row in self.tables.rows_where(table, &["kind", "target_id"], is_made).await? {
            if let (Some(kind), Some(source_id)) = (text(&row, "kind"), text(&row, "source_id")) {
                let subject = of_kind(kind, source_id);
                found.push(Found { subject, found_by: format!("{table}.target_id") });
            }
        }
        for kind in KINDS {
            if found.iter().any(|found| found.subject.kind() == kind) {
                continue;
            }
            let table = format!("readback.{kind}s");
            for row in self.tables.rows(&table, "target_id", &[id]).await? {
                let subject = self.held(kind, text(&row, "external_id"), id).await?;
                found.push(Found { subject, found_by: format!("{table}.target_id") });
            }
        }
        Ok(found)
    }

    /// What a record of the target is on our side, when its external id says so.
    async fn held(
        &self,
        kind: &'static str,
        external_id: Option<&str>,
        id: &str,
    ) -> Result<Subject> {
        let foreign = Subject::Foreign { kind, target_id: id.to_owned() };
        let Some(external_id) = external_id else { return Ok(foreign) };
        let (table, column) = (format!("staged.{kind}s"), format!("{kind}_id"));
        let ours = self.tables.rows(&table, &column, &[external_id]).await?;
        Ok(if ours.is_empty() { foreign } else { of_kind(kind, external_id) })
    }

    /// By the last part of a message's id, which is unique in its conversation only.
    async fn by_fingerprint(&self, id: &str) -> Result<Vec<Found>> {
        if !id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            return Ok(Vec::new());
        }
        let ends = |column: &str| ident(column).like(lit(format!("%/{id}")));
        let table = "staged.messages";
        let rows = self.tables.rows_where(table, &["message_id"], ends("message_id")).await?;
        let staged = rows.iter().filter_map(|row| text(row, "message_id"));
        let found: Vec<Found> = staged
            .map(|id| Found {
                subject: Subject::Message(id.to_owned()),
                found_by: format!("the end of {table}.message_id"),
            })
            .collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let is_message = ends("source_key").and(ident("stream").eq(lit("messages")));
        let table = "staged.fates";
        let rows = self.tables.rows_where(table, &["stream", "source_key"], is_message).await?;
        Ok(rows
            .iter()
            .filter_map(|row| record_of(row, "the end of staged.fates.source_key"))
            .collect())
    }

    /// By our id of something that was loaded and is staged no longer, because the source has
    /// deleted it since.
    async fn replayed(&self, id: &str) -> Result<Vec<Found>> {
        let kinds = KINDS.map(lit).to_vec();
        let is_made = ident("source_id").eq(lit(id)).and(ident("kind").in_list(kinds, false));
        let table = "ledger.records";
        let rows = self.tables.rows_where(table, &["kind", "source_id"], is_made).await?;
        let found_by = format!("{table}.source_id");
        let kinds = rows.iter().filter_map(|row| text(row, "kind"));
        Ok(kinds
            .map(|kind| Found { subject: of_kind(kind, id), found_by: found_by.clone() })
            .collect())
    }

    /// By the key of a record that has no staged row of its own.
    async fn judged(&self, id: &str) -> Result<Vec<Found>> {
        let rows = self.tables.rows("staged.fates", "source_key", &[id]).await?;
        Ok(rows.iter().filter_map(|row| record_of(row, "staged.fates.source_key")).collect())
    }

    /// By the key of any landed record, also one that was deleted, or by stream and key.
    async fn in_landing(&self, id: &str) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        let mut look = |stream: &str, key: &str| {
            let subject = Subject::Record { stream: stream.to_owned(), key: key.to_owned() };
            found.push(Found { subject, found_by: format!("landing_all.{stream}.key") });
        };
        let named = id.split_once('/');
        let keys = named.map(|(_, key)| key.to_owned()).into_iter().chain([id.to_owned()]);
        let wanted = Wanted { keys: keys.collect(), ..Wanted::default() };
        for snapshot in &self.seen.snapshots {
            for stream in landing::snapshot::streams(self.warehouse, snapshot).await? {
                for record in locate(self.warehouse, snapshot, &stream, &wanted).await? {
                    let is_meant = record.key == id || named == Some((&stream, &record.key));
                    if is_meant {
                        look(&stream, &record.key);
                    }
                }
            }
        }
        Ok(found)
    }

    async fn unknown(&self, id: &str) -> Result<Fault> {
        let mut known = self.tables.texts("staged.tickets", "ticket_id").await?;
        known.extend(self.tables.texts("staged.actors", "actor_id").await?);
        if known.is_empty() {
            for stream in self.tables.names("landing") {
                known.extend(self.tables.texts(&format!("landing.{stream}"), "key").await?);
            }
        }
        if let Some((ticket_id, _)) = id.rsplit_once('/') {
            let rows = self.tables.rows("staged.messages", "ticket_id", &[ticket_id]).await?;
            let ids = rows.iter().filter_map(|row| text(row, "message_id"));
            known.extend(ids.map(str::to_owned));
        }
        let near = near::nearest(id, known.iter().map(String::as_str));
        // An address of a person is not repeated.
        let is_private = id.contains('@') || id.starts_with('+');
        let message = if is_private {
            "no record belongs to this address".to_owned()
        } else {
            format!("no record has the id {id:?}")
        };
        let hint = if near.is_empty() {
            format!("looked in {}", self.seen.in_words())
        } else {
            format!("nearest: {}; looked in {}", near.join(", "), self.seen.in_words())
        };
        Ok(Fault::config(message).hint(hint))
    }
}

/// A kind that was put before an id, and the id.
fn prefixed(typed: &str) -> (Option<&str>, &str) {
    match typed.split_once(':') {
        Some((kind, id)) if kind == "record" || KINDS.contains(&kind) => (Some(kind), id),
        _ => (None, typed),
    }
}

fn of_kind(kind: &str, id: &str) -> Subject {
    let id = id.to_owned();
    match kind {
        "ticket" => Subject::Ticket(id),
        "message" => Subject::Message(id),
        _ => Subject::Customer(id),
    }
}

fn record_of(row: &super::tables::Row, found_by: &str) -> Option<Found> {
    let stream = text(row, "stream")?.to_owned();
    let key = text(row, "source_key")?.to_owned();
    Some(Found { subject: Subject::Record { stream, key }, found_by: found_by.to_owned() })
}

fn ambiguous(id: &str, found: &[Found]) -> Fault {
    let is_repeated =
        |kind: &str| found.iter().filter(|found| found.subject.kind() == kind).count() > 1;
    let offered = found.iter().take(OFFERED_MAX).map(|found| {
        let (kind, own_id) = (found.subject.kind(), found.subject.id());
        if is_repeated(kind) { format!("{kind}:{own_id}") } else { format!("{kind}:{id}") }
    });
    let offered: Vec<String> = offered.collect();
    let more = found.len().saturating_sub(OFFERED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Fault::config(format!("{} records have this id", found.len()))
        .hint(format!("say which one: {}{more}", offered.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_may_stand_before_an_id_and_a_customer_id_is_none() {
        assert_eq!(prefixed("ticket:12"), (Some("ticket"), "12"));
        assert_eq!(prefixed("record:people/9"), (Some("record"), "people/9"));
        assert_eq!(prefixed("person:12"), (None, "person:12"));
        assert_eq!(prefixed("session:session_1"), (None, "session:session_1"));
    }

    #[test]
    fn one_id_of_two_kinds_is_told_apart_by_the_kind() {
        let found = |subject: Subject| Found { subject, found_by: String::new() };
        let two = [found(Subject::Ticket("a".into())), found(Subject::Message("a/1".into()))];
        let fault = ambiguous("77", &two);
        assert_eq!(fault.advice(), "say which one: ticket:77, message:77");
        let same = [found(Subject::Message("a/1".into())), found(Subject::Message("b/1".into()))];
        let fault = ambiguous("1", &same);
        assert_eq!(fault.advice(), "say which one: message:a/1, message:b/1");
    }
}
