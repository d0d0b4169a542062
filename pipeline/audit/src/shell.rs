//! The shell without its terminal: a line of text goes in, what is to be shown comes out.
//!
//! It owns statements that span lines and the commands that begin with a backslash. It reads no
//! key and prints nothing.

mod statements;

use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use kernel::{Fault, Result};
use transform::{Models, Scope};

use crate::dictionary::{self, Table};
use crate::question::Sight;
use statements::{Taken, take};

const HELP: &str = "\
A statement ends with ; and may span lines. Only statements that read are run.
  \\d              tables of the schema staged, or of all: \\d *.*
  \\d NAME         columns of a table: \\d tickets, \\d plan.messages
  \\dt PATTERN     tables that match: \\dt landing.*
  \\dn             schemas
  \\l              the catalog
  \\x              rows as columns, on and off
  \\timing         how long each statement took, on and off
  \\q              leave, as Ctrl-D does; Ctrl-C drops what was typed
";

/// What a line led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Goes to stdout.
    pub data: String,
    /// Goes to stderr.
    pub talk: String,
    /// Whether the shell is left.
    pub is_over: bool,
}

/// A shell.
pub struct Shell {
    sight: Sight,
    models: Models,
    session: SessionContext,
    seen: (Scope, usize),
    pending: String,
    is_expanded: bool,
    is_timed: bool,
}

impl Shell {
    /// A shell over what is seen.
    ///
    /// # Errors
    /// When the warehouse cannot be read.
    pub async fn open(sight: Sight, models: Models) -> Result<Self> {
        let scope = sight.scope().await?;
        let written = sight.written(&scope).await?;
        let session = transform::catalog(&sight.warehouse, &scope).await?;
        Ok(Self {
            sight,
            models,
            session,
            seen: (scope, written),
            pending: String::new(),
            is_expanded: false,
            is_timed: false,
        })
    }

    /// What is shown before the next line.
    pub fn prompt(&self) -> &'static str {
        if self.pending.trim().is_empty() { "deskferry=> " } else { "deskferry-> " }
    }

    /// Drops what was typed of an unfinished statement.
    pub fn drop_line(&mut self) {
        self.pending.clear();
    }

    /// Takes a line. A statement that fails is shown and does not end the shell.
    pub async fn line(&mut self, line: &str) -> Shown {
        let mut shown = Shown::default();
        if self.pending.trim().is_empty() && line.trim_start().starts_with('\\') {
            self.pending.clear();
            match self.command(line.trim()).await {
                Ok(done) => shown = done,
                Err(fault) => shown.talk = spelled(&fault),
            }
            return shown;
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        let Taken { statements, rest } = take(&self.pending);
        self.pending = rest;
        for statement in statements {
            match self.answer(&statement, &mut shown.talk).await {
                Ok(text) => shown.data.push_str(&text),
                Err(fault) => shown.talk.push_str(&spelled(&fault)),
            }
        }
        shown
    }

    async fn answer(&mut self, sql: &str, talk: &mut String) -> Result<String> {
        let began = Instant::now();
        self.look_again().await?;
        let rows = transform::select(&self.session, sql).await?;
        if self.is_timed {
            let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
            talk.push_str(&format!("time: {took_ms:.1} ms\n"));
        }
        if self.is_expanded { expanded(&rows) } else { as_table(&rows) }
    }

    /// A build or a run that was made meanwhile is seen.
    async fn look_again(&mut self) -> Result<()> {
        let scope = self.sight.scope().await?;
        let written = self.sight.written(&scope).await?;
        if self.seen != (scope.clone(), written) {
            self.session = transform::catalog(&self.sight.warehouse, &scope).await?;
            self.seen = (scope, written);
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> Result<Shown> {
        let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = argument.trim().trim_end_matches(';').trim();
        let mut shown = Shown::default();
        match word {
            "\\q" => shown.is_over = true,
            "\\?" | "\\h" => shown.data = HELP.to_owned(),
            "\\x" => {
                self.is_expanded = !self.is_expanded;
                shown.talk = format!("rows as columns: {}\n", on_or_off(self.is_expanded));
            }
            "\\timing" => {
                self.is_timed = !self.is_timed;
                shown.talk = format!("timing: {}\n", on_or_off(self.is_timed));
            }
            "\\l" => shown.data = grid(&["catalog"], &[vec!["deskferry".to_owned()]]),
            "\\dn" => shown.data = self.schemas().await?,
            "\\d" | "\\d+" if !argument.is_empty() && !argument.contains('*') => {
                self.look_again().await?;
                let table = dictionary::describe(&self.session, &self.models, argument).await?;
                shown.data = columns_of(&table);
            }
            "\\d" | "\\d+" | "\\dt" | "\\dt+" => shown.data = self.tables(argument).await?,
            _ => {
                return Err(Fault::config(format!("there is no command {word}"))
                    .hint("\\? lists the commands"));
            }
        }
        Ok(shown)
    }

    async fn schemas(&mut self) -> Result<String> {
        self.look_again().await?;
        let sql = "select table_schema as \"schema\", count(*) as \"tables\" \
                   from information_schema.tables group by table_schema order by table_schema";
        as_table(&transform::select(&self.session, sql).await?)
    }

    async fn tables(&mut self, pattern: &str) -> Result<String> {
        self.look_again().await?;
        let pattern = match pattern {
            "" => "staged.*".to_owned(),
            named if named.contains('.') => named.to_owned(),
            bare => format!("staged.{bare}"),
        };
        let tables = dictionary::describe_all(&self.session, &self.models).await?;
        let found = tables.iter().filter(|table| matches(&table.table, &pattern));
        let rows = found
            .map(|table| vec![table.table.clone(), table.rows.to_string(), table.grain.clone()]);
        let rows: Vec<Vec<String>> = rows.collect();
        if rows.is_empty() {
            return Err(Fault::config(format!("no table matches {pattern}"))
                .hint("\\dn lists the schemas, \\dt *.* every table"));
        }
        Ok(grid(&["table", "rows", "one row is"], &rows))
    }
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let mut ends = name.char_indices().map(|(place, _)| place).chain([name.len()]);
            ends.any(|place| matches(&name[place..], rest))
        }),
    }
}

fn on_or_off(is_on: bool) -> &'static str {
    if is_on { "on" } else { "off" }
}

fn spelled(fault: &Fault) -> String {
    let mut text = format!("error: {fault}");
    let mut cause = std::error::Error::source(fault);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    format!("{text}\nhint: {}\n", fault.advice())
}

fn columns_of(table: &Table) -> String {
    let rows: Vec<Vec<String>> = table
        .columns
        .iter()
        .map(|column| {
            let nulls = column.nulls.map(|nulls| nulls.to_string()).unwrap_or_default();
            vec![
                column.column.clone(),
                column.r#type.clone(),
                nulls,
                column.meaning.clone(),
                column.from.clone(),
            ]
        })
        .collect();
    let head = format!("{}: {}, {} rows\n", table.table, table.grain, table.rows);
    head + &grid(&["column", "type", "nulls", "meaning", "from"], &rows)
}

fn counted(rows: &[RecordBatch]) -> String {
    let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
    format!("({count} {})\n", if count == 1 { "row" } else { "rows" })
}

fn as_table(rows: &[RecordBatch]) -> Result<String> {
    let table = pretty_format_batches(rows)
        .map_err(|error| Fault::bug("the answer cannot be shown").because(error))?;
    Ok(format!("{table}\n{}", counted(rows)))
}

/// Each row as lines of column and value.
fn expanded(rows: &[RecordBatch]) -> Result<String> {
    let unshown = |error| Fault::bug("the answer cannot be shown").because(error);
    let options = FormatOptions::new();
    let mut text = String::new();
    let mut number = 0;
    for batch in rows {
        let schema = batch.schema();
        let width = schema.fields().iter().map(|field| field.name().chars().count()).max();
        let width = width.unwrap_or(0);
        let columns = batch.columns().iter();
        let cells = columns.map(|column| ArrayFormatter::try_new(column, &options));
        let cells = cells.collect::<std::result::Result<Vec<_>, _>>().map_err(unshown)?;
        for row in 0..batch.num_rows() {
            number += 1;
            text.push_str(&format!("- row {number}\n"));
            for (field, cell) in schema.fields().iter().zip(&cells) {
                text.push_str(&format!("{:<width$} | {}\n", field.name(), cell.value(row)));
            }
        }
    }
    Ok(text + &counted(rows))
}

/// Texts in columns, without a border.
fn grid(header: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([header[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
    let rows = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    line(header.to_vec()) + &rule + "\n" + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use kernel::Mapping;
    use landing::Warehouse;

    use super::*;

    /// Types lines into a shell over an empty warehouse and shows what it says to each.
    async fn check(lines: &[&str], expected: &str) {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let sight = Sight { warehouse, run: None, mapping: Mapping::default(), platform: None };
        let mut shell = Shell::open(sight, Models::embedded()).await.expect("opens");
        let mut said = String::new();
        for line in lines {
            said.push_str(&format!("{}{line}\n", shell.prompt()));
            let shown = shell.line(line).await;
            said.push_str(&shown.data);
            said.push_str(&shown.talk);
            if shown.is_over {
                said.push_str("over\n");
            }
        }
        assert_eq!(said, expected);
    }

    #[tokio::test]
    async fn a_statement_may_span_lines_and_a_line_may_hold_two() {
        check(
            &["select 1", "  as one; select ';' as two;"],
            "deskferry=> select 1\n\
             deskferry->   as one; select ';' as two;\n\
             +-----+\n| one |\n+-----+\n| 1   |\n+-----+\n(1 row)\n\
             +-----+\n| two |\n+-----+\n| ;   |\n+-----+\n(1 row)\n",
        )
        .await;
    }

    #[tokio::test]
    async fn what_fails_or_would_write_is_said_and_does_not_end_the_shell() {
        check(
            &["drop table tickets;", "\\nothing", "\\x", "select 1 as one;", "\\q"],
            "deskferry=> drop table tickets;\n\
             error: only statements that read are run here\n\
             hint: SELECT, EXPLAIN, SHOW and DESCRIBE are; what was landed and staged never \
             changes\n\
             deskferry=> \\nothing\n\
             error: there is no command \\nothing\nhint: \\? lists the commands\n\
             deskferry=> \\x\nrows as columns: on\n\
             deskferry=> select 1 as one;\n- row 1\none | 1\n(1 row)\n\
             deskferry=> \\q\nover\n",
        )
        .await;
    }

    #[tokio::test]
    async fn tables_are_listed_by_pattern_and_a_slip_names_the_nearest() {
        check(
            &["\\dt config.*", "\\d landing.deletion"],
            "deskferry=> \\dt config.*\n\
             table           rows  one row is\n\
             --------------  ----  ----------------------------------------------------\n\
             config.mapping  1     one row, the decisions of `[mapping]` and `[filter]`\n\
             deskferry=> \\d landing.deletion\n\
             error: there is no table landing.deletion\n\
             hint: did you mean \"landing.deletions\"?\n",
        )
        .await;
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (name, pattern, fits) in [
            ("plan.tickets", "plan.*", true),
            ("plan.tickets", "*.*", true),
            ("plan.tickets", "*.tick*s", true),
            ("plan.tickets", "staged.*", false),
            ("plan.tickets", "plan.tickets", true),
        ] {
            assert_eq!(matches(name, pattern), fits, "{pattern}");
        }
    }
}
