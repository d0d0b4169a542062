//! Bad input gives one clear error, exit code 2, and loses nothing.

use emulator::crisp;

use crate::program::{Bench, Ended, Servers, WEBSITE_ID, helpdesk, shop};

/// One error, one hint, exit code 2, and no secret in either.
fn assert_clear(ended: &Ended, error: &str, hint: &str) {
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    let line = |start: &str| {
        let mut lines = ended.stderr.lines().filter(|line| line.starts_with(start));
        let found = lines.next().unwrap_or_else(|| panic!("no {start} in {}", ended.stderr));
        assert_eq!(lines.next(), None, "more than one {start}");
        found.to_owned()
    };
    assert!(line("error: ").contains(error), "{}", ended.stderr);
    assert!(line("hint: ").contains(hint), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn wrong_credentials_are_named_and_the_right_ones_go_on() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    std::fs::write(bench.path("key"), "wrong\n").expect("can be written");
    let refused = bench.run(&["extract"]);
    assert_clear(&refused, "credentials are refused", "check user and key");
    assert!(!refused.stderr.contains("wrong"));
    std::fs::write(bench.path("key"), "demo-key\n").expect("can be written");
    assert!(bench.run(&["extract"]).code <= 1);
}

#[test]
fn a_missing_website_id_says_where_to_find_it() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&text.replace(&format!("website_id = \"{WEBSITE_ID}\"\n"), ""));
    assert_clear(&bench.run(&["extract"]), "website_id is missing", "Crisp app");
}

#[test]
fn a_website_id_that_is_not_there_is_named() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&text.replace(WEBSITE_ID, "00000000-0000-4000-8000-000000000000"));
    assert_clear(&bench.run(&["extract"]), "reading ", "check");
}

#[test]
fn a_warehouse_that_cannot_be_opened_says_what_an_address_looks_like() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    let text = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    let url = format!("file://{}/warehouse", bench.folder.path().display());
    for wrong in ["/srv/move", "ftp://host/x", "file:///proc/nowhere/x"] {
        bench.configure(&text.replace(&url, wrong));
        assert_clear(&bench.run(&["extract"]), "cannot be opened", "file:///");
    }
}

#[test]
fn a_target_that_is_not_gorgias_is_recognized_before_anything_is_written() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    // Crisp's stand-in answers, but as something else.
    bench.configure(&bench.configuration(&servers.crisp_url, &servers.crisp_url));
    assert!(bench.run(&["extract"]).code <= 1);
    assert_eq!(bench.run(&["plan"]).code, 0);
    let refused = bench.run(&["load"]);
    assert_clear(&refused, "not a Gorgias", "base_url");
    assert_eq!(servers.crisp.counters().writes_attempted, 0);
    bench.configure(&bench.configuration(&servers.crisp_url, &servers.gorgias_url));
    assert_eq!(bench.run(&["plan"]).code, 0);
    assert_eq!(bench.run(&["load"]).code, 0);
}

#[test]
fn a_reply_that_breaks_off_is_asked_for_again_and_then_reported() {
    let source = crisp::Options {
        faults: crisp::Faults { truncated: 1_000, ..crisp::Faults::default() },
        ..shop(40)
    };
    let servers = Servers::start(source, helpdesk());
    let bench = Bench::new(&servers);
    assert_clear(&bench.run(&["extract"]), "", "run the same command again");
}

#[test]
fn faults_that_pass_are_survived() {
    let source = crisp::Options {
        faults: crisp::Faults {
            seed: 5,
            truncated: 20,
            server_5xx: 20,
            non_json: 20,
            too_many_429: 10,
            too_many_420: 10,
            dropped: 10,
            ..crisp::Faults::default()
        },
        ..shop(40)
    };
    let servers = Servers::start(source, helpdesk());
    let bench = Bench::new(&servers);
    let extracted = bench.run(&["extract"]);
    assert!(extracted.code <= 1, "{}", extracted.stderr);
    assert_eq!(bench.run(&["transform"]).code, 0);
}

#[test]
fn a_corpus_line_that_is_not_json_is_named_by_file_and_line() {
    let bench = Bench::bare("");
    let corpus = bench.path("corpus");
    crisp::write_folder(3, 40, &corpus).expect("can be written");
    let file = corpus.join("messages.jsonl");
    let text = std::fs::read_to_string(&file).expect("is there");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[4] = "{\"session_id\": ";
    std::fs::write(&file, lines.join("\n")).expect("can be written");
    let folder = corpus.display().to_string();
    let refused = bench.run(&["emulator", "crisp", "--port", "0", "--data", &folder]);
    assert_clear(&refused, "messages.jsonl", "correct the line");
    assert!(refused.stderr.contains('5'), "{}", refused.stderr);
    let refused = bench.run(&["demo", "--data", &folder]);
    assert_clear(&refused, "messages.jsonl", "correct the line");
}

#[test]
fn a_statement_that_would_write_is_refused() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = Bench::new(&servers);
    assert!(bench.run(&["extract"]).code <= 1);
    assert_eq!(bench.run(&["transform"]).code, 0);
    let target = bench.path("out.csv").display().to_string();
    for sql in [
        format!("copy (select 1) to '{target}'"),
        "create table x as select 1".to_owned(),
        "drop table tickets".to_owned(),
        "insert into tickets select * from tickets".to_owned(),
        format!("create external table x stored as csv location '{target}'"),
        "set datafusion.execution.batch_size = 1".to_owned(),
    ] {
        let refused = bench.run(&["query", &sql]);
        assert_eq!(refused.code, 2, "{sql}");
    }
    assert!(!bench.path("out.csv").exists());
}
