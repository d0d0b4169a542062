//! Crisp as the target: the whole job from one Crisp workspace into another, empty one.

use emulator::crisp::{self, Change};
use serde_json::json;

use crate::hosted::Hosted;
use crate::program::{Bench, KEY, WEBSITE_ID, shop};

/// The workspace that is moved into.
const TARGET_ID: &str = "5ba7b810-9dad-41d1-80b4-00c04fd430c8";

/// Both workspaces, serving in this process, and the files that the customer serves.
struct Servers {
    source: crisp::Emulator,
    target: crisp::Emulator,
    source_url: String,
    target_url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Servers {
    fn start(conversations: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let source = crisp::Emulator::new(shop(conversations)).expect("the data can be served");
        let target = crisp::Emulator::new(workspace()).expect("an empty workspace is served");
        let serve = |emulator: &crisp::Emulator| {
            let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
            let listener = listener.expect("a port is free");
            let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
            let serving = emulator.clone();
            runtime.spawn(async move { serving.serve(listener).await });
            url
        };
        let (source_url, target_url) = (serve(&source), serve(&target));
        Self { source, target, source_url, target_url, _runtime: runtime }
    }
}

/// An empty workspace with some of the shop's operators.
fn workspace() -> crisp::Options {
    let operator = |name: &str| crisp::Operator {
        email: format!("{name}@shop.example"),
        name: name.to_owned(),
        role: "member".to_owned(),
    };
    crisp::Options {
        data: crisp::Data::Empty(["ada", "bo", "chloe", "dmitri", "eve"].map(operator).into()),
        website_id: TARGET_ID.to_owned(),
        writable: true,
        ..shop(0)
    }
}

/// A folder with a configuration, and a server for the files in its warehouse.
fn bench_for(servers: &Servers) -> (Bench, Hosted) {
    let bench = Bench::bare("");
    let hosted = Hosted::serve(bench.path("warehouse/hosted"));
    let token = "identifier = { file = \"key\" }\nkey = { file = \"key\" }\ntier = \"plugin\"\n\
                 private_hosts = [\"127.0.0.1\"]\n";
    bench.configure(&format!(
        "[warehouse]\nurl = \"file://{}/warehouse\"\n\
         [source]\nplatform = \"crisp\"\nbase_url = \"{}\"\nwebsite_id = \"{WEBSITE_ID}\"\n{token}\
         [target]\nplatform = \"crisp\"\nbase_url = \"{}\"\nwebsite_id = \"{TARGET_ID}\"\n{token}\
         plan = \"unlimited\"\nfiles_base_url = \"{}\"\n",
        bench.folder.path().display(),
        servers.source_url,
        servers.target_url,
        hosted.url,
    ));
    (bench, hosted)
}

/// Runs a verb that must end without a finding.
fn must(bench: &Bench, arguments: &[&str]) {
    let ended = bench.run(arguments);
    assert_eq!(ended.code, 0, "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
}

/// Loads, and lets pass what the target cannot show: every workspace of Crisp has that.
fn load(bench: &Bench) {
    let looked = bench.run(&["check", "target"]);
    let words: Vec<&str> = looked.stderr.split_whitespace().collect();
    let mut arguments = vec!["load"];
    for pair in words.windows(2).filter(|pair| pair[0] == "--acknowledge") {
        arguments.extend(["--acknowledge", pair[1].trim_end_matches(['.', ';', ','])]);
    }
    must(bench, &arguments);
}

fn move_everything(bench: &Bench, servers: &Servers) {
    let extracted = bench.run(&["extract"]);
    assert!(extracted.code <= 1, "{}", extracted.stderr);
    must(bench, &["transform"]);
    must(bench, &["plan"]);
    load(bench);
    assert_reconciled(bench, servers);
}

fn assert_reconciled(bench: &Bench, servers: &Servers) {
    let reconciled = bench.run(&["reconcile"]);
    let why = "select \"table\", source_id, field, expected, found, rule \
               from reconcile.differences where verdict = 'unexplained' limit 20";
    assert_eq!(reconciled.code, 0, "{:#?}\n{}", bench.ask(why), reconciled.stderr);
    let unexplained = "select count(*) from reconcile.differences where verdict = 'unexplained'";
    assert_eq!(bench.number(unexplained), 0);
    let counters = servers.target.counters();
    assert_eq!(counters.outbox, 0, "a customer got a message");
    assert_eq!(counters.untimed, 0, "a message has no time of its own");
    assert_eq!(servers.source.counters().writes_attempted, 0, "the source was written to");
    let held = servers.target.counters().holdings;
    let planned = |table: &str| bench.number(&format!("select count(*) from plan.{table}")) as u64;
    assert_eq!(held.messages, planned("messages"));
    assert_eq!(held.conversations, planned("tickets"));
}

#[test]
fn a_workspace_is_moved_into_another_one_and_every_difference_is_explained() {
    let servers = Servers::start(60);
    let (bench, _hosted) = bench_for(&servers);
    move_everything(&bench, &servers);
    assert!(bench.number("select count(*) from plan.tickets") >= 50);
    let files = "select count(*) from staged.attachments where fetch_status = 'stored'";
    assert!(bench.number(files) > 0, "files were moved");
    // Who is an operator there is seen by the load only; nobody else is assigned.
    let calls = "select sum(forecast.calls) - (select sum(calls.calls) from ledger.calls) - \
                 (select count(*) from reconcile.differences where rule = 'agent_not_in_target') \
                 from plan.forecast";
    assert_eq!(bench.number(calls), 0, "calls made are calls forecast");
    // The read-back lies apart from the snapshots of the source, which has the same platform.
    assert!(bench.path("warehouse/landing/crisp-target/0001").exists());
    must(&bench, &["snapshot", "verify", "crisp/0001"]);
    must(&bench, &["transform"]);
    assert_eq!(bench.number("select count(distinct snapshot) from tickets"), 1);
}

#[test]
fn a_second_rehearsal_into_the_same_workspace_makes_nothing_twice() {
    let servers = Servers::start(45);
    let (bench, _hosted) = bench_for(&servers);
    move_everything(&bench, &servers);
    let before = servers.target.inventory();
    load(&bench);
    must(&bench, &["plan", "--new"]);
    load(&bench);
    assert_eq!(servers.target.inventory(), before);
    assert_reconciled(&bench, &servers);
}

#[test]
fn what_changed_at_the_source_comes_over_and_nothing_else_does() {
    let servers = Servers::start(60);
    let (bench, _hosted) = bench_for(&servers);
    move_everything(&bench, &servers);
    let tickets = bench.ask(
        "select ticket_id from tickets where state = 'resolved' and parts = 1 and \
         messages between 2 and 30 and not is_blocked order by 1 limit 3",
    );
    let ids: Vec<String> =
        tickets.iter().map(|row| row["ticket_id"].as_str().expect("a text").to_owned()).collect();
    let change = |change: Change| servers.source.change(&change).expect("is possible");
    let message = json!({
        "session_id": ids[0], "type": "text", "from": "user", "origin": "chat",
        "content": "one more thing", "fingerprint": 770_001,
        "user": {"user_id": ids[0], "nickname": "visitor"},
    });
    let message = serde_json::value::to_raw_value(&message).expect("is JSON");
    change(Change::Say { message });
    change(Change::State { session_id: ids[1].clone(), state: "pending".to_owned() });
    let text = bench.ask(&format!(
        "select message_id from messages where conversation_id <> '{}' and content_type = 'text' \
         and direction = 'in' and origin = 'chat' and message_id not in \
         (select message_id from attachments) order by 1 limit 1",
        ids[0]
    ));
    let (session, fingerprint) =
        text[0]["message_id"].as_str().and_then(|id| id.split_once('/')).expect("has both");
    change(Change::Edit {
        session_id: session.to_owned(),
        fingerprint: fingerprint.parse().expect("digits"),
        content: json!("what I meant to say"),
    });
    let before = servers.target.counters().holdings;
    assert!(bench.run(&["extract", "--delta"]).code <= 1);
    must(&bench, &["transform"]);
    must(&bench, &["plan", "--delta"]);
    load(&bench);
    let after = servers.target.counters().holdings;
    assert_eq!(after.messages - before.messages, 2, "one appended, one note about an edit");
    assert_eq!(after.conversations, before.conversations);
    assert_reconciled(&bench, &servers);
    let state = format!("select status from readback.tickets where external_id = '{}'", ids[1]);
    assert_eq!(bench.ask(&state)[0]["status"], "pending");

    // A delta of nothing writes nothing.
    assert!(bench.run(&["extract", "--delta"]).code <= 1);
    must(&bench, &["transform"]);
    must(&bench, &["plan", "--delta"]);
    let inventory = servers.target.inventory();
    load(&bench);
    assert_eq!(servers.target.inventory(), inventory);
    assert_reconciled(&bench, &servers);
}

#[test]
fn a_plan_says_weeks_as_weeks_and_what_a_raised_quota_would_give() {
    let servers = Servers::start(60);
    let (bench, _hosted) = bench_for(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    let text = std::fs::read_to_string(bench.path("deskferry.toml")).expect("is there");
    bench.configure(&format!("{text}calls_per_day = 20\n"));
    let planned = bench.run(&["plan"]);
    assert_eq!(planned.code, 0, "{}", planned.stderr);
    assert!(planned.stdout.contains("20 a day"), "{}", planned.stdout);
    assert!(planned.stdout.contains("weeks"), "{}", planned.stdout);
    assert!(planned.stdout.contains("100000 a day"), "{}", planned.stdout);
    assert!(planned.stderr.contains("ask the vendor for a higher one"), "{}", planned.stderr);
    assert!(KEY.len() > 1 && !planned.stdout.contains(KEY), "no secret is shown");
}

#[test]
fn the_demo_of_kustomer_and_crisp_reaches_nobody_and_leaves_nothing_unexplained() {
    let bench = Bench::bare("");
    let demo = bench.run(&["demo", "--pair", "kustomer-crisp", "--conversations", "40"]);
    assert!(demo.code == 0, "{}", demo.stderr);
    assert!(demo.stderr.contains("messages that reached a customer: 0"), "{}", demo.stderr);
    assert!(demo.stderr.contains("no difference is unexplained"), "{}", demo.stderr);
    let config = ["--config", "deskferry-demo/deskferry.toml", "--format", "csv"];
    let number = |ask: &str| {
        let asked = bench.run(&[&["query"][..], &config, &[ask]].concat());
        let number = asked.stdout.lines().last().and_then(|line| line.parse::<u64>().ok());
        number.unwrap_or_else(|| panic!("{}", asked.stdout))
    };
    assert!(number("select count(*) from plan.messages") > 40);
    let articles = "select in_target from reconcile.counts where \"table\" = 'articles'";
    assert_eq!(number(articles), number("select count(*) from plan.articles"));
    assert!(number(articles) > 0, "its help center comes along");
    assert_eq!(number("select count(*) from readback.articles where is_published"), 0);
}
