//! What a plan means to Gorgias, and what its stand-in holds, in the form of the judge.
//!
//! It reads the plan's rows and the stand-in's own state, and must not know the loader.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use super::judge::Holdings;
use crate::plan_tables::PlanTables;

/// What the plan says. `agents` are the addresses of those who answer in the target; the first
/// stands in for everybody else.
pub fn planned(plan: &PlanTables, agents: &[&str]) -> Holdings {
    let sheet = Sheet::new(plan, agents);
    let mut holdings = Holdings {
        customers: plan.customers.iter().map(planned_customer).collect(),
        tags: plan.tags.iter().map(|tag| tag["name"].clone()).collect(),
        tickets: plan.tickets.iter().map(|ticket| sheet.ticket(ticket)).collect(),
        pages: Vec::new(),
    };
    holdings.sort();
    holdings
}

/// What the stand-in at `origin` holds.
pub fn found(records: &Value, origin: &str) -> Holdings {
    let book = Book::new(records, origin);
    let list = |name: &str| records[name].as_array().expect("a list").iter();
    let customers = list("customers")
        .map(|customer| json!([customer["external_id"], customer["email"], customer["name"]]));
    let mut holdings = Holdings {
        customers: customers.collect(),
        tags: list("tags").cloned().collect(),
        tickets: list("tickets").map(|ticket| book.ticket(ticket)).collect(),
        pages: Vec::new(),
    };
    holdings.sort();
    holdings
}

fn planned_customer(customer: &Value) -> Value {
    json!([customer["external_id"], customer["email"], customer["name"]])
}

/// JSON that a column holds as text.
fn parsed(value: &Value) -> Value {
    let text = value.as_str().unwrap_or("null");
    serde_json::from_str(text).expect("the column holds JSON")
}

/// A moment as the vendor writes it.
fn moment(value: &Value) -> Value {
    match value.as_str().and_then(kernel::Instant::parse) {
        Some(moment) => moment.rfc3339().into(),
        None => Value::Null,
    }
}

/// The plan, ready to be looked things up in.
struct Sheet<'a> {
    customers: HashMap<&'a str, &'a Value>,
    agents: HashMap<&'a str, &'a str>,
    stand_in: &'a str,
    messages: HashMap<&'a str, Vec<&'a Value>>,
}

impl<'a> Sheet<'a> {
    fn new(plan: &'a PlanTables, there: &[&'a str]) -> Self {
        let text = |value: &'a Value| value.as_str().expect("is text");
        let customers = plan.customers.iter().map(|one| (text(&one["customer_id"]), one));
        let agents = plan.agents.iter().filter_map(|agent| {
            let email = agent["email"].as_str().filter(|email| there.contains(email))?;
            Some((text(&agent["agent_id"]), email))
        });
        let mut messages: HashMap<&str, Vec<&Value>> = HashMap::new();
        for message in &plan.messages {
            messages.entry(text(&message["ticket_id"])).or_default().push(message);
        }
        Self {
            customers: customers.collect(),
            agents: agents.collect(),
            stand_in: there[0],
            messages,
        }
    }

    fn customer(&self, id: &Value) -> Value {
        let found = id.as_str().and_then(|id| self.customers.get(id));
        found.map_or(Value::Null, |one| one["external_id"].clone())
    }

    fn agent(&self, id: &Value) -> Value {
        let found = id.as_str().and_then(|id| self.agents.get(id));
        json!(found.unwrap_or(&self.stand_in))
    }

    fn ticket(&self, ticket: &Value) -> Value {
        let id = ticket["ticket_id"].as_str().expect("is text");
        let mut tags = parsed(&ticket["tags"]);
        tags.as_array_mut().expect("a list").sort_by_key(Value::to_string);
        let assignee = match ticket["assignee_agent_id"].is_null() {
            true => Value::Null,
            false => self.agent(&ticket["assignee_agent_id"]),
        };
        let messages = self.messages[id].iter().map(|message| self.message(message));
        json!({
            "id": ticket["external_id"], "subject": ticket["subject"],
            "status": ticket["status"], "channel": ticket["channel"], "via": ticket["via"],
            "from_agent": ticket["from_agent"], "spam": ticket["spam"],
            "customer": self.customer(&ticket["customer_id"]), "assignee": assignee,
            "tags": tags, "created": moment(&ticket["created_at"]),
            "closed": moment(&ticket["closed_at"]), "last": moment(&ticket["last_message_at"]),
            "meta": parsed(&ticket["meta"]), "messages": messages.collect::<Vec<_>>(),
        })
    }

    fn message(&self, message: &Value) -> Value {
        let public = message["public"] == true;
        let sender = match message["sender_kind"].as_str() {
            Some("customer") => self.customer(&message["sender_id"]),
            Some("agent") => self.agent(&message["sender_id"]),
            _ => json!(self.stand_in),
        };
        let to_somebody = public && message["from_agent"] == true;
        let receiver = match to_somebody {
            true => self.customer(&message["receiver_customer_id"]),
            false => Value::Null,
        };
        let files = parsed(&message["attachments"]);
        let files: Vec<&Value> = files.as_array().expect("a list").iter().collect();
        // What could not be fetched is said in the text, and there is nothing to carry.
        let fetched = files.iter().filter(|file| file["sha256"].is_string());
        let listed = fetched
            .map(|file| json!([file["name"], file["content_type"], file["bytes"], file["sha256"]]));
        json!({
            "id": message["message_id"], "channel": message["channel"], "via": message["via"],
            "from_agent": message["from_agent"], "public": public, "sender": sender,
            "receiver": receiver, "source": source(message, public),
            "subject": message["subject"], "text": placed(&message["body_text"], &files),
            "html": placed(&message["body_html"], &files), "sent": moment(&message["sent_at"]),
            "created": moment(&message["sent_at"]), "meta": parsed(&message["meta"]),
            "files": listed.collect::<Vec<_>>(),
        })
    }
}

fn source(message: &Value, public: bool) -> Value {
    let mut source = Map::new();
    source.insert("type".into(), message["source_type"].clone());
    if public {
        let mut from = Map::new();
        for (name, column) in [("name", "source_from_name"), ("address", "source_from_address")] {
            if !message[column].is_null() {
                from.insert(name.into(), message[column].clone());
            }
        }
        source.insert("from".into(), from.into());
        source.insert("to".into(), parsed(&message["source_to"]));
    }
    source.into()
}

/// A planned text with the addresses of files replaced by their contents' hashes.
fn placed(text: &Value, files: &[&Value]) -> Value {
    let Some(text) = text.as_str() else { return Value::Null };
    let mut text = text.to_owned();
    for file in files {
        let (Some(url), Some(sha256)) = (file["url"].as_str(), file["sha256"].as_str()) else {
            continue;
        };
        let hash = format!("upload:{sha256}");
        text = text.replace(&url.replace('&', "&amp;"), &hash).replace(url, &hash);
    }
    text.into()
}

/// The stand-in's records, ready to be looked things up in.
struct Book<'a> {
    people: BTreeMap<u64, Value>,
    uploads: Vec<(String, &'a str)>,
}

impl<'a> Book<'a> {
    fn new(records: &'a Value, origin: &str) -> Self {
        let mut people = BTreeMap::new();
        for (list, name) in [("users", "email"), ("customers", "external_id")] {
            for person in records[list].as_array().expect("a list") {
                people.insert(person["id"].as_u64().expect("an id"), person[name].clone());
            }
        }
        let uploads = records["uploads"].as_object().expect("an object").iter();
        let uploads = uploads
            .map(|(path, sha256)| (format!("{origin}{path}"), sha256.as_str().expect("is text")));
        Self { people, uploads: uploads.collect() }
    }

    fn who(&self, person: &Value) -> Value {
        let found = person["id"].as_u64().and_then(|id| self.people.get(&id));
        let lower = |value: &Value| value.as_str().map(str::to_lowercase);
        found.and_then(lower).map_or(Value::Null, Value::from)
    }

    fn ticket(&self, ticket: &Value) -> Value {
        let tags = ticket["tags"].as_array().expect("a list").iter();
        let mut tags: Vec<Value> = tags.map(|tag| tag["name"].clone()).collect();
        tags.sort_by_key(Value::to_string);
        let messages = ticket["messages"].as_array().expect("a list").iter();
        json!({
            "id": ticket["external_id"], "subject": ticket["subject"],
            "status": ticket["status"], "channel": ticket["channel"], "via": ticket["via"],
            "from_agent": ticket["from_agent"], "spam": ticket["spam"],
            "customer": self.who(&ticket["customer"]),
            "assignee": self.who(&ticket["assignee_user"]), "tags": tags,
            "created": ticket["created_datetime"], "closed": ticket["closed_datetime"],
            "last": ticket["last_message_datetime"], "meta": ticket["meta"],
            "messages": messages.map(|message| self.message(message)).collect::<Vec<_>>(),
        })
    }

    fn message(&self, message: &Value) -> Value {
        let files = message["attachments"].as_array().cloned().unwrap_or_default();
        let files = files.iter().map(|file| {
            let hash = self.uploads.iter().find(|(url, _)| file["url"] == url.as_str());
            let hash = hash.map(|(_, hash)| *hash);
            json!([file["name"], file["content_type"], file["size"], hash])
        });
        json!({
            "id": message["external_id"], "channel": message["channel"], "via": message["via"],
            "from_agent": message["from_agent"], "public": message["public"],
            "sender": self.who(&message["sender"]), "receiver": self.who(&message["receiver"]),
            "source": message["source"], "subject": message["subject"],
            "text": self.placed(&message["body_text"]),
            "html": self.placed(&message["body_html"]), "sent": message["sent_datetime"],
            "created": message["created_datetime"], "meta": message["meta"],
            "files": files.collect::<Vec<_>>(),
        })
    }

    fn placed(&self, text: &Value) -> Value {
        let Some(text) = text.as_str() else { return Value::Null };
        let place = |text: String, (url, sha256): &(String, &str)| {
            text.replace(url.as_str(), &format!("upload:{sha256}"))
        };
        self.uploads.iter().fold(text.to_owned(), place).into()
    }
}
