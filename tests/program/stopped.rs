//! Ctrl-C and SIGTERM while a plan is loaded: what is under way ends, and the same command goes on.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use emulator::gorgias;
use serde_json::json;

use crate::program::{Bench, Servers, helpdesk, pause, shop};

/// A helpdesk that takes its time with every answer.
fn slow_helpdesk(delay_ms: u64) -> gorgias::Options {
    let faults = gorgias::Faults { delay: 1.0, delay_ms, ..gorgias::Faults::default() };
    gorgias::Options { faults, ..helpdesk() }
}

/// A bench whose plan is made, on a helpdesk that answers after so long.
fn planned(delay_ms: u64) -> (Servers, Bench) {
    let servers = Servers::start(shop(60), slow_helpdesk(delay_ms));
    let bench = Bench::new(&servers);
    for verb in ["extract", "transform", "plan"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    (servers, bench)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

/// Starts a load and waits until it has made so many tickets.
fn loading(servers: &Servers, bench: &Bench, tickets: u64) -> Child {
    let mut child = bench.start(&["load"]);
    let made = || servers.gorgias.counters().records.get("tickets").copied().unwrap_or_default();
    let began = Instant::now();
    while made() < tickets {
        assert_eq!(child.try_wait().expect("can be asked"), None, "it ended too early");
        assert!(began.elapsed() < Duration::from_secs(120), "no {tickets} tickets");
        pause(2);
    }
    child
}

fn said(bench: &Bench) -> String {
    std::fs::read_to_string(bench.path("stderr")).expect("was written")
}

#[test]
fn a_load_that_is_asked_to_stop_ends_what_is_under_way_and_goes_on_later() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (servers, bench) = planned(20);
        let mut child = loading(&servers, &bench, 5);
        signal(&child, name);
        let status = child.wait().expect("ends");
        let text = said(&bench);
        assert_eq!(status.code(), Some(code), "{text}");
        assert!(text.contains("stopped as asked; to go on: "), "{text}");
        let open = "select count(*) from ledger.records where state in ('intent', 'unknown')";
        assert_eq!(bench.number(open), 0, "something was left open");
        let made = servers.gorgias.counters().records["tickets"] as i64;
        let planned = bench.number("select count(*) from plan.tickets");
        assert!((5..planned).contains(&made), "{made} of {planned}");
        assert!(bench.run(&["load"]).code <= 1);
        let reconciled = bench.run(&["reconcile"]);
        assert_eq!(reconciled.code, 0, "{}\n{}", reconciled.stdout, reconciled.stderr);
        assert_eq!(servers.gorgias.counters().records["tickets"] as i64, planned);
        assert_eq!(servers.gorgias.outbox(), 0);
    }
}

#[test]
fn the_second_ctrl_c_stops_at_once() {
    let (servers, bench) = planned(20);
    let mut child = loading(&servers, &bench, 5);
    let slow = json!({"faults": {"delay": 1.0, "delay_ms": 20_000}});
    servers.gorgias.control(&slow).expect("is possible");
    // A call that is under way answers after twenty seconds only.
    pause(200);
    signal(&child, "INT");
    while !said(&bench).contains("stopping: ") {
        pause(5);
    }
    assert_eq!(child.try_wait().expect("can be asked"), None, "a call is under way");
    let asked = Instant::now();
    signal(&child, "INT");
    assert_eq!(child.wait().expect("ends").code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(5), "took {:?}", asked.elapsed());
}
