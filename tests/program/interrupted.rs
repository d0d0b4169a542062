//! kill −9 in the middle, then the same command again: nothing is lost, nothing is doubled.

use std::time::Duration;

use crate::program::{Bench, Servers, helpdesk, pause, shop};

/// Kills a verb after a while, over and over with a third more patience each time, until it gets
/// through. Says how often it was killed.
fn kill_until_done(bench: &Bench, verb: &str, first_ms: u64) -> usize {
    let mut patience_ms = first_ms;
    for kills in 0..30 {
        let mut child = bench.start(&[verb]);
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_millis(patience_ms) {
            if let Some(status) = child.try_wait().expect("can be asked") {
                assert!(status.code().is_some_and(|code| code <= 1), "{verb} ended {status}");
                return kills;
            }
            pause(5);
        }
        child.kill().expect("can be killed");
        child.wait().expect("is dead");
        patience_ms += patience_ms / 3;
    }
    panic!("{verb} never gets through");
}

#[test]
fn an_extraction_that_is_killed_again_and_again_lands_the_same_records() {
    let servers = Servers::start(shop(80), helpdesk());
    let (calm, troubled) = (Bench::new(&servers), Bench::new(&servers));
    assert!(calm.run(&["extract"]).code <= 1);
    let kills = kill_until_done(&troubled, "extract", 300);
    assert!(kills > 0, "it got through before the first kill");
    let records = "select stream, key, parent_key, sha256 from ( \
                   select * from landing.messages union all select * from landing.conversations \
                   union all select * from landing.people \
                   union all select * from landing.originals \
                   union all select * from landing.people_data) as records order by stream, key";
    assert_eq!(bench_records(&calm, records), bench_records(&troubled, records));
    assert_eq!(troubled.run(&["snapshot", "verify"]).code, 0);
}

fn bench_records(bench: &Bench, sql: &str) -> Vec<serde_json::Value> {
    assert_eq!(bench.run(&["transform"]).code, 0);
    let records = bench.ask(sql);
    assert!(records.len() > 500);
    records
}

#[test]
fn a_load_that_is_killed_again_and_again_doubles_and_loses_nothing() {
    let servers = Servers::start(shop(80), helpdesk());
    let bench = Bench::new(&servers);
    for verb in ["extract", "transform", "plan"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    let kills = kill_until_done(&bench, "load", 150);
    assert!(kills > 0, "it got through before the first kill");
    let reconciled = bench.run(&["reconcile"]);
    assert_eq!(reconciled.code, 0, "{}\n{}", reconciled.stdout, reconciled.stderr);
    assert_eq!(servers.gorgias.outbox(), 0);
    let planned = bench.number("select count(*) from plan.messages");
    assert_eq!(servers.gorgias.counters().records["messages"] as i64, planned);
    let planned = bench.number("select count(*) from plan.tickets");
    assert_eq!(servers.gorgias.counters().records["tickets"] as i64, planned);
}
