//! The order in which models are built, from the tables that each of them reads.
//!
//! It also holds the layers apart: who may read whom is the table in [`may_read`].

use std::collections::{BTreeMap, BTreeSet};

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast;
use kernel::{Fault, Result, nearest};

use crate::models::{Layer, Model, line_of};

/// Tables that are there without a model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Names as `schema.table`.
    pub(crate) tables: BTreeSet<String>,
}

/// The models in an order in which each comes after those that it reads. Models that do not read
/// each other keep the order of their file names.
///
/// # Errors
/// `FixData` for a cycle, a table that does not exist, a table that the model's layer must not
/// read, or a file that is not one SELECT; the message names the file and, if known, the line.
pub(crate) fn in_order(
    models: Vec<Model>,
    schema_of: impl Fn(&Layer) -> &'static str,
    known: &Known,
) -> Result<Vec<Model>> {
    let mut reads: BTreeMap<usize, Vec<(usize, String)>> = BTreeMap::new();
    let names: BTreeMap<String, usize> = models
        .iter()
        .enumerate()
        .filter(|(_, model)| !matches!(model.layer, Layer::Check(_)))
        .map(|(place, model)| (format!("{}.{}", schema_of(&model.layer), model.name), place))
        .collect();
    for (place, model) in models.iter().enumerate() {
        let mut wanted = Vec::new();
        for table in tables_of(model)? {
            check_layer(model, &table)?;
            match names.get(&table) {
                Some(other) => wanted.push((*other, table)),
                None if is_landed(&table) || known.tables.contains(&table) => {}
                None => return Err(unknown(model, &table, &names, known)),
            }
        }
        reads.insert(place, wanted);
    }
    let mut order = Vec::new();
    let mut state = vec![Visit::New; models.len()];
    for place in 0..models.len() {
        visit(place, &models, &reads, &mut state, &mut order, &mut Vec::new())?;
    }
    let mut models: Vec<Option<Model>> = models.into_iter().map(Some).collect();
    let taken = order.into_iter().map(|place| models[place].take());
    Ok(taken.map(|model| model.expect("each model is visited once")).collect())
}

/// The tables that a model reads, as `schema.table`, sorted.
///
/// # Errors
/// `FixData` when the file is not one SELECT, or names a table without its schema.
pub(crate) fn tables_of(model: &Model) -> Result<Vec<String>> {
    let unreadable = |error: DataFusionError| {
        let text = error.strip_backtrace();
        let line = line_in(&text).map_or(String::new(), |line| format!(":{line}"));
        let cause = std::io::Error::other(text);
        Fault::data(format!("{}{line} cannot be read", model.shown)).because(cause)
    };
    let mut statements = DFParser::parse_sql(&model.sql).map_err(unreadable)?;
    let statement = match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) if is_query(&statement) => statement,
        _ => return Err(Fault::data(format!("{} is not one SELECT", model.shown))),
    };
    let (tables, _) = resolve_table_references(&statement, true).map_err(unreadable)?;
    let mut names = Vec::new();
    for table in tables {
        match table.schema() {
            Some(schema) => names.push(format!("{schema}.{}", table.table())),
            None => {
                let name = table.table();
                return Err(Fault::data(format!(
                    "{} reads {name:?} without saying its schema",
                    place_of(model, name),
                )));
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The line that an error of the engine names.
pub(crate) fn line_in(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("Line: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn is_query(statement: &Statement) -> bool {
    matches!(statement, Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)))
}

fn is_landed(table: &str) -> bool {
    table.starts_with("landing.") || table.starts_with("landing_all.")
}

/// Which schemas a layer reads.
fn may_read(layer: &Layer) -> &'static [&'static str] {
    match layer {
        // Its own source models too: the ledger of shapes goes over all of them.
        Layer::Source(_) | Layer::AnySource => &["landing", "landing_all", "source", "config"],
        Layer::Staged => &["source", "staged", "config"],
        // What the run before planned, too: a delta is made against it.
        Layer::Plan(_) => &["staged", "before", "plan", "config"],
        Layer::Reconcile => &["staged", "plan", "ledger", "readback", "reconcile", "config"],
        Layer::Check(layer) => match layer.as_str() {
            "staged" => &["source", "staged", "config"],
            "plan" => &["staged", "before", "plan", "config"],
            _ => &["staged", "plan", "ledger", "readback", "reconcile", "config"],
        },
    }
}

fn check_layer(model: &Model, table: &str) -> Result<()> {
    let allowed = may_read(&model.layer);
    let schema = table.split('.').next().unwrap_or("");
    if allowed.contains(&schema) {
        return Ok(());
    }
    let place = place_of(model, table);
    Err(Fault::data(format!("{place} reads {table}, which its layer must not"))
        .hint(format!("models of this layer read {}", allowed.join(", "))))
}

fn unknown(model: &Model, table: &str, names: &BTreeMap<String, usize>, known: &Known) -> Fault {
    let all = names.keys().chain(&known.tables).map(String::as_str);
    Fault::data(format!("{} reads {table}, which does not exist", place_of(model, table)))
        .hint(nearest::hint(table, all))
}

/// A model's file, with the line where it names a table.
fn place_of(model: &Model, table: &str) -> String {
    let line = line_of(&model.sql, table).map_or(String::new(), |line| format!(":{line}"));
    format!("{}{line}", model.shown)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

/// Visits a model after those that it reads. The trail is the way there: models, each with the
/// table by which it leads on.
fn visit<'a>(
    place: usize,
    models: &[Model],
    reads: &'a BTreeMap<usize, Vec<(usize, String)>>,
    state: &mut [Visit],
    order: &mut Vec<usize>,
    trail: &mut Vec<(usize, &'a str)>,
) -> Result<()> {
    match state[place] {
        Visit::Done => return Ok(()),
        Visit::Open => return Err(circle(place, models, trail)),
        Visit::New => {}
    }
    state[place] = Visit::Open;
    for (other, table) in &reads[&place] {
        trail.push((place, table));
        visit(*other, models, reads, state, order, trail)?;
        trail.pop();
    }
    state[place] = Visit::Done;
    order.push(place);
    Ok(())
}

fn circle(place: usize, models: &[Model], trail: &[(usize, &str)]) -> Fault {
    let start = trail.iter().position(|(open, _)| *open == place).unwrap_or(0);
    let steps = trail[start..].iter();
    let mut steps: Vec<String> =
        steps.map(|(place, table)| place_of(&models[*place], table)).collect();
    steps.push(models[place].shown.clone());
    Fault::data(format!("models read each other in a circle: {}", steps.join(" reads ")))
        .hint("a table is made only from tables that are made before it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Models;

    /// Orders models given as file and statement, and shows files or the fault.
    fn check(files: &[(&str, &str)], expected: &str) {
        let files = files.iter().map(|(file, sql)| {
            let sql = format!("-- key: id\n{sql}");
            (format!("{file}.sql"), sql)
        });
        let models = Models::from_files(files).of(|_| true).expect("the files are in place");
        let schema_of = |layer: &Layer| match layer {
            Layer::Source(_) | Layer::AnySource => "source",
            Layer::Plan(_) => "plan",
            Layer::Reconcile => "reconcile",
            _ => "staged",
        };
        let known = Known { tables: ["config.mapping".to_owned()].into() };
        let shown = match in_order(models, schema_of, &known) {
            Ok(ordered) => {
                let files = ordered.iter().map(|model| model.file.trim_end_matches(".sql"));
                files.collect::<Vec<_>>().join(" ")
            }
            Err(fault) => fault.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_read_comes_first_and_names_of_steps_are_no_tables() {
        check(
            &[
                ("2_staged/b", "with a as (select id from staged.c) select id from a"),
                ("2_staged/c", "select id from source.x cross join config.mapping"),
                ("1_source/crisp/x", "select key as id from landing.people"),
                ("checks/staged/a", "select id from staged.b where id is null"),
            ],
            "1_source/crisp/x 2_staged/c 2_staged/b checks/staged/a",
        );
    }

    #[test]
    fn a_circle_is_shown_with_its_way() {
        check(
            &[
                ("2_staged/a", "select id from staged.b"),
                ("2_staged/b", "select id from staged.c"),
                ("2_staged/c", "select id from (select id from staged.a) as inner_a"),
            ],
            "models read each other in a circle: sql/2_staged/a.sql:2 reads \
             sql/2_staged/b.sql:2 reads sql/2_staged/c.sql:2 reads sql/2_staged/a.sql",
        );
        check(
            &[("2_staged/a", "-- staged.a of staged.b\nselect id from staged.a")],
            "models read each other in a circle: sql/2_staged/a.sql:3 reads sql/2_staged/a.sql",
        );
    }

    #[test]
    fn a_layer_reads_only_what_it_may() {
        check(
            &[("2_staged/a", "select key as id\nfrom landing.people")],
            "sql/2_staged/a.sql:3 reads landing.people, which its layer must not",
        );
        check(
            &[("1_source/crisp/a", "select id from staged.b"), ("2_staged/b", "select 1 as id")],
            "sql/1_source/crisp/a.sql:2 reads staged.b, which its layer must not",
        );
        check(
            &[("3_plan/gorgias/a", "select id from ledger.records")],
            "sql/3_plan/gorgias/a.sql:2 reads ledger.records, which its layer must not",
        );
    }

    #[test]
    fn what_is_no_table_or_no_query_is_refused() {
        check(
            &[("2_staged/a", "select id\nfrom staged.nothing")],
            "sql/2_staged/a.sql:3 reads staged.nothing, which does not exist",
        );
        check(
            &[("2_staged/a", "select id from somewhere")],
            "sql/2_staged/a.sql:2 reads \"somewhere\" without saying its schema",
        );
        check(
            &[("2_staged/a", "select id\nfrom staged.b,, staged.c")],
            "sql/2_staged/a.sql:3 cannot be read",
        );
        // A longer name and a comment are not the table that is meant.
        check(
            &[
                ("2_staged/b", "select 1 as id"),
                (
                    "2_staged/a",
                    "-- not staged.no\nselect staged.b.id from staged.b\ncross join staged.no",
                ),
                ("2_staged/noo", "select 1 as id"),
            ],
            "sql/2_staged/a.sql:4 reads staged.no, which does not exist",
        );
        check(&[("2_staged/a", "drop table x")], "sql/2_staged/a.sql is not one SELECT");
        check(&[("2_staged/a", "select 1; select 2")], "sql/2_staged/a.sql is not one SELECT");
    }
}
