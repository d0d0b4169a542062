//! A Kustomer organisation moved into Gorgias: the staged tables are where every source meets every
//! target.

use emulator::{gorgias, kustomer};

use crate::program::{ACCOUNT, Bench, KEY, Served, helpdesk, serve_gorgias};

/// Both stand-ins, serving for as long as it lives.
struct Sides {
    kustomer: kustomer::Emulator,
    url: String,
    gorgias: Served,
    _runtime: tokio::runtime::Runtime,
}

impl Sides {
    fn start(conversations: usize) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let options = kustomer::Options {
            seed: 5,
            conversations,
            api_key: KEY.to_owned(),
            ..kustomer::Options::default()
        };
        let kustomer = kustomer::Emulator::new(options);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port is free");
        let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
        let serving = kustomer.clone();
        runtime.spawn(async move { serving.serve(listener).await });
        let agent = |place: usize| gorgias::Agent {
            email: format!("agent{place}@shop.example"),
            name: format!("Agent {place}"),
            role: "agent".to_owned(),
        };
        // One of those who wrote has no account in the target.
        let agents = [0, 1, 2, 5].map(agent).into();
        let gorgias = serve_gorgias(gorgias::Options { agents, ..helpdesk() });
        Self { kustomer, url, gorgias, _runtime: runtime }
    }

    fn bench(&self, more: &str) -> Bench {
        let bench = Bench::bare("");
        bench.configure(&format!(
            "[warehouse]\nurl = \"file://{}/warehouse\"\n\
             [source]\nplatform = \"kustomer\"\nbase_url = \"{}\"\norg = \"acme\"\n\
             api_key = {{ file = \"key\" }}\nprivate_hosts = [\"127.0.0.1\"]\n\
             calls_per_window = 1000000\nwindow_s = 1\n\
             [target]\nplatform = \"gorgias\"\nbase_url = \"{}\"\n\
             email = \"{ACCOUNT}\"\napi_key = {{ file = \"key\" }}\n\
             calls_per_window = 1000000\nwindow_s = 1\n{more}",
            bench.folder.path().display(),
            self.url,
            self.gorgias.url,
        ));
        bench
    }
}

/// Moves everything, and says what must be true of every move.
fn move_everything(sides: &Sides, bench: &Bench) {
    let extracted = bench.run(&["extract"]);
    assert!(extracted.code <= 1, "{}", extracted.stderr);
    for verb in ["transform", "plan", "load", "reconcile"] {
        let ended = bench.run(&[verb]);
        assert_eq!(ended.code, 0, "{verb}\n{}\n{}", ended.stdout, ended.stderr);
    }
    assert_eq!(sides.gorgias.gorgias.outbox(), 0, "a customer got a message");
    let unexplained = "select count(*) from reconcile.differences where verdict = 'unexplained'";
    assert_eq!(bench.number(unexplained), 0);
    let unbalanced = "select count(*) from accounting \
                      where received <> staged + quarantined + dropped";
    assert_eq!(bench.number(unbalanced), 0);
    assert_eq!(bench.number("select count(*) from coverage where fate = 'undecided'"), 0);
}

#[test]
fn a_kustomer_organisation_is_moved_into_gorgias_and_every_difference_is_explained() {
    let sides = Sides::start(60);
    let bench = sides.bench("");
    move_everything(&sides, &bench);
    let inventory = sides.kustomer.inventory();
    let held = |kind: &str| inventory[kind].len() as i64;
    let staged = |table: &str| bench.number(&format!("select count(*) from {table}"));
    assert_eq!(staged("tickets"), held("conversations"));
    assert_eq!(staged("messages"), held("messages") + held("notes"));
    assert_eq!(staged("companies"), held("companies"));
    assert_eq!(staged("agents"), held("users"));
    assert_eq!(bench.number("select count(*) from messages where kind = 'note'"), held("notes"));
    // What stands as a tag is a name, never an id.
    let ids = "select count(*) from ticket_tags where regexp_like(tag, '^[0-9a-f]{24}$')";
    assert_eq!(bench.number(ids), 0);
    assert!(bench.number("select count(*) from ticket_tags where rule = 'segment'") > 0);
    // A value that the key may not see is a loss, not eight stars.
    let hidden = "select count(*) from losses.records where rule = 'value_masked'";
    assert_eq!(bench.number(hidden), held("customers"));
    assert_eq!(
        bench.number("select count(*) from custom_field_values where value like '****%'"),
        0
    );
    let types = "select count(*) from custom_fields \
                 where field in ('amountNum', 'refundBool', 'dueAt', 'orderIdStr') \
                 and (field, type) in (('amountNum', 'number'), ('refundBool', 'boolean'), \
                 ('dueAt', 'date'), ('orderIdStr', 'text'))";
    assert_eq!(bench.number(types), 4);
    // An attachment whose host gives no address is named in its message.
    let nameless = "select count(*) from attachments where reason = 'no_address'";
    assert!(bench.number(nameless) > 0);
    // A long message is landed as a file, and whole.
    let whole = "select count(*) from source.originals where content is not null";
    assert!(bench.number(whole) > 0);
    assert_eq!(bench.number("select count(*) from messages where is_text_partial"), 0);
    let longest = "select max(char_length(body_text)) from messages where origin = 'email'";
    assert!(bench.number(longest) > 240, "more than a preview");
}

#[test]
fn a_filter_leaves_out_by_rule_and_is_kept_with_the_run() {
    let sides = Sides::start(60);
    let bench = sides.bench("[filter]\nchannels = [\"email\"]\nstates = [\"resolved\"]\n");
    move_everything(&sides, &bench);
    let all = sides.kustomer.inventory()["conversations"].len() as i64;
    let kept = bench.number("select count(*) from tickets");
    assert!(kept > 0 && kept < all, "{kept} of {all}");
    let others = "select count(*) from tickets where origin <> 'email' or state <> 'resolved'";
    assert_eq!(bench.number(others), 0);
    let dropped = "select count(*) from losses.records \
                   where rule in ('filtered_by_channel', 'filtered_by_state')";
    assert_eq!(bench.number(dropped), all - kept);
    let facts = std::fs::read_to_string(bench.path("warehouse/runs/0001/run.json"));
    let facts: serde_json::Value =
        serde_json::from_str(&facts.expect("is there")).expect("is JSON");
    let expected = serde_json::json!([["channels", "[\"email\"]"], ["states", "[\"resolved\"]"]]);
    assert_eq!(facts["filters"], expected);
}

#[test]
fn what_was_said_in_kustomer_since_the_load_comes_over_once() {
    let sides = Sides::start(40);
    let bench = sides.bench("");
    move_everything(&sides, &bench);
    let before = sides.gorgias.gorgias.counters().records;
    let open = bench.ask(
        "select ticket_id from messages where direction = 'in' and ticket_id not in \
         (select ticket_id from messages where has_embedded_pictures) order by ticket_id",
    );
    let talks: Vec<&str> = open.iter().filter_map(|row| row["ticket_id"].as_str()).collect();
    let said = |id: &str, text: &str| {
        let mut talks = talks.iter().filter(|talk| sides.kustomer.say(talk, id, text));
        (*talks.next().expect("a customer wrote somewhere")).to_owned()
    };
    let ticket = said("5f00000000000000000000aa", "one more thing");
    let deleted = bench.ask(&format!(
        "select source_id from messages where kind = 'message' and ticket_id <> '{ticket}' \
         order by 1 limit 1"
    ));
    let deleted = deleted[0]["source_id"].as_str().expect("a text");
    assert!(sides.kustomer.delete("messages", deleted));

    let delta = || {
        assert!(bench.run(&["extract", "--delta"]).code <= 1);
        for arguments in [&["transform"][..], &["plan", "--delta"], &["load"], &["reconcile"]] {
            let ended = bench.run(arguments);
            assert_eq!(ended.code, 0, "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
        }
        assert_eq!(sides.gorgias.gorgias.outbox(), 0, "a customer got a message");
        sides.gorgias.gorgias.counters().records
    };
    let after = delta();
    assert_eq!(after["messages"] - before["messages"], 1);
    assert_eq!(after["tickets"], before["tickets"]);
    let came = format!(
        "select count(*) from plan.messages where ticket_id = '{ticket}' \
         and body_text = 'one more thing'"
    );
    assert_eq!(bench.number(&came), 1);
    let removed =
        "select count(*) from plan.changes where change = 'removed' and becomes = 'report'";
    assert!(bench.number(removed) > 0);
    assert_eq!(delta(), after, "a delta of nothing adds nothing");
}
