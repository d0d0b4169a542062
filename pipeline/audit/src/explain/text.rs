//! An explanation as a person reads it: five steps, each with where it can be looked up.
//!
//! Texts that people wrote are cut to a few words here; the whole of them is in the JSON.

use std::fmt::Write;

use serde_json::Value;

use super::Explanation;
use super::received::{LandedFile, Received, Version};
use super::replay::Difference;
use super::rules::{AppliedRule, Fate};
use super::tables::{Row, is_true, number, text};

/// Characters of a text that are shown.
const SHOWN_CHARS: usize = 80;
/// Messages, tickets or losses of a kind that are listed; the rest is counted.
const LISTED_MAX: usize = 40;
/// Width of the names of facts.
const NAME_CHARS: usize = 14;

/// The explanation as text.
pub(super) fn in_words(explanation: &Explanation) -> String {
    let mut page = Page::default();
    page.line(0, &format!("{} {}", explanation.kind, explanation.id));
    let found = match explanation.asked == explanation.id {
        true => format!("found by {}", explanation.found_by),
        false => format!("asked for as {}, found by {}", explanation.asked, explanation.found_by),
    };
    page.line(1, &found);
    page.line(1, &format!("seen: {}", explanation.seen.in_words()));
    page.received(explanation);
    page.rules(explanation);
    page.staged(explanation);
    page.replay(explanation);
    page.target(explanation);
    if !explanation.notes.is_empty() {
        page.heading("Notes");
        explanation.notes.iter().for_each(|note| page.line(1, note));
    }
    page.text
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "{:indent$}{text}", "", indent = 2 * depth);
    }

    fn heading(&mut self, text: &str) {
        self.text.push('\n');
        self.line(0, text);
    }

    fn fact(&mut self, depth: usize, name: &str, value: &str) {
        self.line(depth, &format!("{name:<NAME_CHARS$}{value}"));
    }

    fn received(&mut self, explanation: &Explanation) {
        self.heading("1. What was received");
        if explanation.received.is_empty() {
            self.line(1, "nothing");
        }
        explanation.received.iter().for_each(|record| self.record(record));
        explanation.files.iter().for_each(|file| self.file(file));
    }

    fn record(&mut self, record: &Received) {
        let parent = record.parent_key.as_ref().filter(|parent| **parent != record.key);
        let parent = parent.map(|parent| format!(", asked for because of {parent}"));
        let parent = parent.unwrap_or_default();
        self.line(1, &format!("{} {}{parent}", record.stream, record.key));
        let count = record.versions.len();
        for (place, version) in record.versions.iter().enumerate() {
            let place = format!("version {} of {count}, {}", place + 1, version.standing);
            let change = version.change.as_deref();
            let change = change.map_or(String::new(), |change| format!(" ({change})"));
            self.line(2, &format!("{place}: {}{change}", version.snapshot));
            self.version(3, version);
        }
        for gone in &record.deletions {
            let words = format!("{} in {}: {}", gone.noticed_at, gone.snapshot, gone.reason);
            self.fact(2, "gone", &words);
        }
    }

    fn version(&mut self, depth: usize, version: &Version) {
        let (row, group) = (version.row, version.row_group);
        let place = format!("row {row} (row group {group}, row {} of it)", version.row_in_group);
        self.fact(depth, "file", &format!("{}, {place}", version.file));
        if let Some(sealed) = &version.file_sha256 {
            self.fact(depth, "file sealed", &format!("sha256 {sealed}"));
        }
        let verdict = match version.matches {
            true => "matches".to_owned(),
            false => format!("DOES NOT MATCH, noted as {}", version.noted_sha256),
        };
        let bytes = format!("{} bytes, sha256 {}, {verdict}", version.bytes, version.sha256);
        self.fact(depth, "record", &bytes);
        let Some(exchange) = &version.exchange else {
            self.fact(depth, "exchange", "its row is missing");
            return;
        };
        let place =
            format!("record {} of the reply, from byte {}", version.ordinal, version.offset);
        self.fact(depth, "place", &place);
        let call = format!(
            "{} {} {} → {}, {}, try {}",
            exchange.exchange_id,
            exchange.method,
            exchange.url,
            exchange.status,
            exchange.ended_at,
            exchange.attempt
        );
        self.fact(depth, "exchange", &call);
        let verdict = if exchange.body_matches { "comes back whole" } else { "DOES NOT COME BACK" };
        let body =
            format!("{} bytes, sha256 {}, {verdict}", exchange.body_bytes, exchange.body_sha256);
        self.fact(depth, "body", &body);
    }

    fn file(&mut self, file: &LandedFile) {
        self.line(1, &format!("file {}", file.name.as_deref().unwrap_or("without a name")));
        self.fact(2, "address", &file.url);
        self.fact(2, "message", &file.message_id);
        match (&file.sha256, &file.noted_sha256) {
            (Some(found), Some(noted)) => {
                let verdict = if file.matches { "matches" } else { "DOES NOT MATCH" };
                self.fact(2, "file", file.file.as_deref().unwrap_or_default());
                let bytes = file.bytes.unwrap_or_default();
                self.fact(2, "bytes", &format!("{bytes} bytes, sha256 {found}, {verdict}"));
                if !file.matches {
                    self.fact(2, "noted", noted);
                }
            }
            (None, Some(noted)) => self.fact(2, "bytes", &format!("MISSING, noted as {noted}")),
            _ => {
                let reason = file.reason.as_deref().unwrap_or("never asked for");
                self.fact(2, "bytes", &format!("none: {reason}"));
            }
        }
        if let (Some(id), Some(snapshot)) = (file.exchange_id, &file.snapshot) {
            self.fact(2, "exchange", &format!("{id} of {snapshot}"));
        }
    }

    fn rules(&mut self, explanation: &Explanation) {
        self.heading("2. What became of it, and by which rules");
        explanation.fates.iter().for_each(|fate| self.fate(fate));
        if explanation.fates.is_empty() {
            self.line(1, "no landed record was judged");
        }
        let (mut listed, mut left_out) = (0, 0);
        for rule in &explanation.rules {
            // Of what belongs to a ticket, a few stand for all.
            if rule.source_id.is_some() && rule.about == "loss" {
                listed += 1;
                if listed > LISTED_MAX {
                    left_out += 1;
                    continue;
                }
            }
            self.rule(rule);
        }
        if left_out > 0 {
            self.line(1, &format!("and {left_out} more losses of its messages"));
        }
    }

    fn fate(&mut self, fate: &Fate) {
        let rule = fate.rule.as_deref().map(|rule| format!(", rule {rule}")).unwrap_or_default();
        self.line(1, &format!("{} {}: {}{rule}", fate.stream, fate.source_key, fate.fate));
        if let Some(meaning) = &fate.meaning {
            self.line(2, meaning);
        }
        if let Some(made_by) = &fate.made_by {
            self.line(2, made_by);
        }
        let is_apart = has_no_row(fate);
        if let Some(ticket_id) = fate.ticket_id.as_ref().filter(|_| is_apart) {
            self.line(2, &format!("of ticket {ticket_id}"));
        }
        if let Some(offending) = &fate.offending {
            self.line(2, &format!("its text: {}", words(offending)));
        }
    }

    fn rule(&mut self, rule: &AppliedRule) {
        let value = rule.value.as_deref().map(|value| format!(" {}", words(value)));
        let about = format!("{}{}", rule.about, value.unwrap_or_default());
        let of = rule.source_id.as_deref().map(|id| format!(", {id}")).unwrap_or_default();
        self.line(1, &format!("{about}: rule {}{of}", rule.rule));
        if rule.meaning != rule.rule {
            self.line(2, &rule.meaning);
        }
        if let Some(detail) = &rule.detail {
            self.line(2, &words(detail));
        }
        if let Some(survives_in) = &rule.survives_in {
            self.line(2, &format!("the original survives in {survives_in}"));
        }
        self.line(2, rule.made_by.as_deref().unwrap_or(&rule.table));
    }

    fn staged(&mut self, explanation: &Explanation) {
        self.heading("3. What it was staged as");
        if explanation.staged.is_empty() {
            self.line(1, "no row of its own");
        }
        let own = format!("staged.{}s", explanation.kind);
        if let Some(row) = explanation.staged.get(&own).and_then(|rows| rows.first()) {
            self.table(explanation, &own);
            self.cells(row);
        }
        for (table, rows) in &explanation.staged {
            let rest = if *table == own { &rows[1..] } else { &rows[..] };
            // Files, identities and tags were told of in the steps before.
            let is_told = ["attachments", "customer_identities", "ticket_tags"]
                .iter()
                .any(|name| table.ends_with(name));
            if rest.is_empty() || is_told {
                continue;
            }
            self.table(explanation, table);
            rest.iter().take(LISTED_MAX).for_each(|row| self.short(row));
            if rest.len() > LISTED_MAX {
                self.line(2, &format!("and {} more", rest.len() - LISTED_MAX));
            }
        }
    }

    fn table(&mut self, explanation: &Explanation, table: &str) {
        let made_by = explanation.made_by.get(table);
        let made_by = made_by.map(|file| format!(" ({file})")).unwrap_or_default();
        self.line(1, &format!("{table}{made_by}"));
    }

    /// Every cell that says something.
    fn cells(&mut self, row: &Row) {
        let width = row.keys().map(String::len).max().unwrap_or(0) + 2;
        for (name, value) in row.iter().filter(|(_, value)| says_something(value)) {
            self.line(2, &format!("{name:<width$}{}", cell(value)));
        }
    }

    /// A row of a list, in one line.
    fn short(&mut self, row: &Row) {
        let line = if row.contains_key("body_text") {
            let place = number(row, "position").unwrap_or_default();
            let at = text(row, "sent_at").unwrap_or_default();
            let author = text(row, "author_name").or(text(row, "author_type")).unwrap_or("nobody");
            let direction = text(row, "direction").or(text(row, "channel")).unwrap_or_default();
            let said = words(text(row, "body_text").unwrap_or_default());
            match text(row, "message_id") {
                Some(_) => format!("{place:>4}  {at}  {direction:<8}  {author}: {said}"),
                None => format!("{at}  {direction:<13}  {said}"),
            }
        } else {
            let wanted = [
                "ticket_id",
                "message_id",
                "part",
                "actor_id",
                "customer_id",
                "agent_id",
                "name",
                "email",
                "email_rule",
                "state",
                "status",
                "created_at",
                "at",
                "subject",
                "slug",
                "stream",
                "source_key",
                "rule",
                "value",
            ];
            let cells = wanted.iter().filter_map(|name| row.get(*name));
            let cells: Vec<String> = cells.filter(|cell| says_something(cell)).map(cell).collect();
            cells.join("  ")
        };
        self.line(2, &line);
    }

    fn replay(&mut self, explanation: &Explanation) {
        self.heading("4. What was planned, and the calls that were made");
        if explanation.plan.is_empty() {
            self.line(1, "it is not in the plan");
        }
        for (table, rows) in &explanation.plan {
            self.table(explanation, table);
            match (table.as_str(), rows.first()) {
                ("plan.messages", Some(row)) if explanation.kind == "message" => {
                    self.cells(row);
                    self.line(2, carried_by(row));
                }
                ("plan.messages", _) => {
                    let with = rows.iter().filter(|row| is_true(row, "in_create")).count();
                    let apart = rows.len() - with;
                    self.line(2, &format!("messages in the call that creates it: {with}"));
                    self.line(2, &format!("messages appended, each by a call of its own: {apart}"));
                }
                (_, Some(row)) if table == &format!("plan.{}s", explanation.kind) => {
                    self.cells(row);
                }
                _ => rows.iter().for_each(|row| self.short(row)),
            }
        }
        if !explanation.ledger.is_empty() {
            self.line(1, "ledger");
        }
        for entry in &explanation.ledger {
            let target = entry.target_id.as_deref().map(|id| format!(", target id {id}"));
            let detail = entry.detail.as_deref().map(|detail| format!(": {detail}"));
            self.line(
                2,
                &format!(
                    "{}  {} {}{}{}",
                    entry.at,
                    entry.kind,
                    entry.state,
                    target.unwrap_or_default(),
                    detail.unwrap_or_default()
                ),
            );
        }
    }

    fn target(&mut self, explanation: &Explanation) {
        self.heading("5. What the target holds");
        let target = &explanation.target;
        if target.rows.is_empty() {
            self.line(1, "nothing that was read back");
        }
        let own = format!("readback.{}s", explanation.kind);
        for (table, rows) in &target.rows {
            self.table(explanation, table);
            if *table == own {
                rows.iter().for_each(|row| self.cells(row));
            } else {
                rows.iter().take(LISTED_MAX).for_each(|row| self.short(row));
            }
        }
        if let Some(version) = &target.received {
            self.line(1, &format!("as it was read back: {}", version.snapshot));
            self.version(2, version);
        }
        let is_compared = !target.rows.is_empty();
        if is_compared && explanation.differences.is_empty() {
            self.line(1, "no difference between staged and target");
        }
        explanation.differences.iter().for_each(|difference| self.difference(difference));
    }

    fn difference(&mut self, difference: &Difference) {
        let Difference { table, source_id, field, verdict, .. } = difference;
        let rule = difference.rule.as_deref().map(|rule| format!(" {rule}")).unwrap_or_default();
        self.line(1, &format!("{table} {source_id}, {field}: {verdict}{rule}"));
        self.fact(2, "staged", &words(difference.expected.as_deref().unwrap_or("nothing")));
        self.fact(2, "target", &words(difference.found.as_deref().unwrap_or("nothing")));
        let meaning =
            difference.meaning.as_ref().filter(|text| difference.rule.as_ref() != Some(text));
        meaning.into_iter().chain(&difference.made_by).for_each(|text| self.line(2, text));
    }
}

/// A record that has no staged row; one that has says there which ticket it belongs to.
fn has_no_row(fate: &Fate) -> bool {
    fate.fate != "staged"
}

fn carried_by(row: &Row) -> &'static str {
    if is_true(row, "in_create") {
        "it goes with the call that creates its ticket"
    } else {
        "it is appended by a call of its own"
    }
}

fn says_something(value: &Value) -> bool {
    !matches!(value, Value::Null) && value.as_str() != Some("")
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => words(text),
        other => other.to_string(),
    }
}

/// A text in one line of a few words.
fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_on_a_character_and_stands_in_one_line() {
        assert_eq!(words("a\n  b"), "a b");
        let long = "é".repeat(200);
        assert_eq!(words(&long), format!("{}…", "é".repeat(80)));
        assert_eq!(words(&"x".repeat(80)), "x".repeat(80));
    }
}
