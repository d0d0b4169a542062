//! Owns the map from method and path to endpoint. Each endpoint checks everything before it
//! changes anything, so a refused call leaves no trace.
//! It must not know HTTP libraries; the same door serves live calls and the replay of a journal.

mod account;
mod catalog;
mod customers;
mod events;
mod fields;
mod intake;
pub(super) mod jobs;
mod messages;
mod tickets;
mod uploads;
mod users;
mod views;

use super::ask::{Ask, Outcome, Refusal};
use super::store::Store;
use super::store::rows::Kind;

pub(super) use uploads::{File, PATH as UPLOAD_PATH};

/// Answers one call.
pub(super) fn dispatch(store: &mut Store, ask: &Ask) -> Outcome {
    store.settle(ask.at);
    let path: Vec<&str> = ask.path.split('/').collect();
    match path.as_slice() {
        ["customers", rest @ ..] => customers::route(store, ask, rest),
        ["tickets", id, "messages", rest @ ..] => messages::route(store, ask, number(id)?, rest),
        ["tickets", rest @ ..] => tickets::route(store, ask, rest),
        ["messages"] => messages::list_all(store, ask),
        ["users", rest @ ..] => users::route(store, ask, rest),
        ["events", rest @ ..] => events::route(store, ask, rest),
        ["jobs", rest @ ..] => jobs::route(store, ask, rest),
        ["account", rest @ ..] => account::route(store, ask, rest),
        ["upload"] => uploads::record(store, ask),
        ["tags", rest @ ..] => catalog::route(store, ask, Kind::Tag, rest),
        ["teams", rest @ ..] => catalog::route(store, ask, Kind::Team, rest),
        ["custom-fields", rest @ ..] => catalog::route(store, ask, Kind::Field, rest),
        ["rules", rest @ ..] => catalog::route(store, ask, Kind::Rule, rest),
        ["macros", rest @ ..] => catalog::route(store, ask, Kind::Macro, rest),
        ["integrations", rest @ ..] => catalog::route(store, ask, Kind::Integration, rest),
        ["satisfaction-surveys", rest @ ..] => catalog::route(store, ask, Kind::Survey, rest),
        ["views", id, "items"] => views::items(store, ask, id),
        ["views", rest @ ..] => catalog::route(store, ask, Kind::View, rest),
        [file_type, "download", hash, name] => {
            uploads::download(store, ask, [file_type, hash, name])
        }
        _ => Err(Refusal::missing()),
    }
}

/// An id in a path; anything else names nothing.
fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::missing())
}

/// Orders of most lists.
const BY_CREATION: &[&str] = &["created_datetime:desc", "created_datetime:asc"];
/// Orders of tickets and customers.
const BY_CREATION_OR_CHANGE: &[&str] = &[
    "created_datetime:desc",
    "created_datetime:asc",
    "updated_datetime:desc",
    "updated_datetime:asc",
];

/// The address a list shows for itself.
fn uri(ask: &Ask) -> String {
    if ask.query.is_empty() {
        return format!("/api/{}", ask.path);
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(&ask.query);
    format!("/api/{}?{}", ask.path, query.finish())
}
