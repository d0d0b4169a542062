//! The SQL models: which there are, what each is named, and what its header says of it.
//!
//! A model is one file with one SELECT. Where it lies says what it makes; its order among the
//! others is the business of the graph. A folder of the user's own is read in `models/own.rs`.

mod own;

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use kernel::{Fault, Result};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../sql");

/// A set of models.
#[derive(Debug, Clone)]
pub struct Models {
    files: BTreeMap<String, File>,
}

/// One file, by its name below `sql/`.
#[derive(Debug, Clone)]
struct File {
    sql: String,
    /// Its name in messages.
    shown: String,
    origin: Origin,
}

/// Whose a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It travels in the program.
    Ours,
    /// It is the user's, and there is none of that name in the program.
    Added,
    /// It is the user's and stands in place of ours.
    InPlace,
}

/// What a model belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// Reads what was landed from this platform.
    Source(String),
    /// Stands for every platform that has no model of this name.
    AnySource,
    /// Where sources meet.
    Staged,
    /// Rows shaped for this target.
    Plan(String),
    /// Staged rows against what the target says.
    Reconcile,
    /// Rows that break a claim about the layer of this name.
    Check(String),
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Model {
    /// Its file below `sql/`, whoever wrote it.
    pub(crate) file: String,
    /// Its file as messages name it.
    pub(crate) shown: String,
    /// What it belongs to.
    pub(crate) layer: Layer,
    /// Its table.
    pub(crate) name: String,
    /// Columns that no two rows share, from the header; none for a check.
    pub(crate) key: Vec<String>,
    /// The statement.
    pub(crate) sql: String,
    /// Files of the user's that stand in place of ours and that it reads.
    pub(crate) leans_on: Vec<String>,
}

impl Models {
    /// The models that travel in the program.
    pub fn embedded() -> Self {
        let mut files = Vec::new();
        collect(&EMBEDDED, &mut files);
        Self::from_files(files)
    }

    /// Models given as file names below `sql/` with their texts.
    pub fn from_files(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let none = Self { files: BTreeMap::new() };
        files.into_iter().fold(none, |models, (file, sql)| models.with(file, sql))
    }

    /// These models, with `file` added or in place of the one of that name.
    pub fn with(mut self, file: impl Into<String>, sql: impl Into<String>) -> Self {
        let file = file.into();
        let shown = format!("sql/{file}");
        self.files.insert(file, File { sql: sql.into(), shown, origin: Origin::Ours });
        self
    }

    /// Every file with its text, sorted by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(file, found)| (file.as_str(), found.sql.as_str()))
    }

    /// The models of the layers that `wanted` picks, sorted by file name.
    ///
    /// # Errors
    /// `FixData` for a file that lies where no model belongs, or that says no key.
    pub(crate) fn of(&self, wanted: impl Fn(&Layer) -> bool) -> Result<Vec<Model>> {
        let mut models = Vec::new();
        for (file, found) in &self.files {
            let (layer, name) = place_of(file, &found.shown)?;
            if !wanted(&layer) {
                continue;
            }
            let (shown, sql) = (found.shown.clone(), found.sql.clone());
            let key = key_of(&sql);
            if key.is_empty() && !matches!(layer, Layer::Check(_)) {
                return Err(Fault::data(format!("{shown} does not say its key")).hint(
                    "begin the model with lines like: -- grain: one row … and -- key: …_id",
                ));
            }
            let leans_on = self.replaced_in(&sql)?;
            models.push(Model { file: file.clone(), shown, layer, name, key, sql, leans_on });
        }
        Ok(models)
    }
}

fn collect(folder: &Dir<'static>, files: &mut Vec<(String, String)>) {
    for file in folder.files() {
        let name = file.path().to_string_lossy().replace('\\', "/");
        if let (true, Some(text)) = (name.ends_with(".sql"), file.contents_utf8()) {
            files.push((name, text.to_owned()));
        }
    }
    for inner in folder.dirs() {
        collect(inner, files);
    }
}

/// The layer and the table of a file, which messages call `shown`.
fn place_of(file: &str, shown: &str) -> Result<(Layer, String)> {
    let parts: Vec<&str> = file.trim_end_matches(".sql").split('/').collect();
    let (layer, name) = match parts[..] {
        ["1_source", name] => (Layer::AnySource, name),
        ["1_source", platform, name] => (Layer::Source(platform.to_owned()), name),
        ["2_staged", name] => (Layer::Staged, name),
        ["3_plan", target, name] => (Layer::Plan(target.to_owned()), name),
        ["4_reconcile", name] => (Layer::Reconcile, name),
        ["checks", layer @ ("staged" | "plan" | "reconcile"), name] => {
            (Layer::Check(layer.to_owned()), name)
        }
        _ => {
            return Err(Fault::data(format!("{shown} belongs to no layer")).hint(
                "models lie in 1_source, 1_source/<platform>, 2_staged, 3_plan/<target> and \
                 4_reconcile, \
                 checks in checks/staged, checks/plan and checks/reconcile",
            ));
        }
    };
    let is_plain = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(is_plain) {
        return Ok((layer, name.to_owned()));
    }
    Err(Fault::data(format!("{shown} has a name that no table can have"))
        .hint("a model is named with lower-case letters, digits and _, and begins with a letter"))
}

/// The first line, from 1, of a statement that names a table, comments apart.
pub(crate) fn line_of(sql: &str, table: &str) -> Option<usize> {
    let is_inside = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let names = |line: &str| {
        line.match_indices(table).any(|(start, _)| {
            let (before, after) = (&line[..start], &line[start + table.len()..]);
            !before.ends_with(is_inside)
                && !after.starts_with(|next| is_inside(next) && next != '.')
        })
    };
    let is_comment = |line: &str| line.trim_start().starts_with("--");
    sql.lines().position(|line| !is_comment(line) && names(line)).map(|place| place + 1)
}

fn key_of(sql: &str) -> Vec<String> {
    let mut header = sql.lines().take_while(|line| line.starts_with("--"));
    let key = header.find_map(|line| line.trim_start_matches('-').trim().strip_prefix("key:"));
    let columns = key.unwrap_or("").split(',').map(str::trim);
    columns.filter(|column| !column.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_says_its_grain_and_ends_in_the_order_of_its_key() {
        let models = Models::embedded().of(|_| true).expect("every file is in its place");
        assert!(models.len() > 50, "the SQL is in the program");
        for model in models {
            let header = model.sql.lines().next().unwrap_or("");
            if matches!(model.layer, Layer::Check(_)) {
                assert!(header.starts_with("-- claim: "), "{}", model.file);
                assert!(model.sql.contains("order by"), "{}", model.file);
                continue;
            }
            assert!(header.starts_with("-- grain: one row per "), "{}", model.file);
            let last = model.sql.trim_end().lines().last().unwrap_or("");
            let by_key = format!("select * from final order by {}", model.key.join(", "));
            let is_by_place = model.file == "2_staged/messages.sql"
                && last == "select * from final order by conversation_id, place";
            assert!(last == by_key || is_by_place, "{}: {last}", model.file);
        }
    }

    #[test]
    fn the_sql_keeps_its_style() {
        for (file, sql) in Models::embedded().files() {
            for (place, line) in sql.lines().enumerate() {
                let place = format!("sql/{file}:{}", place + 1);
                assert!(line.chars().count() <= 100, "{place} is too long");
                assert!(!line.contains('\t') && line == line.trim_end(), "{place} has odd spaces");
                let is_inner =
                    line.contains("select *") && !line.starts_with("select * from final");
                assert!(!is_inner, "{place} selects everything in between");
            }
        }
    }

    #[test]
    fn a_file_outside_every_layer_or_without_a_key_is_refused() {
        for (file, sql, part) in [
            ("notes.sql", "select 1", "belongs to no layer"),
            ("2_staged/a.sql", "select 1", "does not say its key"),
        ] {
            let models = Models::from_files([(file.to_owned(), sql.to_owned())]);
            let fault = models.of(|_| true).expect_err(file);
            assert!(fault.to_string().contains(part), "{fault}");
        }
    }
}
