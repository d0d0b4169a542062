//! The last steps before a cutover: what changed at the source since the load comes over, and
//! nothing else does.

use std::io::{Read, Write};

use base64::Engine;
use emulator::crisp::Change;
use serde_json::{Value, json};

use crate::program::{ACCOUNT, Bench, KEY, Servers, helpdesk, pause, shop};

/// Ids that every workspace of these tests has, by what they are good for.
struct Cast {
    closed: Vec<String>,
    open: Vec<String>,
    /// Messages of customers, each alone with its text: ticket, fingerprint.
    texts: Vec<(String, i64)>,
}

/// Moves everything, so that there is something to follow.
fn moved(servers: &Servers) -> Bench {
    let bench = Bench::new(servers);
    move_all(&bench);
    bench
}

fn move_all(bench: &Bench) {
    for verb in ["extract", "transform", "plan", "load", "reconcile"] {
        let ended = bench.run(&[verb]);
        assert!(ended.code <= u8::from(verb == "extract").into(), "{verb}\n{}", ended.stderr);
    }
}

fn cast(bench: &Bench) -> Cast {
    let texts = |sql: &str| {
        let rows = bench.ask(sql);
        rows.iter().map(|row| row["id"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let with = |status: &str| {
        texts(&format!(
            "select ticket_id as id from tickets where status = '{status}' and parts = 1 \
             and messages between 2 and 30 and not is_blocked and state <> 'pending' order by 1"
        ))
    };
    let messages = texts(
        "select message_id as id from messages where kind = 'message' and direction = 'in' \
         and content_type = 'text' and origin = 'chat' and ticket_id in \
         (select ticket_id from tickets where messages between 4 and 30 and not is_blocked) \
         and message_id not in (select message_id from attachments) \
         order by ticket_id, position",
    );
    let parts = messages.iter().filter_map(|id| id.split_once('/'));
    let texts = parts.map(|(session, print)| (session.to_owned(), print.parse().expect("digits")));
    Cast { closed: with("closed"), open: with("open"), texts: texts.collect() }
}

fn say(servers: &Servers, session_id: &str, fingerprint: i64, content: &str) {
    let message = json!({
        "session_id": session_id, "type": "text", "from": "user", "origin": "chat",
        "content": content, "fingerprint": fingerprint,
        "user": {"user_id": session_id, "nickname": "visitor"},
    });
    let message = serde_json::value::to_raw_value(&message).expect("is JSON");
    servers.crisp.change(&Change::Say { message }).expect("is said");
}

/// A new conversation in the image of one that is there.
fn begin(servers: &Servers, bench: &Bench, like: &str, session_id: &str) {
    let sql = format!("select raw from landing.conversations where key = '{like}'");
    let raw = bench.ask(&sql)[0]["raw"].as_str().expect("a text").to_owned();
    let conversation = raw.replace(like, session_id);
    let conversation = serde_json::value::RawValue::from_string(conversation).expect("is JSON");
    servers.crisp.change(&Change::Create { conversation, messages: Vec::new() }).expect("begins");
    say(servers, session_id, 1, "is anybody there");
    say(servers, session_id, 2, "hello again");
}

/// Deletes a record of the target, as somebody might who works there.
fn delete(servers: &Servers, path: &str) {
    let host = servers.gorgias_url.trim_start_matches("http://");
    let account = base64::engine::general_purpose::STANDARD.encode(format!("{ACCOUNT}:{KEY}"));
    let request = format!(
        "DELETE {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: Basic {account}\r\nContent-Length: 0\r\n\r\n"
    );
    let mut stream = std::net::TcpStream::connect(host).expect("listens");
    stream.write_all(request.as_bytes()).expect("can be asked");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    assert!(reply.starts_with("HTTP/1.1 204"), "{reply}");
}

/// One change of each kind. Tickets are chosen so that no two changes meet in one.
fn live_on(servers: &Servers, bench: &Bench) -> Cast {
    let cast = cast(bench);
    let change = |change: Change| servers.crisp.change(&change).expect("is possible");
    let used: Vec<&String> = cast.closed[..3].iter().chain(&cast.open[..3]).collect();
    let mut texts = cast.texts.iter().filter(|(session, _)| !used.contains(&session));
    say(servers, &cast.closed[0], 770_001, "one more thing");
    say(servers, &cast.open[0], 770_002, "and another one");
    let state = |session_id: &str, state: &str| Change::State {
        session_id: session_id.to_owned(),
        state: state.to_owned(),
    };
    change(state(&cast.closed[1], "unresolved"));
    change(state(&cast.open[1], "pending"));
    change(Change::Delete { session_id: cast.closed[2].clone() });
    let assigned = json!({"user_id": null});
    change(Change::Set {
        session_id: cast.open[2].clone(),
        field: "assigned".to_owned(),
        value: assigned,
    });
    let (session_id, fingerprint) = texts.next().expect("a text").clone();
    let content = json!("what I meant to say");
    let edited = session_id.clone();
    change(Change::Edit { session_id, fingerprint, content });
    let (session_id, fingerprint) =
        texts.find(|(session, _)| *session != edited).expect("a second text").clone();
    change(Change::DeleteMessage { session_id, fingerprint });
    begin(servers, bench, &cast.closed[0], "session_00000000-0000-4000-8000-000000000001");
    cast
}

/// Gives the edited message the text again that was loaded.
fn edit_back(servers: &Servers, bench: &Bench) {
    let first = bench.ask(
        "select key, raw->>'content' as content from landing_all.messages where key in \
         (select source_id from plan.changes where change = 'edited') order by snapshot limit 1",
    );
    let text = |name: &str| first[0][name].as_str().expect("a text");
    let (session_id, fingerprint) = text("key").split_once('/').expect("an id of two parts");
    servers
        .crisp
        .change(&Change::Edit {
            session_id: session_id.to_owned(),
            fingerprint: fingerprint.parse().expect("digits"),
            content: json!(text("content")),
        })
        .expect("is possible");
}

const UNEXPLAINED: &str =
    "select count(*) from reconcile.differences where verdict = 'unexplained'";
const CALLS_MISSED: &str = "select sum(forecast.calls) - \
    (select sum(calls.calls) from ledger.calls where calls.phase <> 'lookups') from plan.forecast";

/// Brings over what changed; `load` is done by the caller.
fn plan_delta(bench: &Bench) -> String {
    let extracted = bench.run(&["extract", "--delta"]);
    assert!(extracted.code <= 1, "{}", extracted.stderr);
    let ended = bench.run(&["transform"]);
    assert_eq!(ended.code, 0, "transform\n{}", ended.stderr);
    let planned = bench.run(&["plan", "--delta"]);
    assert_eq!(planned.code, 0, "{}\n{}", planned.stdout, planned.stderr);
    planned.stdout
}

fn writing_calls(servers: &Servers) -> u64 {
    let calls = servers.gorgias.counters().calls;
    let writes = calls.iter().filter(|(call, _)| !call.starts_with("GET"));
    writes.map(|(_, count)| count).sum()
}

fn assert_reconciled(servers: &Servers, bench: &Bench) {
    let reconciled = bench.run(&["reconcile"]);
    let why = "select \"table\", source_id, field, expected, found from reconcile.differences \
               where verdict = 'unexplained'";
    assert_eq!(reconciled.code, 0, "{:#?}\n{}", bench.ask(why), reconciled.stderr);
    assert_eq!(bench.number(UNEXPLAINED), 0);
    assert_eq!(servers.gorgias.outbox(), 0, "a customer got a message");
    for (records, table) in [("messages", "plan.messages"), ("tickets", "plan.tickets")] {
        let planned = bench.number(&format!("select count(*) from {table}"));
        assert_eq!(servers.gorgias.counters().records[records] as i64, planned, "{table}");
    }
}

#[test]
fn what_changed_since_the_load_comes_over_once_and_every_difference_is_explained() {
    let servers = Servers::start(shop(60), helpdesk());
    let bench = moved(&servers);
    let before = servers.gorgias.counters().records;
    let cast = live_on(&servers, &bench);
    let said = plan_delta(&bench);
    for step in ["extract --delta", "transform", "plan --delta", "load", "reconcile", "all"] {
        assert!(said.contains(step), "{step} is missing in\n{said}");
    }
    let changes = bench.ask("select kind, change, becomes from plan.changes order by 1, 2, 3");
    let has = |kind: &str, change: &str, becomes: &str| {
        let row = json!({"kind": kind, "change": change, "becomes": becomes});
        assert!(changes.contains(&row), "{row} is not in {changes:#?}");
    };
    has("ticket", "created", "create");
    has("ticket", "status", "update");
    has("ticket", "tags", "update");
    has("ticket", "assignee", "update");
    has("ticket", "removed", "report");
    has("message", "appended", "append");
    has("message", "edited", "note");
    has("message", "removed", "report");

    let loaded = bench.run(&["load"]);
    assert_eq!(loaded.code, 0, "{}\n{}", loaded.stdout, loaded.stderr);
    assert_eq!(bench.number(CALLS_MISSED), 0, "calls made are calls forecast");
    let after = servers.gorgias.counters().records;
    let more = |kind: &str| after[kind] - before[kind];
    assert_eq!(more("tickets"), 1, "the new conversation");
    assert_eq!(more("messages"), 5, "two in the new ticket, two appended, one note");
    assert_reconciled(&servers, &bench);
    let rules = "select distinct rule from reconcile.differences \
                 where rule = 'removed_at_source' union \
                 select distinct rule from reconcile.verdicts where rule = 'edited_after_load'";
    assert_eq!(bench.ask(rules).len(), 2);

    // A second delta on top of the first one: the same message again, and one more. What was edited
    // is edited back, which the note of the first edit does not say.
    say(&servers, &cast.closed[0], 770_003, "still there");
    edit_back(&servers, &bench);
    plan_delta(&bench);
    assert_eq!(bench.run(&["load"]).code, 0);
    assert_eq!(bench.number(CALLS_MISSED), 0);
    let last = servers.gorgias.counters().records;
    assert_eq!(last["messages"] - after["messages"], 2, "the message and a second note");
    assert_eq!(last["tickets"], after["tickets"]);
    assert_reconciled(&servers, &bench);

    // A delta of nothing writes nothing.
    let written = writing_calls(&servers);
    plan_delta(&bench);
    assert_eq!(bench.run(&["load"]).code, 0);
    assert_eq!(writing_calls(&servers), written);
    assert_eq!(bench.number("select count(*) from plan.calls where phase <> 'preflight'"), 0);
    assert_reconciled(&servers, &bench);
}

#[test]
fn a_load_of_a_delta_that_is_killed_doubles_and_loses_nothing() {
    let servers = Servers::start(shop(60), helpdesk());
    let bench = moved(&servers);
    let cast = live_on(&servers, &bench);
    for (place, session) in cast.open[3..].iter().chain(&cast.closed[3..]).take(20).enumerate() {
        for message in 0..3_i64 {
            let fingerprint = 880_000 + 10 * place as i64 + message;
            say(&servers, session, fingerprint, "one of many");
        }
    }
    plan_delta(&bench);
    let calls = || servers.gorgias.counters().calls.values().sum::<u64>();
    let mut kills = 0;
    loop {
        let (mut child, wanted) = (bench.start(&["load"]), calls() + 9 + 4 * kills);
        let ended = loop {
            if let Some(status) = child.try_wait().expect("can be asked") {
                break Some(status);
            }
            if calls() >= wanted {
                break None;
            }
            pause(1);
        };
        match ended {
            Some(status) => {
                assert_eq!(status.code(), Some(0), "load ended {status}");
                break;
            }
            None => {
                child.kill().expect("can be killed");
                child.wait().expect("is dead");
                kills += 1;
            }
        }
        assert!(kills < 40, "the load never gets through");
    }
    assert!(kills > 1, "it was killed in its middle");
    assert_reconciled(&servers, &bench);
}

#[test]
fn to_a_ticket_that_somebody_deleted_nothing_is_added_and_a_finding_says_so() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = moved(&servers);
    let cast = cast(&bench);
    let target = |ticket: &str| {
        let sql = format!(
            "select target_id from ledger.records where kind = 'ticket' and source_id = '{ticket}'"
        );
        bench.ask(&sql)[0]["target_id"].as_str().expect("is loaded").to_owned()
    };
    delete(&servers, &format!("/api/tickets/{}", target(&cast.open[0])));
    say(&servers, &cast.open[0], 770_001, "is this seen");
    plan_delta(&bench);
    let before = servers.gorgias.counters().records;
    let loaded = bench.run(&["load"]);
    assert_eq!(loaded.code, 1, "{}", loaded.stderr);
    assert!(loaded.stderr.contains("deleted"), "{}", loaded.stderr);
    assert_eq!(servers.gorgias.counters().records, before);
}

#[test]
fn a_delta_keeps_to_the_decisions_of_the_run_it_follows_and_can_be_taken_back_alone() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = Bench::new(&servers);
    let configuration = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    let decide = |more: &str| {
        bench.configure(&format!("{configuration}[mapping]\ncustom_fields = \"create\"\n{more}"));
    };
    decide("");
    move_all(&bench);
    assert!(servers.gorgias.counters().records["custom_fields"] > 0, "fields were made");
    let before = servers.gorgias.counters().records;
    live_on(&servers, &bench);
    decide("split = \"gap:1d\"\nedits = \"report\"\n");
    let refused = bench.run(&["plan", "--delta"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("split was \"none\" and is \"gap:1d\""), "{}", refused.stderr);
    assert!(!refused.stderr.contains("edits was"), "{}", refused.stderr);

    decide("");
    plan_delta(&bench);
    let loaded = bench.run(&["load"]);
    assert_eq!(loaded.code, 0, "{}\n{}", loaded.stdout, loaded.stderr);
    assert_reconciled(&servers, &bench);
    let updated = bench
        .number("select count(*) from plan.tickets where updates is not null and updates <> '[]'");
    let dry = bench.run(&["rollback", "0002"]);
    assert_eq!(dry.code, 1, "{}\n{}", dry.stdout, dry.stderr);
    let done = bench.run(&["rollback", "0002", "--execute"]);
    assert_eq!(done.code, 1, "what it set in tickets of run 1 stays and is listed");
    let listed =
        done.stdout.lines().filter(|line| line.contains("status") || line.contains("tags"));
    assert!(listed.count() > 0, "{}", done.stdout);
    assert!(done.stdout.contains("updated by this run, stays"), "{}", done.stdout);
    assert!(updated > 0, "{}", done.stdout);
    let after = servers.gorgias.counters().records;
    for kind in ["tickets", "messages", "customers", "tags", "users"] {
        assert_eq!(after.get(kind), before.get(kind), "{kind}\n{}", done.stdout);
    }
    let again = bench.run(&["load"]);
    assert_eq!(again.code, 0, "{}\n{}", again.stdout, again.stderr);
    assert_reconciled(&servers, &bench);
}

#[test]
fn a_delta_needs_a_run_that_was_loaded_to_its_end() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = Bench::new(&servers);
    for verb in ["extract", "transform", "plan"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    assert!(bench.run(&["load", "--limit", "3"]).code <= 1);
    let refused = bench.run(&["plan", "--delta"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("to its end"), "{}", refused.stderr);
    assert!(refused.stderr.contains("without --delta"), "{}", refused.stderr);
    let none: &[Value] = &[];
    let runs = bench.ask("select * from plan.changes");
    assert_eq!(runs, none, "the first plan follows nothing");
}
