//! Statements that a person hands in.

use deskferry_transform::{Scope, catalog, select};
use kernel::fault::Kind;
use landing::Warehouse;

use crate::fixture::land;
use crate::shop;

#[tokio::test]
async fn only_statements_that_read_are_run() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let session = catalog(&warehouse, &Scope::default()).await.expect("an empty catalog opens");
    for sql in [
        "copy (select 1) to 'deskferry-must-not-exist.csv'",
        "create external table t stored as csv location '/etc/passwd'",
        "create table t as select 1",
        "create view v as select 1",
        "insert into config.mapping values ('a')",
        "drop table config.mapping",
        "delete from config.mapping",
        "update config.mapping set bots = 'skip'",
        "set datafusion.execution.batch_size = 1",
        "explain copy (select 1) to 'deskferry-must-not-exist.csv'",
        "explain analyze insert into config.mapping values ('a')",
        "begin",
        "select 1; select 2",
        "prepare p as select 1",
    ] {
        let fault = select(&session, sql).await.expect_err(sql);
        assert_eq!(fault.kind(), Kind::Refused, "{sql}: {fault}");
    }
    assert!(!std::path::Path::new("deskferry-must-not-exist.csv").exists());
    for sql in [
        "select 1",
        "with a as (select 1) select * from a",
        "show tables",
        "describe config.mapping",
        "explain select 1",
        "show columns from config.mapping",
    ] {
        let rows = select(&session, sql).await.expect(sql);
        assert!(rows.iter().any(|batch| batch.num_rows() > 0), "{sql}");
    }
}

#[tokio::test]
async fn a_file_of_the_machine_cannot_be_read_by_its_name() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let session = catalog(&warehouse, &Scope::default()).await.expect("opens");
    let fault = select(&session, "select * from '/etc/passwd'").await.expect_err("no such table");
    assert_eq!(fault.kind(), Kind::FixData);
}

#[tokio::test]
async fn landed_rows_can_be_asked_before_anything_is_staged() {
    let warehouse = Warehouse::open("memory://").expect("opens");
    let id = land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await;
    let scope = Scope { snapshots: vec![id], ..Scope::default() };
    let session = catalog(&warehouse, &scope).await.expect("opens");
    let sql = "select (select count(*) from landing.messages) as newest, \
               (select count(*) from landing_all.messages) as received";
    let rows = select(&session, sql).await.expect("answers");
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&rows).expect("shown");
    assert!(shown.to_string().contains("| 23     | 24       |"), "{shown}");
}
