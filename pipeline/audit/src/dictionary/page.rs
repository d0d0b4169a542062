//! The dictionary as one page of Markdown, which is `docs/data-dictionary.md`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Column, Table};

const INTRODUCTION: &str = "\
# Data dictionary

Every time is UTC with microseconds. Texts are UTF-8. Types are named as Postgres names them. \"From\"
names the stream and the field of the source.

This page is written by `deskferry query --describe --markdown`, from the headers of the models in
`sql/` and from the built tables; `make bless` writes it anew. `deskferry query --describe` shows the
same of your own warehouse, with rows, and `deskferry query --describe tickets` one table, with how
often each column is null.

Ids: a ticket's id is Crisp's `session_id`, and for the parts of a conversation that was split
`<session_id>/2`, `/3` …; a message's id is `<session_id>/<fingerprint>`; a customer's id begins with
`person:` (a profile) or `session:` (somebody who never had one). The same ids are the `external_id` in
the target.
";

/// Schemas in the order of the page, each with what it holds.
const SCHEMAS: &[(&str, &str)] = &[
    ("landing", "what was received"),
    ("staged", "what it means"),
    ("source", "what was received, as columns"),
    ("plan", "what is replayed"),
    ("ledger", "what happened on the way"),
    ("readback", "what the target holds"),
    ("reconcile", "how both compare"),
    ("losses", "what was cut, changed or left out, in every stage"),
    ("quarantine", "what cannot be understood"),
    ("coverage", "which fields occurred, and what became of them"),
    ("config", "the decisions"),
];

/// Landed tables that are described one by one; all streams have the same columns.
const INNER: [&str; 4] =
    ["landing.exchanges", "landing.downloads", "landing.deletions", "landing.texts"];

/// The page that describes these tables.
pub fn markdown(tables: &[Table]) -> String {
    let mut page = INTRODUCTION.to_owned();
    for (schema, holds) in SCHEMAS {
        let prefix = format!("{schema}.");
        let own: Vec<&Table> =
            tables.iter().filter(|table| table.table.starts_with(&prefix)).collect();
        if own.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {schema}: {holds}\n");
        match *schema {
            "landing" => landed(&mut page, &own),
            "source" | "readback" => own.iter().for_each(|table| in_short(&mut page, table)),
            _ => own.iter().for_each(|table| in_full(&mut page, &table.table, table)),
        }
    }
    page
}

fn landed(page: &mut String, tables: &[&Table]) {
    let streams: Vec<&&Table> =
        tables.iter().filter(|table| !INNER.contains(&table.table.as_str())).collect();
    if let Some(table) = streams.first() {
        in_full(page, "landing.<stream>", table);
        let names: BTreeSet<&str> = streams
            .iter()
            .filter_map(|table| table.table.split_once('.'))
            .map(|(_, stream)| stream)
            .collect();
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, "\nStreams of the demo: {}.\n", names.join(", "));
    }
    for table in tables.iter().filter(|table| INNER.contains(&table.table.as_str())) {
        in_full(page, &table.table, table);
    }
}

fn in_full(page: &mut String, name: &str, table: &Table) {
    let _ = write!(page, "\n### {name}\n");
    said(page, table);
    let has_from = table.columns.iter().any(|column| !column.from.is_empty());
    page.push_str(if has_from {
        "\n| Column | Type | Meaning | From |\n| --- | --- | --- | --- |\n"
    } else {
        "\n| Column | Type | Meaning |\n| --- | --- | --- |\n"
    });
    for Column { column, r#type, meaning, from, .. } in &table.columns {
        let from = if from.is_empty() { String::new() } else { format!("`{from}`") };
        let last = if has_from { format!(" {} |", escaped(&from)) } else { String::new() };
        let _ = writeln!(page, "| `{column}` | {} | {} |{last}", r#type, escaped(meaning));
    }
}

fn in_short(page: &mut String, table: &Table) {
    let _ = write!(page, "\n### {}\n", table.table);
    said(page, table);
    let columns = table.columns.iter();
    let columns = columns.map(|column| format!("`{}` {}", column.column, column.r#type));
    let _ = write!(page, "\n{}.\n", columns.collect::<Vec<_>>().join(", "));
}

fn said(page: &mut String, table: &Table) {
    if !table.grain.is_empty() {
        let mut letters = table.grain.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string());
        let grain = first.unwrap_or_default() + letters.as_str();
        let key = table.key.split(", ").map(|key| format!("`{key}`")).collect::<Vec<_>>();
        let key = match table.key.is_empty() {
            true => String::new(),
            false => format!(" Key: {}.", key.join(", ")),
        };
        let _ = write!(page, "\n{grain}.{key}\n");
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
