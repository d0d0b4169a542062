//! kill −9 in the middle, then the same command again: nothing is lost, nothing is doubled.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use emulator::crisp;

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

/// How long a reply may stay in memory only in these tests, in milliseconds, and how much later
/// than that a loaded machine may be.
const FLUSH_MS: u64 = 50;
const SLACK_MS: u64 = 150;

/// Kills an extraction after so many calls, over and over with other numbers, until it gets
/// through. Says how often it was killed, and how many calls may have been lost with what was not
/// written yet.
fn kill_by_calls(bench: &Bench, servers: &Servers) -> (usize, u64) {
    let calls = || servers.crisp.counters().calls.values().sum::<u64>();
    let mut lost_max = 0;
    for kills in 0..40 {
        let wanted = calls() + 60 + (kills as u64 * 61) % 170;
        let mut seen = VecDeque::new();
        let mut child = bench.start(&["extract"]);
        while calls() < wanted {
            if let Some(status) = child.try_wait().expect("can be asked") {
                assert!(status.code().is_some_and(|code| code <= 1), "extract ended {status}");
                return (kills, lost_max);
            }
            seen.push_back((Instant::now(), calls()));
            pause(2);
        }
        child.kill().expect("can be killed");
        child.wait().expect("is dead");
        let since = Instant::now() - Duration::from_millis(FLUSH_MS + SLACK_MS);
        let before = seen.iter().take_while(|(at, _)| *at < since).last().map_or(0, |seen| seen.1);
        let at_start = seen.front().map_or(0, |seen| seen.1);
        lost_max += calls() - before.max(at_start);
    }
    panic!("the extraction never gets through");
}

#[test]
fn an_extraction_that_is_killed_again_and_again_lands_the_same_records() {
    let servers = Servers::start(slow_shop(80), helpdesk());
    let (calm, troubled) = (Bench::new(&servers), Bench::new(&servers));
    assert!(calm.run(&["extract"]).code <= 1);
    let made = || servers.crisp.counters().calls.values().sum::<u64>();
    let calls = made();
    let text = troubled.configuration(&servers.crisp_url, &servers.gorgias_url);
    troubled.configure(&text.replace("[target]", &format!("flush_ms = {FLUSH_MS}\n[target]")));
    let (kills, lost_max) = kill_by_calls(&troubled, &servers);
    assert!(kills > 2, "it got through before the third kill");
    let records = "select stream, key, parent_key, sha256 from ( \
                   select * from landing.messages union all select * from landing.conversations \
                   union all select * from landing.people \
                   union all select * from landing.originals \
                   union all select * from landing.people_events \
                   union all select * from landing.people_data) as records order by stream, key";
    assert_eq!(bench_records(&calm, records), bench_records(&troubled, records));
    assert_eq!(troubled.run(&["snapshot", "verify"]).code, 0);
    let repeated = made() - 2 * calls;
    assert!(repeated <= lost_max, "{repeated} calls were made again, {lost_max} may be");
}

#[test]
fn a_second_extraction_is_kept_away_and_the_first_one_goes_on() {
    let servers = Servers::start(slow_shop(120), helpdesk());
    let bench = Bench::new(&servers);
    let other = Bench::new(&servers);
    let warehouse = format!("file://{}/warehouse", bench.folder.path().display());
    let own = format!("file://{}/warehouse", other.folder.path().display());
    let text = other.configuration(&servers.crisp_url, &servers.gorgias_url);
    other.configure(&text.replace(&own, &warehouse));
    let mut first = bench.start(&["extract"]);
    while servers.crisp.counters().calls.is_empty() {
        pause(5);
    }
    let second = other.run(&["extract"]);
    assert_eq!(second.code, 2, "{}", second.stderr);
    assert!(
        second.stderr.contains("another extraction of crisp/0001 is running"),
        "{}",
        second.stderr
    );
    let status = first.wait().expect("ends");
    assert!(status.code().is_some_and(|code| code <= 1), "{status}");
    assert_eq!(bench.run(&["snapshot", "verify"]).code, 0);
}

/// A shop that takes its time with every answer, so that an extraction can be met on its way.
fn slow_shop(conversations: usize) -> crisp::Options {
    let faults = crisp::Faults { delay_ms: 15, ..crisp::Faults::default() };
    crisp::Options { faults, ..shop(conversations) }
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
