//! What goes into a build and what does not: threads and the order of landing change nothing, the
//! user's own models do.

use std::collections::BTreeMap;

use deskferry_transform::{Models, plan_on, stage, stage_on};
use futures::TryStreamExt;
use kernel::{Mapping, RunId, SnapshotId};
use landing::{Warehouse, layout};
use object_store::path::Path;

use crate::fixture::{Record, land, recipe};
use crate::shop;

/// Conversations of the crowd, with so many messages each: several batches of rows, in several
/// files of each stream.
const CONVERSATIONS: usize = 90;
const MESSAGES: usize = 30;

fn memory() -> Warehouse {
    Warehouse::open("memory://").expect("a warehouse in memory opens")
}

/// The shop, and many conversations whose messages share their times.
fn crowd() -> Vec<Record> {
    let mut records = shop::records();
    for number in 0..CONVERSATIONS {
        let (id, person) = (format!("many{number}"), format!("m{}", number % 40));
        let email = format!("m{}@mail.example", number % 30);
        records.push(shop::conversation(&id, &person, "resolved", r#""segments":["many"]"#));
        records.push(shop::person(&person, &email, "Many", "").at(number as i64, 0));
        for place in 0..MESSAGES {
            let sent_ms = 1_704_070_000_000 + (place / 5) as i64;
            let text = format!("\"text {place} of {number}\"");
            let author = if place % 3 == 0 { shop::FROM_ADA } else { "" };
            let message = shop::message_at(&id, place as i64, sent_ms, "text", &text, author);
            records.push(message.at(number as i64, place as i32));
        }
    }
    records
}

/// What changed after the crowd was landed.
fn news() -> Vec<Record> {
    let mut records = Vec::new();
    for number in (0..CONVERSATIONS).step_by(4) {
        let id = format!("many{number}");
        let person = format!("m{}", number % 40);
        records.push(shop::conversation(&id, &person, "pending", ""));
        for place in [1, 7, 40] {
            records.push(shop::message(&id, place, "text", "\"edited\"", ""));
        }
    }
    records
}

/// Lands both as a chain, in order or the other way round.
async fn land_chain(warehouse: &Warehouse, is_reversed: bool) -> Vec<SnapshotId> {
    let mut chain = Vec::new();
    for (number, mut records) in [(1, crowd()), (2, news())] {
        if is_reversed {
            records.reverse();
        }
        let files = if number == 1 { shop::files() } else { Vec::new() };
        chain.push(land(warehouse, "crisp", number, &records, &files).await);
    }
    chain
}

/// SHA-256 of every table below a folder.
async fn hashes(warehouse: &Warehouse, folder: &Path) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    for path in warehouse.list(folder).await.expect("can be listed") {
        let name = path.as_ref().trim_start_matches(folder.as_ref()).to_owned();
        let body = warehouse.get(&path).await.expect("can be read").expect("is there");
        if name.ends_with(".parquet") {
            hashes.insert(name, landing::exchange::sha256(&body));
        }
    }
    hashes
}

#[tokio::test]
async fn the_bytes_do_not_depend_on_threads_or_on_the_order_of_landing() {
    let (mapping, models) = (Mapping::default(), Models::embedded());
    let mut seen = None;
    for (threads, is_reversed) in [(1, false), (2, true), (8, false)] {
        let warehouse = memory();
        let chain = land_chain(&warehouse, is_reversed).await;
        let build = stage_on(threads, &warehouse, "crisp", &chain, &mapping, &models)
            .await
            .expect("the crowd is staged");
        assert_eq!(build.findings, []);
        let messages = build.tables.iter().find(|(name, _)| name == "staged.messages");
        assert!(messages.expect("is a table").1 > 2_500, "there are several batches of rows");
        let run = RunId(1);
        let recipe = recipe(&build.id, &mapping, &models);
        plan_on(threads, &warehouse, recipe, &run).await.expect("the crowd is planned");
        let staged = hashes(&warehouse, &layout::staged(&build.id)).await;
        let planned = hashes(&warehouse, &Path::from("runs")).await;
        assert!(staged.len() > 20 && planned.len() > 6, "all tables are compared");
        match &seen {
            None => seen = Some((staged, planned)),
            Some(first) => assert_eq!(first, &(staged, planned), "{threads} threads"),
        }
    }
}

/// Every object with what marks its version.
async fn objects(warehouse: &Warehouse) -> BTreeMap<String, Option<String>> {
    let listed: Vec<_> = warehouse.store().list(None).try_collect().await.expect("can be listed");
    listed.into_iter().map(|found| (found.location.to_string(), found.e_tag)).collect()
}

#[tokio::test]
async fn an_unchanged_build_is_not_built_again_and_own_models_make_another_one() {
    let warehouse = memory();
    let chain = [land(&warehouse, "crisp", 1, &shop::records(), &shop::files()).await];
    let (mapping, ours) = (Mapping::default(), Models::embedded());
    let first = stage(&warehouse, "crisp", &chain, &mapping, &ours).await.expect("is staged");
    let before = objects(&warehouse).await;
    assert!(before.values().all(Option::is_some), "every object shows its version");
    let again = stage(&warehouse, "crisp", &chain, &mapping, &ours).await.expect("is found");
    assert!(again.reused && again.id == first.id);
    assert_eq!(objects(&warehouse).await, before, "no object is written the second time");

    let sql = "-- grain: one row per status\n-- key: status\nselect status, count(*) as tickets \
               from staged.tickets group by status order by status\n";
    let own = ours.clone().with("2_staged/statuses.sql", sql);
    let other = stage(&warehouse, "crisp", &chain, &mapping, &own).await.expect("is staged");
    assert!(!other.reused && other.id != first.id);
    assert!(other.tables.iter().any(|(name, _)| name == "staged.statuses"));
    let back = stage(&warehouse, "crisp", &chain, &mapping, &ours).await.expect("is found");
    assert!(back.reused && back.id == first.id);
}
