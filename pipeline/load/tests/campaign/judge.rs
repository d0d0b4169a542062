//! The judgement: what the plan says against what the stand-in holds, record by record.
//!
//! Both are brought into one form by a stand, which knows its vendor; the form is the same whatever
//! ids and upload addresses happened to be. It must not know the loader.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

/// Everything that a replay brings, sorted; whatever is there twice stands there twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Holdings {
    pub customers: Vec<Value>,
    pub tags: Vec<Value>,
    /// Tickets with their messages in order.
    pub tickets: Vec<Value>,
    /// Sections and articles of the help center, each with the ids of what it hangs in.
    pub pages: Vec<Value>,
}

/// Kinds and ids of records that are there more than once.
pub type Doubles = BTreeSet<(&'static str, String)>;

impl Holdings {
    /// Brings each list into an order that does not depend on how it came.
    pub fn sort(&mut self) {
        for list in [&mut self.customers, &mut self.tags, &mut self.tickets, &mut self.pages] {
            list.sort_by_key(Value::to_string);
        }
    }

    /// Says where two holdings differ first; nothing when they are the same.
    pub fn difference(&self, found: &Self) -> Option<String> {
        let lists = [
            ("customers", &self.customers, &found.customers),
            ("tags", &self.tags, &found.tags),
            ("tickets", &self.tickets, &found.tickets),
            ("pages", &self.pages, &found.pages),
        ];
        for (name, expected, found) in lists {
            if expected == found {
                continue;
            }
            let missing = without(expected, found);
            let surplus = without(found, expected);
            let twin =
                |record: &&Value| missing.first().is_some_and(|one| one["id"] == record["id"]);
            let place = match (missing.first(), surplus.iter().find(twin)) {
                (Some(one), Some(twin)) => first_difference(one, twin, ""),
                (one, _) => one.or(surplus.first()).map(Value::to_string).unwrap_or_default(),
            };
            return Some(format!(
                "{name}: {} planned, {} there, {} missing, {} surplus; {place:.2000}",
                expected.len(),
                found.len(),
                missing.len(),
                surplus.len()
            ));
        }
        None
    }

    /// Takes out what is there more than once, so that the rest can be compared, and names it. Of
    /// two records the one stays that is as planned; a doubled ticket stands for its messages.
    pub fn take_doubles(&mut self, planned: &Self) -> Doubles {
        let planned: BTreeSet<String> = {
            let lists = planned.customers.iter().chain(&planned.tickets).chain(&planned.pages);
            lists.map(Value::to_string).collect()
        };
        let mut messages = BTreeMap::new();
        for ticket in &mut self.tickets {
            let id = ticket["id"].as_str().unwrap_or_default().to_owned();
            let list = ticket["messages"].as_array_mut().expect("a list");
            let later = take_later(list, |message| &message["id"]);
            messages.entry(id).or_insert_with(Vec::new).extend(later);
        }
        let is_other = |record: &Value| !planned.contains(&record.to_string());
        self.customers.sort_by_cached_key(is_other);
        self.tickets.sort_by_cached_key(is_other);
        self.pages.sort_by_cached_key(is_other);
        let customers = take_later(&mut self.customers, |customer| &customer[0]);
        let tickets = take_later(&mut self.tickets, |ticket| &ticket["id"]);
        let pages = take_later(&mut self.pages, |page| &page["id"]);
        self.sort();
        let is_doubled = |id: &String| tickets.iter().any(|ticket| ticket == id);
        messages.retain(|ticket, _| !is_doubled(ticket));
        let named =
            |kind: &'static str, ids: Vec<String>| ids.into_iter().map(move |id| (kind, id));
        let messages: Vec<String> = messages.into_values().flatten().collect();
        named("customer", customers)
            .chain(named("ticket", tickets))
            .chain(named("message", messages))
            .chain(pages.into_iter().map(|id| (kind_of(&id), id)))
            .collect()
    }

    /// Leaves out the tickets that a doubled record stops: the ticket itself, that of the message,
    /// and those of the customer; and the pages in a doubled one.
    pub fn apart_from(&self, doubles: &Doubles) -> Self {
        let is_doubled = |kind: &'static str, id: &Value| {
            doubles.contains(&(kind, id.as_str().unwrap_or_default().to_owned()))
        };
        let mut rest = self.clone();
        rest.tickets.retain(|ticket| {
            let messages = ticket["messages"].as_array().expect("a list");
            !is_doubled("ticket", &ticket["id"])
                && !is_doubled("customer", &ticket["customer"])
                && !messages.iter().any(|message| is_doubled("message", &message["id"]))
        });
        rest.pages.retain(|page| {
            let within = page["within"].as_array().into_iter().flatten();
            !within
                .chain([&page["id"]])
                .any(|id| is_doubled("section", id) || is_doubled("article", id))
        });
        rest
    }
}

/// The kind of a page, as its id says it.
fn kind_of(id: &str) -> &'static str {
    if id.starts_with("section:") { "section" } else { "article" }
}

/// Where two records of one id differ first.
fn first_difference(expected: &Value, found: &Value, place: &str) -> String {
    let deeper = |key: &str, one: &Value, other: &Value| {
        (one != other).then(|| first_difference(one, other, &format!("{place}/{key}")))
    };
    let inner = match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            one.iter().find_map(|(key, value)| deeper(key, value, other.get(key)?))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(at, (one, other))| deeper(&at.to_string(), one, other))
        }
        _ => None,
    };
    inner.unwrap_or_else(|| format!("at {place}: planned {expected}, there {found}"))
}

/// Leaves the first of each id; says which ids there were more of.
fn take_later(list: &mut Vec<Value>, id: fn(&Value) -> &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut later = Vec::new();
    list.retain(|record| {
        let id = id(record).as_str().unwrap_or_default().to_owned();
        let is_new = seen.insert(id.clone());
        later.extend((!is_new).then_some(id));
        is_new
    });
    later
}

fn without(list: &[Value], other: &[Value]) -> Vec<Value> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for record in other {
        *counts.entry(record.to_string()).or_default() += 1;
    }
    let mut left = Vec::new();
    for record in list {
        match counts.get_mut(&record.to_string()).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => left.push(record.clone()),
        }
    }
    left
}
