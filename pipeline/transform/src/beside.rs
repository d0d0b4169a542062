//! The tests beside the models: `sql/<layer>/<model>.slt` gives rows to the tables that the model
//! reads, and expects rows of the table that it makes.
//!
//! Models and tests are read from their folder, so that a changed test needs no new build.
//! `BLESS=1` writes the rows that are found into the files, `MODEL=tickets` runs some of them only.
//! What a test may say is in `sql/README.md`.

mod given;
mod tables;

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sqllogictest::{
    ColumnType, Record, Runner, default_validator, parse_with_name, strict_column_validator,
    update_record_with_output,
};

use crate::beside::given::{Given, Kind};
use crate::beside::tables::Tables;
use crate::models::{Model, Models};

/// Room for plans of many steps, in a program without optimization.
const STACK_BYTES: usize = 32 << 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sql")
}

fn written() -> Models {
    let none = Models::from_files([]);
    none.with_folder(&folder(), "sql").expect("the models can be read")
}

fn test_of(model: &Model) -> PathBuf {
    folder().join(&model.file).with_extension("slt")
}

#[test]
fn the_program_holds_the_models_as_they_are_written() {
    let (embedded, written) = (Models::embedded(), written());
    let hint = "cargo has not seen a new file: touch pipeline/transform/build.rs";
    assert!(embedded.files().eq(written.files()), "{hint}");
}

#[test]
fn every_model_has_a_test_beside_it() {
    let models = written().of(|_| true).expect("every file is in its place");
    let missing = models.iter().filter(|model| !test_of(model).exists());
    let missing: Vec<&str> = missing.map(|model| model.file.as_str()).collect();
    assert!(missing.is_empty(), "no .slt lies beside {missing:?}");
}

#[test]
fn every_model_does_what_the_test_beside_it_says() {
    let models = written();
    let tables = Tables::of(&models);
    let wanted = std::env::var_os("MODEL").unwrap_or_default();
    let wanted = wanted.to_string_lossy().into_owned();
    let is_blessed = std::env::var_os("BLESS").is_some();
    let models = models.of(|_| true).expect("every file is in its place");
    let tested = models.iter().filter(|model| test_of(model).exists());
    let queue = Mutex::new(tested.filter(|model| model.file.contains(&wanted)));
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let next = queue.lock().expect("no test panics").next();
            let Some(model) = next else { break };
            if let Err(failure) = run(model, &tables, is_blessed) {
                failures.lock().expect("no test panics").push(failure);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, work).expect("a thread starts");
        }
    });
    let failures = failures.into_inner().expect("no test panics");
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// Runs the test beside a model to its first failure.
fn run(model: &Model, tables: &Tables, is_blessed: bool) -> Result<(), String> {
    let path = test_of(model);
    let name = format!("sql/{}", model.file.replace(".sql", ".slt"));
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
    if !text.starts_with("# ") {
        return Err(format!("{name} does not begin with a line that says what it shows"));
    }
    let records: Vec<Record<Kind>> =
        parse_with_name(&text, name.as_str()).map_err(|error| format!("{name}: {error}"))?;
    if !records.iter().any(|record| matches!(record, Record::Query { .. })) {
        return Err(format!("{name} asks nothing"));
    }
    let mut runner = Runner::new(|| ready(Given::open(tables, model)));
    runner.with_normalizer(as_it_is);
    runner.with_column_validator(strict_column_validator);
    if !is_blessed {
        return runner.run_multi(records).map_err(|error| error.to_string());
    }
    let mut blessed = String::new();
    for record in records {
        blessed.push_str(&format!("{}\n", bless(&mut runner, record)?));
    }
    let blessed = format!("{}\n", blessed.trim_end());
    if blessed == text {
        return Ok(());
    }
    std::fs::write(&path, blessed).map_err(|error| format!("{name}: {error}"))
}

/// A record with the rows that were found. One that fails where it should not stays a failure.
fn bless<M>(runner: &mut Runner<Given, M>, record: Record<Kind>) -> Result<Record<Kind>, String>
where
    M: sqllogictest::MakeConnection<Conn = Given>,
{
    if !matches!(record, Record::Query { .. }) {
        runner.run(record.clone()).map_err(|error| error.to_string())?;
        return Ok(record);
    }
    let found = futures::executor::block_on(runner.apply_record(record.clone()));
    if let sqllogictest::RecordOutput::Query { error: Some(error), .. } = &found {
        return Err(format!("{error}\n{record}"));
    }
    let (validator, types) = (default_validator, strict_column_validator);
    Ok(update_record_with_output(&record, &found, " ", validator, as_it_is, types)
        .unwrap_or(record))
}

#[allow(clippy::ptr_arg, reason = "the library wants this very type")]
fn as_it_is(text: &String) -> String {
    text.clone()
}

#[test]
fn a_test_that_does_not_hold_shows_file_line_and_both_sides() {
    let models = Models::from_files([
        (
            "2_staged/kept.sql".to_owned(),
            "-- key: ticket_id\nselect ticket_id, created_at from source.tickets\n".to_owned(),
        ),
        (
            "1_source/tickets.sql".to_owned(),
            "-- key: ticket_id\nselect key as ticket_id, fetched_at as created_at, '' as empty \
         from landing.conversations\n"
                .to_owned(),
        ),
    ]);
    let tables = Tables::of(&models);
    let models = models.of(|_| true).expect("both have keys");
    let check = |model: &Model, script: &str| {
        let records: Vec<Record<Kind>> = parse_with_name(script, "here.slt").expect("is a script");
        let mut runner = Runner::new(|| ready(Given::open(&tables, model)));
        runner.with_normalizer(as_it_is);
        runner.with_column_validator(strict_column_validator);
        runner.run_multi(records).map_err(|error| error.to_string())
    };
    let given = "statement ok\ninsert into source.tickets (ticket_id) values ('a'), ('b')\n\n";
    let asked = "query TP\nselect * from staged.kept order by ticket_id\n----\n";
    assert_eq!(check(&models[1], &format!("{given}{asked}a | NULL\nb | NULL\n")), Ok(()));
    let failure = check(&models[1], &format!("{given}{asked}a | NULL\n")).expect_err("b is there");
    assert!(failure.contains("+   b | NULL") && failure.contains("here.slt:4"), "{failure}");
    let twice = "statement ok\ninsert into source.tickets (ticket_id) values ('a'), ('a')\n\n";
    let failure = check(&models[1], &format!("{twice}{asked}")).expect_err("a is there twice");
    assert!(failure.contains("one row for each ticket_id"), "{failure}");
    let landed = "statement ok\ninsert into landing.conversations (key) values ('a')\n\n\
                  query TPT\nselect * from source.tickets\n----\na | 2025-01-01T00:00:00Z | (empty)\n";
    assert_eq!(check(&models[0], landed), Ok(()));
    assert_eq!(Kind::from_char('x').map(|kind| kind.to_char()), None);
}
