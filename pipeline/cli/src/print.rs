//! What people and programs read: data on stdout in the form they asked for, talk on stderr.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use audit::Text;
use kernel::{Fault, Result};

use crate::arguments::Format;

/// Prints a line for people. A closed stderr is no reason to fail.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a heading for people.
pub(crate) fn heading(text: &str) {
    talk(&format!("\n== {text}"));
}

/// Prints a table of texts, its first row being the header.
pub(crate) fn rows(format: Format, header: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let text = match format {
        Format::Table => grid(header, rows),
        Format::Json => {
            let object = |row: &Vec<String>| {
                let fields = header.iter().zip(row);
                let fields = fields.map(|(name, value)| ((*name).to_owned(), typed(value)));
                serde_json::Value::Object(fields.collect()).to_string() + "\n"
            };
            rows.iter().map(object).collect()
        }
        Format::Csv => {
            let line = |cells: Vec<String>| {
                let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
                cells.join(",") + "\n"
            };
            let head = line(header.iter().map(|name| (*name).to_owned()).collect());
            head + &rows.iter().cloned().map(line).collect::<String>()
        }
    };
    data(&text)
}

/// Prints the answer to a question.
pub(crate) fn batches(format: Format, batches: &[RecordBatch]) -> Result<()> {
    let text = match format {
        Format::Table => {
            let table = pretty_format_batches(batches)
                .map_err(|error| Fault::bug("the answer cannot be shown").because(error))?;
            format!("{table}\n")
        }
        Format::Json => audit::as_text(batches, Text::JsonLines)?,
        Format::Csv => audit::as_text(batches, Text::Csv)?,
    };
    data(&text)
}

/// Prints data. Whoever reads it may stop reading.
pub(crate) fn data(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::config("nothing can be written to stdout").because(error))
        }
        _ => Ok(()),
    }
}

/// Columns padded to their widest cell, numbers to the right.
fn grid(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let is_number = |column: usize| {
        !rows.is_empty() && rows.iter().all(|row| row[column].parse::<f64>().is_ok())
    };
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if is_number(column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
    let mut text = line(header.to_vec()) + &rule + "\n";
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text
}

fn typed(value: &str) -> serde_json::Value {
    value.parse::<u64>().map_or_else(|_| value.into(), serde_json::Value::from)
}

fn csv_cell(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_words_to_the_left() {
        let rows =
            [vec!["tickets".to_owned(), "7".to_owned()], vec!["x".to_owned(), "1200".to_owned()]];
        let text = grid(&["table", "rows"], &rows);
        assert_eq!(text, "table    rows\n-------  ----\ntickets     7\nx        1200\n");
    }

    #[test]
    fn a_cell_with_a_comma_is_quoted() {
        assert_eq!(csv_cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
