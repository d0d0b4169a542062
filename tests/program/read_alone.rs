//! Fields that no list of the target shows: custom fields, telephone numbers and the meta of
//! tickets are read record by record, of many records a share, and what was changed is found.

use std::io::{Read, Write};

use base64::Engine;
use serde_json::{Value, json};

use crate::program::{ACCOUNT, Bench, KEY, Servers, helpdesk, shop};

/// Changes a record of the target, as somebody might who works there.
fn put(servers: &Servers, path: &str, body: &Value) {
    let host = servers.gorgias_url.trim_start_matches("http://");
    let account = base64::engine::general_purpose::STANDARD.encode(format!("{ACCOUNT}:{KEY}"));
    let body = body.to_string();
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: Basic {account}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(host).expect("listens");
    stream.write_all(request.as_bytes()).expect("can be asked");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answers");
    assert!(reply.starts_with("HTTP/1.1 20"), "{path}: {reply}");
}

/// A shop in a helpdesk, custom fields included.
fn loaded(servers: &Servers) -> Bench {
    let bench = Bench::bare("");
    let sides = bench.configuration(&servers.crisp_url, &servers.gorgias_url);
    bench.configure(&format!("{sides}[mapping]\ncustom_fields = \"create\"\n"));
    for verb in ["extract", "transform", "plan", "load"] {
        let ended = bench.run(&[verb]);
        assert!(ended.code <= i32::from(verb == "extract"), "{verb}\n{}", ended.stderr);
    }
    bench
}

/// Ends with 0 or says what is unexplained.
fn reconcile(bench: &Bench, singly: &str) -> String {
    let ended = bench.run(&["reconcile", "--singly", singly]);
    let why = "select \"table\", source_id, field, expected, found from reconcile.differences \
               where verdict = 'unexplained'";
    assert_eq!(ended.code, 0, "{}\n{:#?}", ended.stderr, bench.ask(why));
    ended.stderr
}

/// The first row of the values that no list shows, of those for which this holds.
fn one(bench: &Bench, holds: &str) -> Value {
    let sql = format!(
        "select source_id, target_id, field, expected from reconcile.unlisted_values \
         where {holds} order by source_id, field limit 1"
    );
    bench.ask(&sql).pop().unwrap_or_else(|| panic!("there is one for which {holds}"))
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row[column].as_str().expect("a text")
}

/// Values by verdict, of those that no list shows.
fn values(bench: &Bench, verdict: &str) -> i64 {
    bench.number(&format!(
        "select coalesce(sum(records), 0) from reconcile.verdicts where verdict = '{verdict}' \
         and \"table\" <> 'messages' and (field in ('phone', 'meta') or field like 'custom_fields.%')"
    ))
}

const READ_ALONE: &str = "select count(distinct concat(\"table\", source_id)) \
    from reconcile.unlisted_values where is_read";
const ALL: &str = "select count(*) from reconcile.unlisted_values";

#[test]
fn what_no_list_shows_is_read_of_a_share_of_the_records_always_the_same() {
    let servers = Servers::start(shop(130), helpdesk());
    let bench = loaded(&servers);
    let said = reconcile(&bench, "4");
    let kinds = "select \"table\", count(*) as records, least(count(*), 100) as wanted \
                 from plan.unlisted group by \"table\" order by \"table\"";
    let kinds = bench.ask(kinds);
    let number = |column: &str| kinds.iter().filter_map(|row| row[column].as_i64()).sum::<i64>();
    let (all, wanted) = (number("records"), number("wanted"));
    assert!(kinds.len() == 2 && wanted < all, "some are not read: {kinds:?}");
    assert_eq!(bench.number(READ_ALONE), wanted);
    let sentence = format!("--singly 100 reads them, in {} more calls", all - wanted);
    assert!(said.contains(&sentence), "{said}");
    assert!(values(&bench, "exact") > 0 && values(&bench, "not_read") > 0);
    let read = "select \"table\", source_id, field from reconcile.unlisted_values where is_read \
                order by 1, 2, 3";
    let first = bench.ask(read);
    reconcile(&bench, "4");
    assert_eq!(bench.ask(read), first, "two readings ask for the same records");
    let said = reconcile(&bench, "100");
    assert!(!said.contains("--singly"), "{said}");
    assert_eq!(bench.number(READ_ALONE), all);
    assert_eq!(values(&bench, "exact"), bench.number(ALL));
    assert_eq!(values(&bench, "not_read"), 0);
}

#[test]
fn what_somebody_changed_where_no_list_shows_it_is_found_when_all_are_read() {
    let servers = Servers::start(shop(40), helpdesk());
    let bench = loaded(&servers);
    reconcile(&bench, "100");
    for (table, field) in
        [("customers", "phone"), ("tickets", "meta"), ("tickets", "custom_fields.%")]
    {
        let exact = format!(
            "select coalesce(sum(records), 0) from reconcile.verdicts \
             where \"table\" = '{table}' and field like '{field}' and verdict = 'exact'"
        );
        assert!(bench.number(&exact) > 0, "{field}");
    }
    let field = one(&bench, "field like 'custom_fields.%' and expected like '\"%'");
    let ticket =
        one(&bench, &format!("field = 'meta' and source_id <> '{}'", text(&field, "source_id")));
    let customer = one(&bench, "field = 'phone'");
    change(&servers, &bench, &field, &ticket, &customer);
    let ended = bench.run(&["reconcile", "--singly", "100"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let unexplained = "select source_id, field from reconcile.differences \
                       where verdict = 'unexplained' order by source_id, field";
    let found = bench.ask(unexplained);
    let mut wanted = [&field, &ticket, &customer]
        .map(|row| json!({"source_id": text(row, "source_id"), "field": text(row, "field")}));
    wanted.sort_by_key(|row| (text(row, "source_id").to_owned(), text(row, "field").to_owned()));
    assert_eq!(found, wanted);
    let told =
        "select found from reconcile.differences where field = 'phone' and verdict = 'unexplained'";
    assert_eq!(bench.ask(told), [json!({"found": "+4915112345678"})]);
    let said = reconcile(&bench, "0");
    assert!(said.contains("--singly 100"), "{said}");
    assert_eq!(values(&bench, "not_read"), bench.number(ALL));
}

/// One change of each kind, and what is no loss: a number and a member that nobody planned.
fn change(servers: &Servers, bench: &Bench, field: &Value, ticket: &Value, customer: &Value) {
    let kind = if text(field, "source_id").starts_with("session_") { "ticket" } else { "customer" };
    let name = text(field, "field").trim_start_matches("custom_fields.");
    let id = bench.number(&format!(
        "select cast(target_id as bigint) as id from ledger.records \
         where kind = 'field' and source_id = '{kind}:{name}'"
    ));
    let path = format!("/api/{kind}s/{}/custom-fields", text(field, "target_id"));
    put(servers, &path, &json!([{"id": id, "value": "changed by hand"}]));
    let path = format!("/api/tickets/{}", text(ticket, "target_id"));
    put(servers, &path, &json!({"meta": {"source": "crisp"}}));
    give_number(servers, bench, text(customer, "target_id"));
    let nobody = "select target_id from ledger.records inner join plan.customers \
                  on records.source_id = customers.customer_id \
                  where customers.phone is null and records.target_id is not null \
                  order by 1 limit 1";
    give_number(servers, bench, text(&bench.ask(nobody)[0], "target_id"));
}

/// Gives a customer this number and no other; the e-mail address stays.
fn give_number(servers: &Servers, bench: &Bench, target_id: &str) {
    let email = format!("select email from readback.customers where target_id = '{target_id}'");
    let mut channels =
        vec![json!({"type": "phone", "address": "+4915112345678", "preferred": true})];
    if let Some(email) = bench.ask(&email)[0]["email"].as_str() {
        channels.push(json!({"type": "email", "address": email, "preferred": true}));
    }
    put(servers, &format!("/api/customers/{target_id}"), &json!({"channels": channels}));
}
