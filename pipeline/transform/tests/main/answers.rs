//! Answers as lines of text, for tests that compare them.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;

/// The rows of an answer, cells apart by ` | `, without the frame and the names of the columns.
pub fn lines(rows: &[RecordBatch]) -> Vec<String> {
    let table = pretty_format_batches(rows).expect("rows can be shown").to_string();
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = |line: &str| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        cells.collect::<Vec<_>>().join(" | ")
    };
    rows.map(cells).collect()
}
