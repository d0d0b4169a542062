//! The header of a model: grain, key and the meaning of each column, as comments above the SELECT.
//!
//! It knows text; whether the columns are really there is asked elsewhere.

/// What a header says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// What one row is.
    pub(super) grain: String,
    /// Columns that no two rows share.
    pub(super) key: String,
    /// The columns, in the order of the SELECT.
    pub(super) columns: Vec<Said>,
}

/// What is said about a column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Its name.
    pub(super) name: String,
    /// What it means, with its unit.
    pub(super) meaning: String,
    /// Fields of the source that it comes from.
    pub(super) from: String,
}

/// Reads the comments at the start of a model. A line that begins with two more spaces goes on
/// with the column above it; any other line that is not known ends that column.
pub(super) fn parse(sql: &str) -> Header {
    let mut header = Header::default();
    let mut columns: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in sql.lines().map_while(|line| line.strip_prefix("--")) {
        if let Some(more) = line.strip_prefix("   ").filter(|_| is_open) {
            if let Some((_, text)) = columns.last_mut() {
                text.push(' ');
                text.push_str(more.trim());
            }
            continue;
        }
        let line = line.trim();
        is_open = false;
        if let Some(grain) = line.strip_prefix("grain:") {
            header.grain = grain.trim().to_owned();
        } else if let Some(key) = line.strip_prefix("key:") {
            header.key = key.trim().to_owned();
        } else if let Some((name, text)) =
            line.strip_prefix("column ").and_then(|rest| rest.split_once(':'))
        {
            columns.push((name.trim().to_owned(), text.trim().to_owned()));
            is_open = true;
        }
    }
    header.columns = columns.into_iter().map(|(name, text)| said(name, &text)).collect();
    header
}

/// Takes the bracket at the end of a text apart from it.
fn said(name: String, text: &str) -> Said {
    let parts = text.strip_suffix(']').and_then(|text| text.rsplit_once('['));
    let (meaning, from) = parts.unwrap_or((text, ""));
    Said { name, meaning: meaning.trim().to_owned(), from: from.trim().to_owned() }
}

impl Header {
    /// Where the header and the columns of the table differ.
    pub(super) fn disagreements(&self, actual: &[&str]) -> Vec<String> {
        let said: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        if said.is_empty() {
            return vec!["its header says nothing about its columns".to_owned()];
        }
        let mut found = Vec::new();
        for name in actual.iter().filter(|name| !said.contains(name)) {
            found.push(format!("its header does not mention the column {name}"));
        }
        for name in said.iter().filter(|name| !actual.contains(name)) {
            found.push(format!("its header mentions the column {name}, which it does not have"));
        }
        if found.is_empty() && said != actual {
            found.push("its header has the columns in another order".to_owned());
        }
        let silent = self.columns.iter().filter(|column| column.meaning.is_empty());
        found.extend(silent.map(|column| format!("the column {} has no meaning", column.name)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "\
-- grain: one row per ticket
-- key: ticket_id
-- A remark.
-- column ticket_id: its id; parts after the first
--   end in /2, /3 … [conversations $.session_id,
--   people $.people_id]
-- column waited_s: seconds that somebody waited
-- Another remark.
--   which goes on.
with a as (select 1)
-- column no: this is no header
select 1";

    #[test]
    fn a_header_gives_grain_key_and_columns() {
        let header = parse(MODEL);
        assert_eq!((&*header.grain, &*header.key), ("one row per ticket", "ticket_id"));
        let columns = header.columns.iter();
        let columns: Vec<_> =
            columns.map(|said| (&*said.name, &*said.meaning, &*said.from)).collect();
        assert_eq!(
            columns,
            [
                (
                    "ticket_id",
                    "its id; parts after the first end in /2, /3 …",
                    "conversations $.session_id, people $.people_id"
                ),
                ("waited_s", "seconds that somebody waited", ""),
            ]
        );
    }

    #[test]
    fn a_header_that_does_not_fit_its_table_is_found() {
        let header = parse(MODEL);
        assert_eq!(header.disagreements(&["ticket_id", "waited_s"]), Vec::<String>::new());
        for (actual, part) in [
            (&["waited_s", "ticket_id"][..], "another order"),
            (&["ticket_id", "waited_s", "new"][..], "does not mention the column new"),
            (&["ticket_id"][..], "waited_s, which it does not have"),
        ] {
            let found = header.disagreements(actual);
            assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
        }
    }
}
