//! The campaign with the program itself: `kill -9` at random instants while it loads, and the same
//! command again, until it is done. The judge is the one of the loader's own campaign.
//!
//! `make test` makes one round, `make campaign` as many as fit its time; `SEED=17` replays one.

#[path = "../../pipeline/load/tests/campaign/gorgias.rs"]
mod gorgias;
#[path = "../../pipeline/load/tests/campaign/judge.rs"]
#[expect(dead_code, reason = "a program that was killed leaves nothing doubled to set apart")]
mod judge;
#[path = "../../pipeline/load/tests/campaign/numbers.rs"]
#[expect(dead_code, reason = "kills are chosen by whole numbers only")]
mod numbers;

use std::time::{Duration, Instant};

use emulator::gorgias::{Emulator, Fault, Faults, Once, Options, Quirks};
use serde_json::Value;

use crate::plan_tables::PlanTables;
use crate::program::{Bench, Served, Servers, helpdesk, pause, serve_gorgias, shop};
use judge::Doubles;
use numbers::Numbers;

/// Who answers in the target; the account stands in for the others.
const AGENTS: [&str; 6] = [
    "admin@shop.example",
    "ada@shop.example",
    "bo@shop.example",
    "chloe@shop.example",
    "dmitri@shop.example",
    "eve@shop.example",
];
/// Kills after which a load counts as endless.
const KILLS_MAX: u32 = 60;

#[expect(clippy::disallowed_methods, reason = "a test that is replayed is told what to replay")]
fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.trim().parse().ok()
}

fn rows(bench: &Bench, table: &str, order: &str) -> Vec<Value> {
    bench.ask(&format!("select * from plan.{table} order by {order}"))
}

fn plan_of(bench: &Bench) -> PlanTables {
    PlanTables {
        agents: rows(bench, "agents", "agent_id"),
        tags: rows(bench, "tags", "name"),
        customers: rows(bench, "customers", "customer_id"),
        tickets: rows(bench, "tickets", "seq"),
        messages: rows(bench, "messages", "ticket_seq, position"),
    }
}

/// Kills a load after a random number of calls, over and over, until it gets through. Says how
/// often it was killed.
fn kill_until_done(bench: &Bench, gorgias: &Emulator, numbers: &mut Numbers) -> u32 {
    let calls = || gorgias.counters().calls.values().sum::<u64>();
    for kills in 0..KILLS_MAX {
        let wanted = calls() + 3 + numbers.below(10 + 4 * u64::from(kills));
        let mut child = bench.start(&["load"]);
        // Not at the same place of a call each time.
        let late_us = numbers.below(3_000);
        loop {
            if let Some(status) = child.try_wait().expect("can be asked") {
                assert!(status.code().is_some_and(|code| code <= 1), "load ended {status}");
                return kills;
            }
            if calls() >= wanted {
                break;
            }
            std::thread::yield_now();
        }
        let reached = Instant::now();
        while reached.elapsed() < Duration::from_micros(late_us) {
            std::thread::yield_now();
        }
        child.kill().expect("can be killed");
        child.wait().expect("is dead");
    }
    panic!("the load never gets through");
}

#[test]
fn a_load_that_is_killed_at_random_instants_leaves_the_plan_once() {
    let seed = number_of("SEED").unwrap_or_else(|| u64::from(std::process::id()));
    let budget = Duration::from_secs(number_of("CAMPAIGN_SECONDS").unwrap_or(0));
    let began = Instant::now();
    let servers = Servers::start(shop(60), helpdesk());
    let bench = Bench::new(&servers);
    for verb in ["extract", "transform"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    let (mut rounds, mut kills_in_all) = (0, 0);
    for seed in seed.. {
        println!("seed {seed}");
        let quirks = Quirks { lookup_lag_ms: 20, ..Quirks::default() };
        let target = serve_gorgias(Options { quirks, ..helpdesk() });
        kills_in_all += round(&bench, &servers, &target, seed);
        rounds += 1;
        if began.elapsed() > budget || number_of("SEED").is_some() {
            break;
        }
    }
    println!("kill -9: {rounds} rounds, {kills_in_all} kills in {} s", began.elapsed().as_secs());
}

#[test]
fn a_call_that_was_delivered_twice_on_its_way_is_found_by_reconcile() {
    let once = Once {
        fault: Fault::Duplicate,
        method: "POST".to_owned(),
        path: "/api/tickets".to_owned(),
        skip: 3,
        count: 1,
    };
    let faults = Faults { once: vec![once], ..Faults::default() };
    let servers = Servers::start(shop(30), Options { faults, ..helpdesk() });
    let bench = Bench::new(&servers);
    for verb in ["extract", "transform", "plan", "load"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    let planned = bench.number("select count(*) from plan.tickets");
    assert_eq!(servers.gorgias.counters().records["tickets"] as i64, planned + 1);
    assert_eq!(bench.run(&["reconcile"]).code, 1, "nobody was told");
    let surplus = "select count(*) from reconcile.differences \
                   where \"table\" = 'tickets' and verdict = 'unexplained'";
    assert!(bench.number(surplus) > 0);
    let anew = bench.run(&["load", "--rebuild-ledger"]);
    assert_eq!(anew.code, 1, "{}", anew.stderr);
    assert!(anew.stderr.contains("the target has more than one of it: 2"), "{}", anew.stderr);
}

fn round(bench: &Bench, servers: &Servers, target: &Served, seed: u64) -> u32 {
    let text = bench.configuration(&servers.crisp_url, &target.url);
    bench.configure(&text.replace("[target]", "[target]\nlookup_s = 1"));
    assert!(bench.run(&["plan"]).code <= 1);
    let gorgias = &target.gorgias;
    let kills = kill_until_done(bench, gorgias, &mut Numbers::new(seed));
    assert!(kills > 2, "seed {seed}: it got through before the third kill");
    pause(50);
    let planned = gorgias::planned(&plan_of(bench), &AGENTS);
    let mut found = gorgias::found(&gorgias.records(), &target.url);
    assert_eq!(found.take_doubles(&planned), Doubles::new(), "seed {seed}");
    if let Some(difference) = planned.difference(&found) {
        panic!("seed {seed}: {difference}");
    }
    assert_eq!(gorgias.outbox(), 0, "seed {seed}");
    let writes = || {
        let calls = gorgias.counters().calls.into_iter();
        calls.filter(|(name, _)| !name.starts_with("GET ")).map(|(_, count)| count).sum::<u64>()
    };
    let before = writes();
    assert!(bench.run(&["load"]).code <= 1, "seed {seed}");
    assert_eq!(writes(), before, "seed {seed}: the last run wrote");
    kills
}
