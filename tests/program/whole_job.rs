//! The whole job: extract, transform, plan, load, reconcile, against both stand-ins.

use std::path::PathBuf;
use std::process::Command;

use emulator::crisp;

use crate::explained::masked;
use crate::program::{Bench, Servers, helpdesk, shop};

/// Moves everything and says what must be true of every move.
fn move_everything(bench: &Bench, servers: &Servers) {
    let extracted = bench.run(&["extract"]);
    assert!(extracted.code <= 1, "{}", extracted.stderr);
    for verb in ["transform", "plan", "load", "reconcile"] {
        let ended = bench.run(&[verb]);
        assert_eq!(ended.code, 0, "{verb}\n{}\n{}", ended.stdout, ended.stderr);
    }
    assert_eq!(servers.gorgias.outbox(), 0, "a customer got a message");
    assert_eq!(servers.crisp.counters().writes_attempted, 0, "the source was written to");
    let unexplained = "select count(*) from reconcile.differences where verdict = 'unexplained'";
    assert_eq!(bench.number(unexplained), 0);
}

#[test]
fn a_shop_is_moved_whole_and_every_difference_is_explained() {
    let servers = Servers::start(shop(60), helpdesk());
    let bench = Bench::new(&servers);
    move_everything(&bench, &servers);
    let unbalanced = "select count(*) from accounting \
                      where received <> staged + quarantined + dropped";
    assert_eq!(bench.number(unbalanced), 0);
    assert!(bench.number("select count(*) from tickets") >= 60);
    let calls = "select sum(forecast.calls) - \
                 (select sum(calls.calls) from ledger.calls where calls.phase <> 'lookups') \
                 from plan.forecast";
    assert_eq!(bench.number(calls), 0, "calls made are calls forecast");
}

/// Compares with a file of `tests/expected`, or writes it anew for `make bless`.
fn assert_prints_what_is_expected(printed: &str, file: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("expected").join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, printed).expect("can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("make bless writes it");
    assert_eq!(printed, expected, "if this is meant, make bless writes {file} anew");
}

/// Which records the stand-in fills in by itself depends on their ids, and these on which of several
/// calls was quicker.
fn without_what_the_vendor_fills(printed: &str) -> String {
    let line = |line: &str| match line.split_once("changed_by_vendor") {
        Some((before, _)) => format!("{before}changed_by_vendor …\n"),
        None => format!("{line}\n"),
    };
    printed.lines().map(line).collect()
}

/// The headers of the models fit their tables, and the dictionary is what they say.
fn assert_described(bench: &Bench, config: &str) {
    let page = bench.run(&["query", "--config", config, "--describe", "--markdown"]);
    assert_eq!((page.code, page.stderr.as_str()), (0, ""), "every header fits its table");
    assert_prints_what_is_expected(&page.stdout, "../../docs/data-dictionary.md");
}

#[test]
fn a_second_rehearsal_into_the_same_target_makes_nothing_twice() {
    let servers = Servers::start(shop(45), helpdesk());
    let bench = Bench::new(&servers);
    move_everything(&bench, &servers);
    let before = servers.gorgias.counters();
    assert_eq!(bench.run(&["load"]).code, 0);
    // A second rehearsal into the same target: a new snapshot, a new build, a new run.
    for verb in ["extract", "transform", "plan", "load"] {
        assert!(bench.run(&[verb]).code <= 1, "{verb}");
    }
    assert_eq!(bench.run(&["snapshot", "verify", "crisp/0001"]).code, 0);
    assert_eq!(bench.run(&["snapshot", "verify", "crisp/0002"]).code, 0);
    let after = servers.gorgias.counters();
    assert_eq!(before.records, after.records);
    assert_eq!(bench.run(&["reconcile"]).code, 0);
}

#[test]
fn a_source_that_pages_differently_is_read_as_completely() {
    let usual = Servers::start(shop(50), helpdesk());
    let odd = Servers::start(
        crisp::Options {
            quirks: crisp::Quirks {
                message_page: 20,
                past_end: crisp::PastEnd::NotFound,
                bound: crisp::Bound::Inclusive,
                short_pages: true,
                ..crisp::Quirks::default()
            },
            ..shop(50)
        },
        helpdesk(),
    );
    let counted = [&usual, &odd].map(|servers| {
        let bench = Bench::new(servers);
        assert!(bench.run(&["extract"]).code <= 1);
        assert_eq!(bench.run(&["transform"]).code, 0);
        let counts = "select (select count(*) from tickets) as tickets, \
                      (select count(*) from messages) as messages, \
                      (select count(*) from customers) as customers, \
                      (select count(*) from attachments) as attachments";
        bench.ask(counts)
    });
    assert_eq!(counted[0], counted[1]);
}

/// Dialogues that people wrote, where `DESKFERRY_CORPUS` names their folder; else a shop that was
/// written out in the same form.
fn corpus(bench: &Bench) -> PathBuf {
    match std::env::var_os("DESKFERRY_CORPUS") {
        Some(folder) => PathBuf::from(folder),
        None => {
            let folder = bench.path("corpus");
            crisp::write_folder(11, 80, &folder).expect("can be written");
            folder
        }
    }
}

#[test]
fn a_folder_of_json_lines_is_moved_whole_and_nothing_is_unexplained() {
    let scratch = Bench::bare("");
    let data = crisp::Data::Folder(corpus(&scratch));
    let servers = Servers::start(crisp::Options { data, ..shop(0) }, helpdesk());
    let bench = Bench::new(&servers);
    move_everything(&bench, &servers);
    assert!(bench.number("select count(*) from messages") > 100);
}

#[test]
fn a_snapshot_passes_coreutils_and_a_changed_byte_is_named() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    let bag = bench.path("warehouse/landing/crisp/0001");
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let check = Command::new("sha256sum")
            .args(["--check", "--quiet", manifest])
            .current_dir(&bag)
            .status();
        assert!(check.expect("coreutils are there").success(), "{manifest}");
    }
    assert_eq!(bench.run(&["snapshot", "verify"]).code, 0);
    let part = bag.join("data/messages/part-00000.parquet");
    let mut bytes = std::fs::read(&part).expect("is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&part, bytes).expect("can be written");
    let verdict = bench.run(&["snapshot", "verify", "crisp/0001"]);
    assert_eq!(verdict.code, 1);
    assert!(verdict.stdout.contains("data/messages/part-00000.parquet was changed"));
}

#[test]
fn the_demo_ends_without_a_finding_and_prints_what_is_expected() {
    let bench = Bench::bare("");
    let demo = bench.run(&["demo", "--conversations", "45"]);
    assert_eq!(demo.code, 0, "{}", demo.stderr);
    assert!(demo.stderr.contains("messages that reached a customer: 0"));
    assert!(demo.stderr.contains("no difference is unexplained"));
    assert_prints_what_is_expected(&without_what_the_vendor_fills(&demo.stdout), "demo.txt");
    let config = "deskferry-demo/deskferry.toml";
    assert_described(&bench, config);
    let asked = bench.run(&["query", "--config", config, "select count(*) from tickets"]);
    assert_eq!(asked.code, 0, "{}", asked.stderr);
    let short = "select ticket_id from tickets where messages between 3 and 5 order by 1 limit 1";
    let short = bench.run(&["query", "--config", config, "--format", "csv", short]);
    let ticket_id = short.stdout.lines().last().expect("has a row");
    let explained = bench.run(&["explain", "--config", config, ticket_id]);
    assert_prints_what_is_expected(&masked(&explained.stdout), "explanation.txt");
}
