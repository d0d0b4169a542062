//! SET, RESET and SHOW as clients send them: kept beside the connection, never given to the engine.
//!
//! The one that does something is `search_path`: it says where a bare table name is looked up in
//! this connection.

use std::collections::HashMap;

use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{Expr, Ident, Reset, Set, Statement};
use datafusion_postgres::hooks::HookClient;
use datafusion_postgres::pgwire::api::results::{Response, Tag};
use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::PgWireBackendMessage;
use datafusion_postgres::pgwire::messages::startup::ParameterStatus;

/// The version of Postgres that we behave like; drivers choose their questions by it.
pub(super) const SERVER_VERSION: &str = concat!("16.0 (deskferry ", env!("CARGO_PKG_VERSION"), ")");
/// Where a bare table name is looked up.
pub(super) const SEARCH_PATH: &str = "staged";

/// Settings with their names as the server reports them, and their values at the start.
const SETTINGS: &[(&str, &str)] = &[
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("DateStyle", "ISO, MDY"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "on"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("integer_datetimes", "on"),
    ("IntervalStyle", "postgres"),
    ("is_superuser", "off"),
    ("lock_timeout", "0"),
    ("max_identifier_length", "63"),
    ("max_index_keys", "32"),
    ("search_path", SEARCH_PATH),
    ("server_encoding", "UTF8"),
    ("server_version", SERVER_VERSION),
    ("server_version_num", "160000"),
    ("session_authorization", super::USER),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("TimeZone", "UTC"),
    ("transaction_isolation", "read committed"),
    ("transaction_read_only", "on"),
];

/// Settings whose new value a client is told of.
const REPORTED: [&str; 6] = [
    "application_name",
    "client_encoding",
    "datestyle",
    "intervalstyle",
    "standard_conforming_strings",
    "timezone",
];

/// A setting as it is at the start.
pub(super) fn initial(name: &str) -> Option<&'static str> {
    let found = SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| *value)
}

/// Answers SET or RESET of a harmless setting.
pub(super) async fn set(
    statement: &Statement,
    session: &SessionContext,
    client: &mut dyn HookClient,
) -> PgWireResult<Response> {
    let (tag, name, value) = match statement {
        Statement::Set(Set::SingleAssignment { variable, values, .. }) => {
            let value = values.iter().map(spelled).collect::<Vec<_>>().join(", ");
            ("SET", variable.to_string().replace('"', "").to_lowercase(), value)
        }
        Statement::Set(Set::SetTimeZone { value, .. }) => {
            ("SET", "timezone".to_owned(), spelled(value))
        }
        Statement::Reset(reset) => match &reset.reset {
            Reset::ConfigurationParameter(name) => {
                let name = name.to_string().replace('"', "").to_lowercase();
                let value = initial(&name).unwrap_or("").to_owned();
                ("RESET", name, value)
            }
            Reset::ALL => ("RESET", "search_path".to_owned(), SEARCH_PATH.to_owned()),
        },
        _ => return Ok(Response::Execution(Tag::new("SET"))),
    };
    if name == "search_path" {
        look_first_in(&value, session);
    }
    if REPORTED.contains(&name.as_str()) {
        let known = SETTINGS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let spelled = known.map_or(name.clone(), |(known, _)| (*known).to_owned());
        let status = ParameterStatus::new(spelled, value.clone());
        client.send_message(PgWireBackendMessage::ParameterStatus(status)).await?;
    }
    client.metadata_mut().insert(name, value);
    Ok(Response::Execution(Tag::new(tag)))
}

/// The answer to SHOW: the setting's name and value; `None` for what the engine answers.
pub(super) fn shown(
    variable: &[Ident],
    session: &SessionContext,
    given: &HashMap<String, String>,
) -> PgWireResult<Option<(String, String)>> {
    let words: Vec<String> = variable.iter().map(|word| word.value.to_lowercase()).collect();
    let name = match words.join(" ").as_str() {
        "time zone" => "timezone".to_owned(),
        "transaction isolation level" => "transaction_isolation".to_owned(),
        "session authorization" => "session_authorization".to_owned(),
        "all" => return Ok(None),
        other => other.replace(' ', "."),
    };
    if name.starts_with("datafusion.") {
        return Ok(None);
    }
    if name == "search_path" {
        return Ok(Some((name, session.state().config_options().catalog.default_schema.clone())));
    }
    let value = given.get(&name).map(String::as_str).or_else(|| initial(&name));
    match value {
        Some(value) => Ok(Some((name, value.to_owned()))),
        None => {
            let words = format!("unrecognized configuration parameter \"{name}\"");
            let info = ErrorInfo::new("ERROR".to_owned(), "42704".to_owned(), words);
            Err(PgWireError::UserError(Box::new(info)))
        }
    }
}

/// Makes the first schema of a path that exists the one where bare names are looked up.
fn look_first_in(path: &str, session: &SessionContext) {
    let Some(catalog) = session.catalog(super::DATABASE) else { return };
    let names = path.split(',').map(|name| name.trim().trim_matches(['"', '\'']));
    let found = names.into_iter().find(|name| {
        !["pg_catalog", "information_schema"].contains(name) && catalog.schema(name).is_some()
    });
    let state = session.state_ref();
    let mut state = state.write();
    let options = state.config_mut().options_mut();
    options.catalog.default_schema = found.unwrap_or(SEARCH_PATH).to_owned();
}

fn spelled(value: &Expr) -> String {
    match value {
        Expr::Value(value) => {
            let plain = value.clone().into_string();
            plain.unwrap_or_else(|| value.to_string().trim_matches('\'').to_owned())
        }
        Expr::Identifier(name) => name.value.clone(),
        other => other.to_string(),
    }
}
