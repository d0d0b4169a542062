//! The help center of a source, replayed into Crisp: from Kustomer into the older generation, from
//! Crisp into the newer one.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emulator::{crisp, kustomer};
use serde_json::{Value, json};

use crate::hosted::Hosted;
use crate::program::{Bench, KEY, WEBSITE_ID, shop};

/// The workspace that is moved into.
const TARGET_ID: &str = "5ba7b810-9dad-41d1-80b4-00c04fd430c8";
/// Phases of the replay that are about the help center alone.
const PHASES: &str = "('help_center_read', 'sections_create', 'articles_create')";

/// Where the help center comes from.
enum Source {
    Crisp(crisp::Emulator),
    Kustomer,
}

/// Both sides, serving in this process, and the files that the customer serves.
struct Sides {
    source: Source,
    source_url: String,
    target: crisp::Emulator,
    bench: Bench,
    _hosted: Hosted,
    _runtime: tokio::runtime::Runtime,
}

impl Sides {
    fn from_kustomer(mapping: &str) -> Self {
        Self::start(None, crisp::Helpdesk::Legacy, mapping)
    }

    fn from_crisp(mapping: &str) -> Self {
        let quirks = crisp::Quirks { helpdesk: crisp::Helpdesk::New, ..crisp::Quirks::default() };
        let source = crisp::Emulator::new(crisp::Options { quirks, writable: true, ..shop(20) });
        let source = source.expect("the shop can be served");
        Self::start(Some(source), crisp::Helpdesk::New, mapping)
    }

    fn start(source: Option<crisp::Emulator>, helpdesk: crisp::Helpdesk, mapping: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let listen = || {
            let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
            let listener = listener.expect("a port is free");
            let url = format!("http://{}/v1", listener.local_addr().expect("is bound"));
            (listener, url)
        };
        let target = crisp::Emulator::new(workspace(helpdesk)).expect("a workspace is served");
        let (listener, target_url) = listen();
        let serving = target.clone();
        runtime.spawn(async move { serving.serve(listener).await });
        let (listener, source_url) = listen();
        let token = "identifier = { file = \"key\" }\nkey = { file = \"key\" }\n\
                     tier = \"plugin\"\nprivate_hosts = [\"127.0.0.1\"]\n";
        let (source, source_text) = match source {
            Some(crisp) => {
                let serving = crisp.clone();
                runtime.spawn(async move { serving.serve(listener).await });
                let text = format!(
                    "platform = \"crisp\"\nbase_url = \"{source_url}\"\n\
                     website_id = \"{WEBSITE_ID}\"\n{token}"
                );
                (Source::Crisp(crisp), text)
            }
            None => {
                let kustomer = kustomer::Emulator::new(organisation());
                runtime.spawn(async move { kustomer.serve(listener).await });
                let text = format!(
                    "platform = \"kustomer\"\nbase_url = \"{source_url}\"\norg = \"acme\"\n\
                     api_key = {{ file = \"key\" }}\nprivate_hosts = [\"127.0.0.1\"]\n\
                     calls_per_window = 1000000\nwindow_s = 1\n"
                );
                (Source::Kustomer, text)
            }
        };
        let bench = Bench::bare("");
        let hosted = Hosted::serve(bench.path("warehouse/hosted"));
        bench.configure(&format!(
            "[warehouse]\nurl = \"file://{}/warehouse\"\n[source]\n{source_text}\
             [target]\nplatform = \"crisp\"\nbase_url = \"{target_url}\"\n\
             website_id = \"{TARGET_ID}\"\n{token}plan = \"unlimited\"\n\
             files_base_url = \"{}\"\n[mapping]\n{mapping}",
            bench.folder.path().display(),
            hosted.url,
        ));
        Self { source, source_url, target, bench, _hosted: hosted, _runtime: runtime }
    }

    fn number(&self, sql: &str) -> i64 {
        self.bench.number(sql)
    }

    /// Runs a verb that must end without a finding.
    fn must(&self, arguments: &[&str]) {
        let ended = self.bench.run(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}\n{}\n{}", ended.stdout, ended.stderr);
    }

    fn plan(&self) {
        let extracted = self.bench.run(&["extract"]);
        assert!(extracted.code <= 1, "{}", extracted.stderr);
        self.must(&["transform"]);
        self.must(&["plan"]);
    }

    /// Loads, and lets pass what the target cannot show: every workspace of Crisp has that.
    fn load(&self) {
        let looked = self.bench.run(&["check", "target"]);
        let words: Vec<&str> = looked.stderr.split_whitespace().collect();
        let mut arguments = vec!["load"];
        for pair in words.windows(2).filter(|pair| pair[0] == "--acknowledge") {
            arguments.extend(["--acknowledge", pair[1].trim_end_matches(['.', ';', ','])]);
        }
        self.must(&arguments);
    }

    fn reconcile(&self) {
        let reconciled = self.bench.run(&["reconcile"]);
        let why = "select \"table\", source_id, field, expected, found, rule \
                   from reconcile.differences where verdict = 'unexplained' limit 20";
        assert_eq!(reconciled.code, 0, "{:#?}\n{}", self.bench.ask(why), reconciled.stderr);
        assert_eq!(self.target.counters().outbox, 0, "a customer got a message");
    }

    /// Everything that is planned of the help center is in the target, once, at the calls that
    /// were forecast.
    fn assert_carried(&self) {
        let planned = |table: &str| self.number(&format!("select count(*) from plan.{table}"));
        let held = self.target.counters().holdings;
        assert!(planned("articles") > 0 && planned("sections") > 0);
        assert_eq!(held.articles as i64, planned("articles"));
        assert_eq!(held.sections as i64, planned("sections"));
        let in_target = "select sum(in_target) from reconcile.counts \
                         where \"table\" in ('articles', 'sections')";
        assert_eq!(self.number(in_target), planned("articles") + planned("sections"));
        let calls = format!(
            "select (select sum(calls) from plan.forecast where phase in {PHASES}) \
             - (select sum(calls) from ledger.calls where phase in {PHASES})"
        );
        assert_eq!(self.number(&calls), 0, "calls made are calls forecast");
    }

    /// Writes to the help center of the source, as somebody might who works there.
    fn write(&self, method: &str, path: &str, body: &Value) {
        let address = self.source_url.trim_start_matches("http://").trim_end_matches("/v1");
        let (account, body) = (STANDARD.encode(format!("{KEY}:{KEY}")), body.to_string());
        let request = format!(
            "{method} /v1/website/{WEBSITE_ID}/helpdesk/{path} HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Basic {account}\r\nX-Crisp-Tier: plugin\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let mut stream = std::net::TcpStream::connect(address).expect("listens");
        stream.write_all(request.as_bytes()).expect("can be asked");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).expect("answers");
        assert!(reply.starts_with("HTTP/1.1 20"), "{method} {path}: {reply}");
    }

    /// Brings over what changed since.
    fn follow(&self) {
        assert!(self.bench.run(&["extract", "--delta"]).code <= 1);
        self.must(&["transform"]);
        self.must(&["plan", "--delta"]);
        self.load();
        self.reconcile();
    }

    /// A second load, and the load of another plan of the same, make nothing.
    fn assert_made_once(&self) {
        let before = self.target.inventory();
        self.load();
        self.must(&["plan", "--new"]);
        self.load();
        assert_eq!(self.target.inventory(), before);
        self.reconcile();
        let held = self.target.counters().holdings;
        assert_eq!(held.articles as i64, self.number("select count(*) from plan.articles"));
    }
}

/// An empty workspace with a help center in English and French.
fn workspace(helpdesk: crisp::Helpdesk) -> crisp::Options {
    let operator = |name: &str| crisp::Operator {
        email: format!("{name}@shop.example"),
        name: name.to_owned(),
        role: "member".to_owned(),
    };
    crisp::Options {
        data: crisp::Data::Empty(["ada", "bo", "agent0", "agent1"].map(operator).into()),
        website_id: TARGET_ID.to_owned(),
        writable: true,
        quirks: crisp::Quirks { helpdesk, ..crisp::Quirks::default() },
        ..shop(0)
    }
}

fn organisation() -> kustomer::Options {
    kustomer::Options {
        seed: 5,
        conversations: 20,
        api_key: KEY.to_owned(),
        ..kustomer::Options::default()
    }
}

#[test]
fn a_help_center_of_kustomer_becomes_drafts_of_the_older_generation() {
    let sides = Sides::from_kustomer("help_center = \"legacy\"\n");
    sides.plan();
    let lost = "select count(*) from losses.records where stream = 'kb_articles' \
                and rule = 'article_internal'";
    assert!(sides.number(lost) > 0, "some are for the team only");
    let internal = "select count(*) from plan.articles \
                    inner join staged.kb_articles as told \
                    on articles.article_id = told.article_id where told.visibility = 'internal'";
    assert_eq!(sides.number(internal), 0);
    sides.load();
    sides.reconcile();
    sides.assert_carried();
    assert!(sides.target.public_articles().is_empty(), "nobody asked for anything public");
    let pictures = "select count(*) from reconcile.differences where \"table\" = 'articles' \
                    and rule = 'picture_address_changed'";
    assert!(sides.number(pictures) > 0, "pictures have new addresses");
    sides.assert_made_once();
    assert!(sides.target.public_articles().is_empty());
}

#[test]
fn a_help_center_of_crisp_is_published_as_it_was_in_the_newer_generation() {
    let sides = Sides::from_crisp("help_center = \"new\"\narticles = \"published\"\n");
    sides.plan();
    sides.load();
    sides.reconcile();
    sides.assert_carried();
    let Source::Crisp(source) = &sides.source else { panic!("it comes from Crisp") };
    let sorted = |mut articles: Vec<(String, String, String)>| {
        articles.sort();
        articles
    };
    assert_eq!(sorted(sides.target.public_articles()), sorted(source.public_articles()));
    // Its draft has no text that anybody hands out, so it is not made.
    let lost = "select count(*) from losses.records where rule = 'article_without_text'";
    assert_eq!(sides.number(lost), 1);
    sides.assert_made_once();
    assert_eq!(sorted(sides.target.public_articles()), sorted(source.public_articles()));
}

#[test]
fn what_is_new_in_a_help_center_follows_and_what_was_edited_is_told() {
    let sides = Sides::from_crisp("help_center = \"new\"\narticles = \"published\"\n");
    sides.plan();
    sides.load();
    sides.reconcile();
    let before = sides.target.inventory();
    // A delta of nothing writes nothing.
    sides.follow();
    assert_eq!(sides.target.inventory(), before);
    let planned = format!("select sum(calls) from plan.forecast where phase in {PHASES}");
    assert_eq!(sides.number(&planned), 0);

    sides.write("PUT", "tree/content/en/news/we-moved", &json!({"content": "Moved again!"}));
    // What hangs on a page is read again when the page's own record changed.
    let metadata = json!({"title": "We moved again"});
    sides.write("PATCH", "tree/metadata/en/news/we-moved", &metadata);
    sides.write("POST", "tree/path/en/news/we-grew", &json!({}));
    sides.write("PUT", "tree/content/en/news/we-grew", &json!({"content": "By one."}));
    let metadata = json!({"title": "We grew", "state": {"published": true}});
    sides.write("PATCH", "tree/metadata/en/news/we-grew", &metadata);
    sides.write("POST", "refresh/en/news", &json!({}));
    let held = sides.target.counters().holdings;
    sides.follow();
    assert_eq!(sides.target.counters().holdings.articles, held.articles + 1);
    let shown = sides.target.public_articles();
    assert!(shown.iter().any(|(_, _, title)| title == "We grew"), "{shown:?}");
    let changes = sides.bench.ask(
        "select kind, change, becomes from plan.changes \
         where kind in ('section', 'article') order by change",
    );
    let expected = [
        json!({"kind": "article", "change": "created", "becomes": "create"}),
        json!({"kind": "article", "change": "edited", "becomes": "report"}),
    ];
    assert_eq!(changes, expected);
    let told = "select count(*) from reconcile.differences where \"table\" = 'articles' \
                and field in ('body', 'title') and rule = 'article_changed_after_load'";
    assert_eq!(sides.number(told), 2);
}

#[test]
fn a_help_center_that_nobody_asked_for_stays_where_it_is() {
    let sides = Sides::from_kustomer("");
    sides.plan();
    let all = "select (select count(*) from staged.kb_articles) \
               + (select count(*) from staged.kb_categories)";
    let lost = "select count(*) from losses.records where rule = 'help_center_not_carried' \
                and detail like '%help_center%'";
    assert!(sides.number(all) > 0);
    assert_eq!(sides.number(lost), sides.number(all));
    sides.load();
    sides.reconcile();
    let held = sides.target.counters().holdings;
    assert_eq!((held.sections, held.articles), (0, 0));
    let calls = format!("select coalesce(sum(calls), 0) from ledger.calls where phase in {PHASES}");
    assert_eq!(sides.number(&calls), 0);
}
