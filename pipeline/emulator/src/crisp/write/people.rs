//! Profiles that are made or changed, and conversations that are tied to one by an address.
//!
//! It must not know how a call came in.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::super::raw;
use super::super::reply::Reply;
use super::Clerk;
use super::check::{self, only, refused};

/// Where a person's line keeps the custom data.
const DATA_FIELD: &str = "_data";
/// Fields of a profile that may be written.
const FIELDS: [&str; 6] = ["email", "person", "company", "segments", "notepad", "active"];

impl Clerk<'_> {
    pub(super) fn profile(&mut self, body: &Map<String, Value>) -> Result<Reply, Reply> {
        check_profile(body)?;
        let email = body.get("email").and_then(Value::as_str);
        let email = email.ok_or_else(|| refused("data should have required property 'email'"))?;
        let nickname = body.get("person").and_then(|person| person.get("nickname"));
        if nickname.and_then(Value::as_str).unwrap_or_default().is_empty() {
            return Err(refused("data.person should have required property 'nickname'"));
        }
        if self.store.person(email).is_some() {
            return Err(taken());
        }
        let people_id = self.add_profile(email, body)?;
        let data = json!({ "people_id": people_id }).to_string();
        Ok(Reply::written(201, "added", &data))
    }

    /// `PATCH` merges field by field, `PUT` replaces all of it.
    pub(super) fn change_profile(
        &mut self,
        method: &Method,
        handle: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        check_profile(body)?;
        let position = self.person(handle)?;
        let own = self.store.person_at(position).keys.people_id.clone();
        if let Some(email) = body.get("email").and_then(Value::as_str) {
            let holder = self.store.person(email).map(|person| person.keys.people_id.clone());
            if holder.is_some_and(|holder| holder != own) {
                return Err(taken());
            }
        }
        let text = self.store.person_text(self.store.person_at(position));
        let mut record: Value = serde_json::from_str(&text).unwrap_or_default();
        for name in FIELDS {
            match (body.get(name), *method == Method::PUT) {
                (Some(value), true) => record[name] = value.clone(),
                (Some(value), false) => merge(&mut record[name], value),
                (None, true) => record[name] = Value::Null,
                (None, false) => {}
            }
        }
        lower(&mut record);
        record["updated_at"] = json!(self.now_ms);
        self.store.rewrite_person(position, &record.to_string()).map_err(|why| refused(&why))?;
        Ok(Reply::written(200, "updated", "{}"))
    }

    pub(super) fn person_data(
        &mut self,
        method: &Method,
        handle: &str,
        body: &Map<String, Value>,
    ) -> Result<Reply, Reply> {
        only(body, &["data"])?;
        let new = body.get("data").ok_or_else(|| refused("data should have property 'data'"))?;
        check::data(new)?;
        let position = self.person(handle)?;
        let text = self.store.person_text(self.store.person_at(position));
        let before = raw::field(&text, DATA_FIELD).filter(|_| *method == Method::PATCH);
        let mut data: Value = before
            .map_or(json!({}), |text| serde_json::from_str(text).unwrap_or_else(|_| json!({})));
        merge(&mut data, new);
        let text = raw::with_field(&text, DATA_FIELD, &data.to_string());
        self.store.rewrite_person(position, &text).map_err(|why| refused(&why))?;
        Ok(Reply::written(200, "updated", "{}"))
    }

    /// Ties a conversation to the profile of an address, which is made where there is none.
    pub(super) fn bind(&mut self, position: u32, email: &str, nickname: &str) -> Result<(), Reply> {
        let known = self.store.person(email).map(|person| person.keys.people_id.clone());
        let people_id = match known {
            Some(people_id) => people_id,
            None => {
                self.counters.profiles_by_meta += 1;
                let mut body = Map::new();
                body.insert("person".to_owned(), json!({ "nickname": nickname }));
                self.add_profile(email, &body)?
            }
        };
        self.store.bind(position, &people_id).map_err(|why| refused(&why))
    }

    fn add_profile(&mut self, email: &str, body: &Map<String, Value>) -> Result<String, Reply> {
        let people_id = self.limits.uuid();
        let company = json!({ "phones": [], "emails": [], "tags": [] });
        let mut record = json!({
            "people_id": people_id,
            "email": email,
            "person": body.get("person"),
            "company": body.get("company").unwrap_or(&company),
            "segments": body.get("segments").unwrap_or(&json!([])),
            "active": { "now": false },
            "created_at": self.now_ms,
            "updated_at": self.now_ms,
        });
        if let Some(notepad) = body.get("notepad") {
            record["notepad"] = notepad.clone();
        }
        lower(&mut record);
        self.store.append_person(&record.to_string()).map_err(|why| refused(&why))?;
        Ok(people_id)
    }

    /// The position of a profile, by id or by address.
    pub(super) fn person(&self, handle: &str) -> Result<u32, Reply> {
        let person = self.store.person(handle).ok_or_else(|| Reply::missing("people"))?;
        let position = self.store.person_position(&person.keys.people_id);
        position.ok_or_else(|| Reply::missing("people"))
    }
}

fn check_profile(body: &Map<String, Value>) -> Result<(), Reply> {
    only(body, &FIELDS)?;
    for (name, value) in body {
        match name.as_str() {
            "email" if !value.as_str().is_some_and(check::is_address) => {
                return Err(refused("data.email should match format \"email\""));
            }
            "person" | "company" if !value.is_object() => {
                return Err(refused(&format!("data.{name} should be object")));
            }
            "segments" => check::segments(value)?,
            "active" if !value.is_number() => {
                return Err(refused("data.active should be number"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Addresses come out in lower case, however they came in.
fn lower(record: &mut Value) {
    if let Some(email) = record["email"].as_str().map(str::to_lowercase) {
        record["email"] = json!(email);
    }
}

fn merge(into: &mut Value, new: &Value) {
    match (into.as_object_mut(), new.as_object()) {
        (Some(fields), Some(new)) => {
            for (name, value) in new {
                merge(fields.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        _ => *into = new.clone(),
    }
}

fn taken() -> Reply {
    let message = "A profile with this email exists.";
    Reply::error(409, "people_exists", "people", message)
}
