//! Owns the user endpoints; id 0 is the user the API key belongs to.
//! Whether a user is active cannot be written: the documented bodies have no such field.

use serde_json::Value;

use super::super::ask::{Ask, Outcome, Refusal, Reply, text_of};
use super::super::paging::{Key, Paging, sorted};
use super::super::shape::{Field, Kind, may, must, or_null};
use super::super::show;
use super::super::store::Store;
use super::super::store::events::Subject;
use super::super::store::people::User;
use super::super::vocabulary::{ROLES, USER_LANGUAGES};
use super::{number, uri};

const ORDERS: &[&str] = &[
    "created_datetime:desc",
    "created_datetime:asc",
    "name:asc",
    "name:desc",
    "email:asc",
    "email:desc",
    "role.name:asc",
    "role.name:desc",
];
const ROLE: &[Field] = &[must("name", Kind::OneOf(ROLES))];
const META: &[Field] = &[or_null("profile_picture_url", Kind::Text(0, 8_192))];
const SHARED: &[Field] = &[
    or_null("bio", Kind::Text(0, 65_535)),
    or_null("country", Kind::Country),
    or_null("external_id", Kind::Text(0, 255)),
    or_null("language", Kind::OneOf(USER_LANGUAGES)),
    or_null("meta", Kind::Object(&[META])),
    or_null("timezone", Kind::Zone),
];
const CREATE: &[Field] = &[
    must("email", Kind::Email),
    must("name", Kind::Text(1, 1_024)),
    must("role", Kind::Object(&[ROLE])),
];
const UPDATE: &[Field] = &[
    may("email", Kind::Email),
    may("name", Kind::Text(1, 1_024)),
    may("role", Kind::Object(&[ROLE])),
    may("new_password", Kind::Text(1, 1_024)),
    may("old_password", Kind::Text(1, 1_024)),
    may("password_confirmation", Kind::Text(1, 1_024)),
];

/// Everything below `/users`.
pub(super) fn route(store: &mut Store, ask: &Ask, rest: &[&str]) -> Outcome {
    match (ask.method.as_str(), rest) {
        ("GET", []) => list(store, ask),
        ("POST", []) => create(store, ask),
        ("GET" | "PUT" | "DELETE", [id]) => {
            ask.only(&[])?;
            let id = match number(id)? {
                0 => store.admin,
                id => id,
            };
            if store.people.user(id).is_none() {
                return Err(Refusal::missing());
            }
            match ask.method.as_str() {
                "GET" => Reply::read(&view(store, id)),
                "PUT" => update(store, ask, id),
                _ => delete(store, ask, id),
            }
        }
        (_, [] | [_]) => Err(Refusal::method()),
        _ => Err(Refusal::missing()),
    }
}

fn list(store: &Store, ask: &Ask) -> Outcome {
    ask.only(&[
        "cursor",
        "limit",
        "order_by",
        "email",
        "external_id",
        "search",
        "roles",
        "available_first",
        "relationships",
    ])?;
    let paging = Paging::read(ask, ORDERS, store.quirks.cursor_ttl_ms)?;
    let roles: Vec<&str> = ask.query_all("roles").collect();
    let search = ask.query("search").map(str::to_lowercase);
    let keep = |user: &User| {
        let same = |name: &str, value: Option<&str>| {
            ask.query(name).is_none_or(|wanted| {
                value.is_some_and(|value| value.to_lowercase() == wanted.to_lowercase())
            })
        };
        let is_found = search.as_ref().is_none_or(|search| {
            user.name.to_lowercase().contains(search) || user.email.to_lowercase().contains(search)
        });
        let is_indexed = ask.query("external_id").is_none() || store.is_indexed(user.created, ask);
        same("email", Some(&user.email))
            && same("external_id", user.external_id.as_deref())
            && (roles.is_empty() || roles.contains(&user.role.as_str()))
            && is_found
            && is_indexed
    };
    let ids: Vec<u64> = match ask.query("external_id") {
        Some(external_id) => store.people.users_by_external(external_id).to_vec(),
        None => store.people.users_created.iter().map(|(_, id)| *id).collect(),
    };
    let users = ids.iter().filter_map(|id| store.people.user(*id)).filter(|user| keep(user));
    let key = |user: &User| match paging.attribute() {
        "name" => Key::Text(user.name.clone()),
        "email" => Key::Text(user.email.clone()),
        "role.name" => Key::Text(user.role.clone()),
        _ => Key::Number(user.created.0),
    };
    let page = paging.cut(&sorted(users.map(|user| (key(user), user.id)).collect()), |_| true);
    let items: Vec<Value> = page.ids.iter().map(|id| view(store, *id)).collect();
    let mut answer = show::list(&uri(ask), &items, page.prev, page.next);
    answer["meta"]["total_resources"] = Value::Null;
    Reply::read(&answer)
}

fn create(store: &mut Store, ask: &Ask) -> Outcome {
    ask.only(&[])?;
    ask.fits(&[SHARED, CREATE], store.strict, "Failed to create user")?;
    let text = |name: &str| text_of(&ask.body, name).map(str::to_owned);
    let email = text("email").unwrap_or_default();
    if store.people.user_by_email(&email).is_some() {
        return Err(Refusal::exists());
    }
    let mut user = User {
        id: 0,
        email,
        name: text("name").unwrap_or_default(),
        role: String::new(),
        external_id: None,
        bio: None,
        country: None,
        language: Some("en".to_owned()),
        timezone: Some("UTC".to_owned()),
        picture: None,
        created: ask.at,
        updated: ask.at,
    };
    change(&mut user, &ask.body);
    store.open_context();
    let id = store.people.add_user(user);
    store.note(ask.at, "user-created", Subject("User", id), None);
    store.note(ask.at, "user-invited", Subject("User", id), None);
    Reply::wrote(201, &view(store, id))
}

fn update(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    ask.fits(&[SHARED, UPDATE], store.strict, "Failed to update user")?;
    if let Some(email) = text_of(&ask.body, "email") {
        let owner = store.people.user_by_email(email);
        if owner.is_some_and(|owner| owner != id) {
            return Err(Refusal::exists());
        }
        if owner.is_none() && text_of(&ask.body, "password_confirmation").is_none() {
            return Err(Refusal::field(
                "password_confirmation",
                "Missing data for required field.",
            ));
        }
    }
    store.open_context();
    store.people.change_user(id, |user| {
        change(user, &ask.body);
        user.updated = ask.at;
    });
    Reply::wrote(200, &view(store, id))
}

fn delete(store: &mut Store, ask: &Ask, id: u64) -> Outcome {
    if id == store.admin || id == store.bot {
        return Err(Refusal::new(
            403,
            "You do not have enough permissions to perform this action.",
        ));
    }
    store.open_context();
    store.people.remove_user(id);
    store.note(ask.at, "user-deleted", Subject("User", id), None);
    Reply::empty(204)
}

fn change(user: &mut User, body: &Value) {
    let text = |name: &str| text_of(body, name).map(str::to_owned);
    if let Some(email) = text("email") {
        user.email = email;
    }
    if let Some(name) = text("name") {
        user.name = name;
    }
    if let Some(role) = body.get("role").and_then(|role| text_of(role, "name")) {
        user.role = role.to_owned();
    }
    let set = |slot: &mut Option<String>, name: &str| {
        if body.get(name).is_some() {
            *slot = text(name);
        }
    };
    set(&mut user.bio, "bio");
    set(&mut user.country, "country");
    set(&mut user.external_id, "external_id");
    set(&mut user.language, "language");
    set(&mut user.timezone, "timezone");
    if let Some(meta) = body.get("meta") {
        user.picture = text_of(meta, "profile_picture_url").map(str::to_owned);
    }
}

fn view(store: &Store, id: u64) -> Value {
    let user = store.people.user(id).expect("the caller has looked the user up");
    show::user(user, store.origins.last().map_or("", String::as_str))
}
