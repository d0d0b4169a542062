//! Owns what the stand-in shows about itself for tests: every record as it is held, past all that
//! stands between a caller and the vendor. It must not know who judges it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::show::{self, CustomerForm, TicketView};
use super::store::Store;
use super::store::people::Person;
use super::store::rows::Kind;

/// Users, customers, tags, tickets with their messages, and what lies behind each upload's path.
///
/// Messages stand in the order in which they were made, which their ids show, and tickets too.
pub(super) fn records(store: &Store) -> Value {
    let origin = store.origins.last().map(String::as_str).unwrap_or_default();
    let (mut users, mut customers) = (Vec::new(), Vec::new());
    for person in store.people.everybody() {
        match person {
            Person::User(user) => users.push(show::user(user, origin)),
            Person::Customer(customer) => {
                customers.push(show::customer(customer, CustomerForm::Full));
            }
            Person::Merged(_) | Person::Gone => {}
        }
    }
    let tags: Vec<&Value> = {
        let rows = store.rows.table(Kind::Tag).iter();
        rows.filter_map(|(_, row)| row.get("name")).collect()
    };
    let mut ids: Vec<u64> = store.desk.created.iter().map(|(_, id)| *id).collect();
    ids.sort_unstable();
    let tickets = ids.into_iter().filter_map(|id| store.desk.ticket(id));
    let tickets: Vec<Value> = tickets
        .filter_map(|ticket| {
            let mut shown = serde_json::to_value(TicketView { store, ticket }).ok()?;
            let messages = shown["messages"].as_array_mut()?;
            messages.sort_by_key(|message| message["id"].as_u64());
            Some(shown)
        })
        .collect();
    let uploads: BTreeMap<&str, &str> = {
        let known = store.uploads.iter();
        known.map(|(path, upload)| (&**path, upload.sha256.as_str())).collect()
    };
    json!({
        "users": users, "customers": customers, "tags": tags, "tickets": tickets,
        "uploads": uploads,
    })
}
