//! The desk: finds what a path below `/v1/` asks for and answers it.
//!
//! It knows routes and records, and nothing of credentials, budgets or bytes on the wire.

use axum::http::Method;
use serde_json::{Value, json};

use super::lists::{self, Cut, LISTS, PAGE_SIZE_MAX, Query, SEARCH_PAGE_SIZE_MAX};
use super::moment;
use super::options::Quirks;
use super::reply::{Form, Reply};
use super::search::{Part, Search};
use super::show;
use super::store::{Record, Store};

/// Lists below one record or name: the parent's path, the child's, the child's shelf.
const CHILDREN: &[(&str, &str, &str)] = &[
    ("conversations", "messages", "messages"),
    ("conversations", "notes", "notes"),
    ("conversations", "attachments", "attachments"),
    ("customers", "conversations", "conversations"),
];

/// One call, as far as the desk is concerned.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// Without `/v1/`.
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) body: &'a [u8],
    pub(super) now_ms: i64,
}

/// A search that was answered, so that the shop may live on after it.
pub(super) struct Searched {
    pub(super) shelf: &'static str,
    pub(super) oldest: Option<String>,
}

/// Answers calls from one state of the store.
pub(super) struct Desk<'a> {
    pub(super) store: &'a Store,
    pub(super) quirks: &'a Quirks,
}

/// The family of a path, for counts and refusals: ids become `{id}`.
pub(super) fn family(method: &Method, path: &str) -> String {
    let is_id = |word: &str| word.len() == 24 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words: Vec<&str> = path.split('/').collect();
    words.iter_mut().filter(|word| is_id(word)).for_each(|word| *word = "{id}");
    match words.as_mut_slice() {
        ["klasses", name] | ["klasses", name, _] => *name = "{name}",
        ["metadata", resource] => *resource = "{resource}",
        _ => {}
    }
    format!("{method} /v1/{}", words.join("/"))
}

/// Whether a path is a search, which has a budget of its own.
pub(super) fn is_search(path: &str) -> bool {
    matches!(path, "customers/search" | "customers/archive/search")
}

/// Which form the errors of a path have.
pub(super) fn form_of(path: &str) -> Form {
    if path.starts_with("kb/") || is_search(path) { Form::JsonApi } else { Form::Plain }
}

impl Desk<'_> {
    /// The answer, and what was searched where it is a search.
    pub(super) fn answer(&self, asked: &Asked<'_>) -> (Reply, Option<Searched>) {
        let form = form_of(asked.path);
        if *asked.method == Method::POST && is_search(asked.path) {
            return match self.search(asked) {
                Ok((reply, searched)) => (reply, Some(searched)),
                Err(refusal) => (refusal, None),
            };
        }
        if *asked.method != Method::GET {
            let message = "The method is not allowed.";
            return (Reply::error(form, 405, "method_not_allowed", message), None);
        }
        let listed = LISTS.iter().find(|(path, _, _)| *path == asked.path);
        let reply = match listed {
            Some((_, shelf, size_max)) => self.list(asked, shelf, *size_max),
            None => self.routed(asked),
        };
        (reply.unwrap_or_else(|refusal| refusal), None)
    }

    fn routed(&self, asked: &Asked<'_>) -> Result<Reply, Reply> {
        let missing = || Reply::missing(form_of(asked.path));
        let words: Vec<&str> = asked.path.split('/').collect();
        match words.as_slice() {
            ["auth", "tokens", "current"] => Ok(Reply::one(json!({
                "type": "token", "id": "current", "attributes": { "roles": ["org.user"] },
            }))),
            ["users", "current"] => {
                let users = self.store.shelf("users").ok_or_else(missing)?.all();
                users.first().map(|user| self.one(user)).ok_or_else(missing)
            }
            ["chat", "settings"] => self.first("chat_settings"),
            ["metadata", resource] => {
                let found = self.find("metadata", resource)?;
                let data = show::record(found, self.quirks.masked);
                let is_list = self.quirks.metadata_as_list;
                Ok(Reply::one(if is_list { json!([data]) } else { data }))
            }
            ["klasses", name] => self.objects(asked, name),
            ["klasses", _, id] => self.find("kobjects", id).map(|found| self.one(found)),
            ["satisfaction-responses", id] => {
                self.find("satisfaction_responses", id).map(|found| self.one(found))
            }
            ["messages", message, "attachments", id] => {
                let found = self.find("attachments", id)?;
                let of = &found.value["relationships"]["message"]["data"]["id"];
                if *of == *message { Ok(self.one(found)) } else { Err(missing()) }
            }
            [parent, id, child] => {
                let is_route =
                    |route: &&(&str, &str, &str)| route.0 == *parent && route.1 == *child;
                let (_, _, shelf) = CHILDREN.iter().find(is_route).ok_or_else(missing)?;
                self.find(parent, id)?;
                let below = self.store.shelf(shelf).ok_or_else(missing)?.below(id);
                self.cut(asked, below, PAGE_SIZE_MAX)
            }
            [shelf, id] => self.find(shelf, id).map(|found| self.one(found)),
            _ => Err(missing()),
        }
    }

    fn find(&self, shelf: &str, id: &str) -> Result<&Record, Reply> {
        let found = self.store.shelf(shelf).and_then(|shelf| shelf.get(id));
        found.ok_or_else(|| Reply::missing(Form::Plain))
    }

    fn first(&self, shelf: &str) -> Result<Reply, Reply> {
        let found = self.store.shelf(shelf).and_then(|shelf| shelf.all().first());
        found.map(|found| self.one(found)).ok_or_else(|| Reply::missing(Form::Plain))
    }

    fn one(&self, record: &Record) -> Reply {
        Reply::one(show::record(record, self.quirks.masked))
    }

    fn list(&self, asked: &Asked<'_>, shelf: &str, size_max: usize) -> Result<Reply, Reply> {
        let form = form_of(asked.path);
        let all = self.store.shelf(shelf).map(|shelf| shelf.all()).unwrap_or_default();
        if asked.path == "sub-statuses" && !asked.query.contains_key("resource") {
            return Err(Reply::bad(form, "resource is required"));
        }
        let wants_deleted = asked.query.get("deleted").is_some_and(|value| value == "true");
        let records = all.iter().filter(|record| {
            let kind = &record.value["attributes"]["userType"];
            let fits = asked.query.get("userType").is_none_or(|wanted| *kind == **wanted);
            shelf != "users" || (fits && (record.parent == "deleted") == wants_deleted)
        });
        let mut reply = self.cut(asked, records.collect(), size_max)?;
        let has_records = reply.body["data"].as_array().is_some_and(|data| !data.is_empty());
        if shelf == "slas"
            && has_records
            && asked.query.get("versions").is_some_and(|value| value == "all")
        {
            let versions = self.store.shelf("sla_versions").map(|shelf| shelf.all());
            let versions = versions.unwrap_or_default().iter();
            reply.body["included"] =
                versions.map(|version| show::record(version, false)).collect::<Vec<_>>().into();
        }
        Ok(reply)
    }

    /// The objects of a klass, which is known by its name.
    fn objects(&self, asked: &Asked<'_>, name: &str) -> Result<Reply, Reply> {
        let missing = || Reply::missing(Form::Plain);
        let klasses = self.store.shelf("klasses").ok_or_else(missing)?.all();
        let klass = klasses.iter().find(|klass| klass.value["attributes"]["name"] == *name);
        klass.ok_or_else(missing)?;
        let below = self.store.shelf("kobjects").ok_or_else(missing)?.below(name);
        self.cut(asked, below, PAGE_SIZE_MAX)
    }

    /// One page, newest first unless `sort` says otherwise.
    fn cut(
        &self,
        asked: &Asked<'_>,
        records: Vec<&Record>,
        size_max: usize,
    ) -> Result<Reply, Reply> {
        let form = form_of(asked.path);
        let cut = Cut::of(&asked.query, size_max, form)?;
        let sort = asked.query.get("sort").map_or("-createdAt", String::as_str);
        let (field, is_descending) = match sort.strip_prefix('-') {
            Some(field) => (field, true),
            None => (sort, false),
        };
        if !matches!(field, "createdAt" | "updatedAt") {
            return Err(Reply::bad(form, "sort is by createdAt or updatedAt"));
        }
        let mut records = records;
        records.sort_by_key(|record| {
            (record.value["attributes"][field].as_str().unwrap_or_default(), record.id.as_str())
        });
        if is_descending {
            records.reverse();
        }
        let mut data = self.shown(cut.slice(&records));
        if asked.path == "kb/articles" {
            data.iter_mut().for_each(|article| show::article(article, &asked.query));
        }
        Ok(lists::page((asked.path, &asked.query), cut, records.len(), data, self.quirks))
    }

    fn shown(&self, records: &[&Record]) -> Vec<Value> {
        records.iter().map(|record| show::record(record, self.quirks.masked)).collect()
    }

    fn search(&self, asked: &Asked<'_>) -> Result<(Reply, Searched), Reply> {
        let is_archive = asked.path == "customers/archive/search";
        let search = Search::read(asked.body, is_archive)?;
        let refusal = format!("search {}", search.context);
        if self.quirks.refuse.contains(&refusal) {
            return Err(Reply::error(Form::JsonApi, 403, "forbidden", "A role is missing."));
        }
        let cut = Cut::of(&asked.query, SEARCH_PAGE_SIZE_MAX, Form::JsonApi)?;
        if cut.page > self.quirks.search_pages_max {
            let message = format!("page is above {}", self.quirks.search_pages_max);
            return Err(Reply::bad(Form::JsonApi, &message));
        }
        let before_ms =
            self.quirks.archive_before_ms.unwrap_or(moment::two_years_before(asked.now_ms));
        let found = search.find(self.store, Part { is_archive, before_ms });
        let page = cut.slice(&found);
        let ids_only = asked.query.get("idsOnly").is_some_and(|value| value == "true");
        let data = match ids_only {
            true => page
                .iter()
                .map(|record| json!({ "type": record.value["type"], "id": record.id }))
                .collect(),
            false => self.shown(page),
        };
        let oldest = found.iter().min_by_key(|record| record.updated_ms);
        let searched =
            Searched { shelf: search.shelf(), oldest: oldest.map(|record| record.id.clone()) };
        let reply = lists::page((asked.path, &asked.query), cut, found.len(), data, self.quirks);
        Ok((reply, searched))
    }
}
