//! Whether what a manifest says fits together: every name that is used is a name that is given.
//!
//! It reads a manifest that has the right words already, and no address.

use std::collections::BTreeSet;

use kernel::{Fault, Result, nearest};

use super::{Authenticator, HttpMethod, Manifest, Paginator, PerDay, Router, Stream};
use crate::interpolation::{Reference, references};

/// Folders of a snapshot that are no streams.
const TAKEN: [&str; 4] = ["deletions", "downloads", "exchanges", "files"];
/// The longest name of a stream, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Refuses a manifest that contradicts itself.
///
/// # Errors
/// `FixConfig` that names the stream and, where there is one, the nearest known name.
pub(super) fn check(manifest: &Manifest) -> Result<()> {
    check_budget(manifest)?;
    check_templates_of_every_call(manifest)?;
    check_authenticator(manifest, &manifest.authenticator)?;
    let mut seen: Vec<&str> = Vec::new();
    for stream in &manifest.streams {
        check_name(&stream.name, &seen)?;
        check_stream(manifest, stream, &seen)
            .map_err(|fault| fault.during(format!("stream {}", stream.name)))?;
        seen.push(&stream.name);
    }
    for links in &manifest.file_uploader {
        let path = links.refetch_path.iter();
        for template in path {
            check_template(manifest, "refetch_path", template, &["config", "record"])?;
        }
    }
    match manifest.file_uploader.iter().find(|links| !seen.contains(&links.stream.as_str())) {
        None => Ok(()),
        Some(links) => {
            Err(Fault::config(format!("files of {}, which is not a stream", links.stream))
                .hint(nearest::hint(&links.stream, seen.iter().copied())))
        }
    }
}

fn check_budget(manifest: &Manifest) -> Result<()> {
    let budget = &manifest.api_budget;
    if budget.calls_per_window.is_some() != budget.window_s.is_some() {
        return Err(Fault::config("api_budget has one of calls_per_window and window_s")
            .hint("give both, or neither"));
    }
    if budget.policies.iter().any(|policy| {
        policy.calls_per_window == 0 || policy.window_s == 0 || policy.path_starts_with.is_empty()
    }) {
        return Err(Fault::config("a policy of api_budget allows no call, or is for no path")
            .hint("give path_starts_with, calls_per_window and window_s"));
    }
    let bounds = [
        ("calls_per_window", budget.calls_per_window.map(u64::from)),
        ("window_s", budget.window_s),
        ("concurrency", budget.concurrency.map(|calls| calls as u64)),
    ];
    if let Some((name, _)) = bounds.iter().find(|(_, bound)| *bound == Some(0)) {
        return Err(Fault::config(format!("api_budget.{name} is 0"))
            .hint("leave it out where there is no such bound"));
    }
    let Some(PerDay::BySetting { setting, values }) = &budget.calls_per_day else {
        return Ok(());
    };
    check_choice(manifest, "api_budget.calls_per_day", setting, values.keys())
}

/// A choice by a setting: the setting exists, and it can have every value that is named.
fn check_choice<'a>(
    manifest: &Manifest,
    place: &str,
    setting: &str,
    mut values: impl Iterator<Item = &'a String>,
) -> Result<()> {
    let Some(known) = manifest.spec.get(setting) else {
        return Err(unknown_setting(manifest, place, setting));
    };
    let one_of = &known.one_of;
    match values.find(|value| !one_of.is_empty() && !one_of.contains(value)) {
        None => Ok(()),
        Some(value) => Err(Fault::config(format!("{place}: {setting} is never {value:?}"))
            .hint(nearest::hint(value, one_of.iter().map(String::as_str)))),
    }
}

fn check_templates_of_every_call(manifest: &Manifest) -> Result<()> {
    let base = [("url_base", manifest.url_base.as_str())].into_iter();
    let account = manifest.account.iter().map(|text| ("account", text.as_str()));
    let headers = manifest.request_headers.values().map(|text| ("request_headers", text.as_str()));
    let parameters = manifest.request_parameters.values();
    let parameters = parameters.map(|text| ("request_parameters", text.as_str()));
    let credentials = manifest.authenticator.templates().into_iter();
    let credentials = credentials.map(|text| ("authenticator", text));
    for (place, template) in base.chain(account).chain(headers).chain(parameters).chain(credentials)
    {
        check_template(manifest, place, template, &["config"])?;
    }
    Ok(())
}

fn check_authenticator(manifest: &Manifest, authenticator: &Authenticator) -> Result<()> {
    match authenticator {
        Authenticator::Selective { authenticator_selection: setting, authenticators } => {
            let place = "authenticator_selection";
            check_choice(manifest, place, setting, authenticators.keys())?;
            authenticators.values().try_for_each(|inner| check_authenticator(manifest, inner))
        }
        Authenticator::OAuth(oauth) => oauth.check(),
        _ => Ok(()),
    }
}

fn check_name(name: &str, seen: &[&str]) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    if !starts_well || !name.bytes().all(is_plain) || name.len() > NAME_BYTES_MAX {
        return Err(Fault::config(format!("the stream {name:?} cannot be a folder")).hint(format!(
            "a name has lower-case letters, digits and _ only, at most {NAME_BYTES_MAX} of them, and begins with a letter"
        )));
    }
    if TAKEN.contains(&name) {
        return Err(Fault::config(format!("the stream {name} has the name of another folder"))
            .hint(format!("a snapshot has {} of its own; choose another name", TAKEN.join(", "))));
    }
    if seen.contains(&name) {
        return Err(Fault::config(format!("there are two streams {name}"))
            .hint("give one of them another name"));
    }
    Ok(())
}

fn check_stream(manifest: &Manifest, stream: &Stream, seen: &[&str]) -> Result<()> {
    let fields = partition_fields(manifest, stream, seen)?;
    let scopes = ["config", "stream_partition", "stream_interval", "next_page_token"];
    let paths = std::iter::once(&stream.path).chain(&stream.further_paths).map(String::as_str);
    let mut is_paged = false;
    for template in paths.chain(stream.question_templates()) {
        let used = check_template(manifest, "request", template, &scopes)?;
        check_fields(&used, &fields)?;
        is_paged |= used.iter().any(|used| used.scope == "next_page_token");
    }
    match &stream.file_setting {
        Some(setting) if !manifest.spec.contains_key(setting) => {
            return Err(unknown_setting(manifest, "file_setting", setting));
        }
        Some(_) if !stream.path.is_empty() || stream.paginator != Paginator::NoPagination => {
            return Err(Fault::config("it has a file and a path, or a file with pages")
                .hint("a file is read at once; leave path and paginator out"));
        }
        None if stream.path.is_empty() => {
            return Err(Fault::config("it has no path").hint("say where it is asked for"));
        }
        _ => {}
    }
    if stream.request_body_json.is_some() && stream.http_method == HttpMethod::Get {
        return Err(Fault::config("request_body_json is sent with POST only")
            .hint("add http_method = \"POST\""));
    }
    for template in stream.partition_router.iter().flat_map(listed_values) {
        check_template(manifest, "partition_router", template, &["config"])?;
    }
    let scopes_of_key = ["record", "record_sha256", "stream_partition"];
    for template in &stream.key {
        let used = check_template(manifest, "key", template, &scopes_of_key)?;
        check_fields(&used, &fields)?;
    }
    if let Some(template) = &stream.record_path {
        // Its fields are given by the routers of later streams.
        check_template(manifest, "record_path", template, &["config", "stream_partition"])?;
    }
    if stream.key.is_empty() {
        return Err(Fault::config("key is empty").hint("name what tells its records apart"));
    }
    match (is_paged, stream.paginator.counts_pages()) {
        (true, false) => Err(Fault::config("next_page_token is used but no pages are counted")
            .hint("give it a paginator of type PageIncrement or OffsetIncrement")),
        (false, true) => Err(Fault::config("no part of the request says which page is asked for")
            .hint("put {{ next_page_token }} into the path or into request_parameters")),
        _ => check_bounds(stream),
    }
}

/// The values of a list, which may be templates.
fn listed_values(router: &Router) -> impl Iterator<Item = &str> {
    let values = match router {
        Router::ListPartitionRouter { values, .. } => values.as_slice(),
        Router::SubstreamPartitionRouter { .. } => &[],
    };
    values.iter().map(String::as_str)
}

fn check_bounds(stream: &Stream) -> Result<()> {
    use super::Paginator::{NextLinkPagination, OffsetIncrement, PageIncrement};
    let (page_size, sweeps_max) = match stream.paginator {
        PageIncrement { sweeps_max, .. } | NextLinkPagination { sweeps_max, .. } => (1, sweeps_max),
        OffsetIncrement { page_size, sweeps_max } => (page_size, sweeps_max),
        _ => (1, 1),
    };
    if let PageIncrement { pages_max: Some(pages_max), .. } = stream.paginator
        && (pages_max == 0 || !stream.has_lower_bound() || !stream.has_upper_bound())
    {
        return Err(Fault::config("pages_max needs windows of time to split a list into").hint(
            "give incremental_sync, and say in parameters or body where a window begins and ends",
        ));
    }
    if !stream.further_paths.is_empty() && !stream.paginator.counts_pages() {
        return Err(Fault::config("further_paths need pages that are counted")
            .hint("give it a paginator of type PageIncrement"));
    }
    if page_size == 0 || sweeps_max == 0 {
        return Err(Fault::config("page_size or sweeps_max is 0").hint("both count from 1"));
    }
    Ok(())
}

/// The names that a stream's routers give, and those that its parents hand down. Parents must be
/// streams that come earlier.
fn partition_fields<'a>(
    manifest: &'a Manifest,
    stream: &'a Stream,
    seen: &[&str],
) -> Result<BTreeSet<&'a str>> {
    let mut fields = BTreeSet::new();
    let mut inherited = BTreeSet::new();
    let is_parental = |router: &&Router| matches!(router, Router::SubstreamPartitionRouter { .. });
    if stream.partition_router.iter().filter(is_parental).count() > 1 {
        return Err(Fault::config("follows two streams")
            .hint("let it follow the later one, and hand the fields of the earlier one down"));
    }
    for router in &stream.partition_router {
        let names: Vec<&str> = match router {
            Router::ListPartitionRouter { cursor_field, values } => {
                if values.is_empty() {
                    return Err(Fault::config("a ListPartitionRouter has no values")
                        .hint("list what it is asked for"));
                }
                vec![cursor_field]
            }
            Router::SubstreamPartitionRouter { parent_stream, partition_fields, .. } => {
                if !seen.contains(&parent_stream.as_str()) {
                    let message =
                        format!("follows {parent_stream}, which is not an earlier stream");
                    return Err(Fault::config(message)
                        .hint(nearest::hint(parent_stream, seen.iter().copied())));
                }
                let mut parents = manifest.streams.iter();
                if let Some(parent) = parents.find(|stream| stream.name == *parent_stream) {
                    inherited = self::partition_fields(manifest, parent, seen)?;
                }
                partition_fields.keys().map(String::as_str).collect()
            }
        };
        if let Some(name) = names.into_iter().find(|name| !fields.insert(*name)) {
            return Err(Fault::config(format!("two routers give the partition field {name}"))
                .hint("give each its own name"));
        }
    }
    fields.extend(inherited);
    Ok(fields)
}

fn check_fields(used: &[Reference<'_>], fields: &BTreeSet<&str>) -> Result<()> {
    let of_partition = |used: &&Reference<'_>| used.scope == "stream_partition";
    match used.iter().filter(of_partition).find(|used| !fields.contains(used.field)) {
        None => Ok(()),
        Some(used) => {
            Err(Fault::config(format!("stream_partition.{} is given by no router", used.field))
                .hint(nearest::hint(used.field, fields.iter().copied())))
        }
    }
}

/// What a template refers to, all of it known.
fn check_template<'t>(
    manifest: &Manifest,
    place: &str,
    template: &'t str,
    scopes: &[&str],
) -> Result<Vec<Reference<'t>>> {
    let used = references(template).ok_or_else(|| {
        Fault::config(format!("{place}: {template} has braces that do not close"))
            .hint("a template looks like {{ config.name }}")
    })?;
    for reference in &used {
        let is_bare = matches!(reference.scope, "next_page_token" | "record_sha256");
        if !scopes.contains(&reference.scope) || is_bare != reference.field.is_empty() {
            let message = format!("{place}: {template} refers to something unknown");
            return Err(Fault::config(message).hint(format!("known here: {}", scopes.join(", "))));
        }
        if reference.scope == "config" && !manifest.spec.contains_key(reference.field) {
            return Err(unknown_setting(manifest, place, reference.field));
        }
    }
    Ok(used)
}

fn unknown_setting(manifest: &Manifest, place: &str, setting: &str) -> Fault {
    Fault::config(format!("{place}: there is no setting {setting}"))
        .hint(nearest::hint(setting, manifest.spec.keys().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NO_AUTH, sample};

    /// A stream of this name with these further lines.
    fn stream(name: &str, more: &str) -> String {
        format!("[[streams]]\nname = \"{name}\"\nkey = [\"{{{{ record.id }}}}\"]\n{more}\n")
    }

    #[test]
    fn what_contradicts_itself_is_refused_and_the_reason_is_named() {
        let plain = stream("ones", "path = \"/ones\"");
        let child = |more: &str| {
            let child =
                stream("twos", &format!("path = \"/twos/{{{{ stream_partition.id }}}}\"\n{more}"));
            format!("{plain}{child}")
        };
        let cases = [
            (format!("{plain}{plain}"), "two streams ones"),
            (stream("files", "path = \"/\""), "another folder"),
            (stream("Ones", "path = \"/\""), "cannot be a folder"),
            (stream("../x", "path = \"/\""), "cannot be a folder"),
            (stream("s", "path = \"/{{ config.teir }}\""), "no setting teir"),
            (stream("s", ""), "it has no path"),
            (stream("s", "file_setting = \"teir\""), "no setting teir"),
            (stream("s", "file_setting = \"tier\"\npath = \"/s\""), "a file and a path"),
            (stream("s", "path = \"/s\"\nrequest_body_json = { a = 1 }"), "with POST only"),
            (
                stream(
                    "s",
                    "path = \"/{{ next_page_token }}\"\npaginator = { type = \"PageIncrement\", start_from_page = 1, pages_max = 9 }",
                ),
                "needs windows of time",
            ),
            (stream("s", "path = \"/s\"\nfurther_paths = [\"/t\"]"), "pages that are counted"),
            (stream("s", "path = \"/{{ config.tier\""), "do not close"),
            (stream("s", "path = \"/{{ record.id }}\""), "something unknown"),
            (stream("s", "path = \"/{{ next_page_token }}\""), "no pages are counted"),
            (
                stream(
                    "s",
                    "path = \"/\"\npaginator = { type = \"OffsetIncrement\", page_size = 9 }",
                ),
                "which page",
            ),
            (
                stream(
                    "s",
                    "path = \"/{{ next_page_token }}\"\npaginator = { type = \"PageIncrement\", start_from_page = 1, sweeps_max = 0 }",
                ),
                "is 0",
            ),
            (child(""), "stream_partition.id is given by no router"),
            (
                child(
                    "partition_router = { type = \"SubstreamPartitionRouter\", parent_stream = \"onse\", partition_fields = { id = \"id\" } }",
                ),
                "not an earlier stream",
            ),
            (
                child(
                    "partition_router = { type = \"ListPartitionRouter\", cursor_field = \"id\", values = [] }",
                ),
                "no values",
            ),
            (
                child(
                    "partition_router = [{ type = \"ListPartitionRouter\", cursor_field = \"id\", values = [\"a\"] }, { type = \"ListPartitionRouter\", cursor_field = \"id\", values = [\"b\"] }]",
                ),
                "two routers give",
            ),
            (
                format!(
                    "{plain}{}",
                    stream("s", "path = \"/{resources.ones.id}/{resources.other.id}\"")
                ),
                "follows two streams",
            ),
            (format!("{plain}[[file_uploader]]\nstream = \"one\""), "not a stream"),
        ];
        for (streams, reason) in cases {
            let fault = sample(NO_AUTH, &streams).expect_err(reason);
            let text = fault.to_string();
            assert!(text.starts_with("mine.toml: ") && text.contains(reason), "{reason}: {text}");
        }
        sample(NO_AUTH, &plain).expect("fits together");
    }

    #[test]
    fn a_budget_and_an_authenticator_that_cannot_work_are_refused() {
        let plain = stream("ones", "path = \"/ones\"");
        for (more, reason) in [
            ("[api_budget]\ncalls_per_window = 40", "calls_per_window"),
            ("[api_budget]\nconcurrency = 0", "concurrency is 0"),
            (
                "[api_budget]\ncalls_per_day = { setting = \"teir\", values = {} }",
                "no setting teir",
            ),
            (
                "[api_budget]\ncalls_per_day = { setting = \"tier\", values = { plugn = 1 } }",
                "never \"plugn\"",
            ),
        ] {
            let fault = sample(&format!("{NO_AUTH}\n{more}"), &plain).expect_err(reason);
            assert!(fault.to_string().contains(reason), "{reason}: {fault}");
        }
        for (auth, reason) in [
            (
                "{ type = \"BearerAuthenticator\", api_token = \"{{ config.key }}\" }",
                "no setting key",
            ),
            (
                "{ type = \"SelectiveAuthenticator\", authenticator_selection = \"t\", authenticators = {} }",
                "no setting t",
            ),
            (
                "{ type = \"OAuthAuthenticator\", token_refresh_endpoint = \"/t\", client_id = \"i\", client_secret = \"s\", grant_type = \"refresh_token\" }",
                "no refresh_token",
            ),
        ] {
            let fault = sample(&format!("authenticator = {auth}"), &plain).expect_err(reason);
            assert!(fault.to_string().contains(reason), "{reason}: {fault}");
        }
    }
}
