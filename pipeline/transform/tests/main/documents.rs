//! That a build reads each landed document once, and only source models read any.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deskferry_transform::{Models, stage_counting};
use kernel::Mapping;
use landing::Warehouse;

use crate::fixture::{Record, land};
use crate::shop;

/// The streams that a statement reads.
fn streams_of(sql: &str) -> BTreeSet<&str> {
    let is_end = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    let after = sql.split("landing.").skip(1);
    after.map(|rest| rest.split(is_end).next().unwrap_or("")).collect()
}

/// The models of Crisp's source layer that read documents.
fn readers() -> Vec<(String, String)> {
    let models = Models::embedded();
    let files = models.files().filter(|(file, sql)| {
        file.starts_with("1_source/crisp/") && file.ends_with(".sql") && sql.contains("json_row(")
    });
    files.map(|(file, sql)| (file.to_owned(), sql.to_owned())).collect()
}

/// The shop, and something in every other stream that is read.
fn records() -> Vec<Record> {
    let mut records = shop::records();
    let readers = readers();
    let wanted: BTreeSet<&str> = readers.iter().flat_map(|(_, sql)| streams_of(sql)).collect();
    for stream in wanted {
        if !records.iter().any(|record| record.stream == stream) {
            records.push(Record::new(stream, "first", r#"{"id":"first"}"#).of("of this"));
            records.push(Record::new(stream, "odd", "[]").at(2, 0));
            records.push(Record::new(stream, "odd", "no JSON").at(3, 0));
        }
    }
    records
}

#[tokio::test]
async fn each_landed_document_is_read_once_whatever_the_number_of_threads() {
    let records = records();
    let keys: BTreeSet<(&str, &str)> =
        records.iter().map(|record| (record.stream.as_str(), record.key.as_str())).collect();
    assert!(
        keys.len() < records.len(),
        "some were landed twice, and their older versions not read"
    );
    for threads in [1, 2] {
        let warehouse = Warehouse::open("memory://").expect("opens");
        let id = land(&warehouse, "crisp", 1, &records, &[]).await;
        let documents = Arc::new(AtomicU64::new(0));
        let models = Models::from_files(readers());
        let (mapping, counter) = (Mapping::default(), documents.clone());
        stage_counting(threads, counter, &warehouse, "crisp", &[id], &mapping, &models)
            .await
            .expect("the source models are built");
        assert_eq!(documents.load(Ordering::Relaxed), keys.len() as u64, "{threads} threads");
    }
}

/// What later models read are pieces that a source model has cut out: choices, cards, branches.
#[test]
fn only_source_models_read_documents_and_each_reads_them_in_one_place() {
    for (file, sql) in Models::embedded().files().filter(|(file, _)| file.ends_with(".sql")) {
        let reads = sql.split("json_row(").skip(1);
        let of_raw = reads.filter(|rest| rest.trim_start().starts_with("raw,")).count();
        let is_first = file.starts_with("1_source/") && sql.contains("from landing.");
        let expected = usize::from(is_first && sql.contains("json_row("));
        assert_eq!(of_raw, expected, "sql/{file}");
        let arrows = sql.contains("raw ->") || sql.contains("raw->");
        assert!(!arrows, "sql/{file} reads a document for each field");
    }
}
