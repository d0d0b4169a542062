//! How a stream may be written: our words, and dlt's short forms turned into them, so that nobody
//! else meets two spellings.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::datetime::DatetimeFormat;
use super::written::{one_or_many, path_names};
use super::{Action, HttpMethod, Incremental, Paginator, Router, Stream};

/// What the page's number, or how many records came before it, is called in templates.
const PAGE_TOKEN: &str = "{{ next_page_token }}";

/// Records changed this much before a reading began are read again, in seconds.
const LOOKBACK_S: u64 = 60;

/// A stream as somebody wrote it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenStream {
    name: String,
    #[serde(default)]
    path: String,
    file_setting: Option<String>,
    #[serde(default)]
    further_paths: Vec<String>,
    #[serde(default, alias = "method")]
    http_method: HttpMethod,
    #[serde(alias = "json")]
    request_body_json: Option<serde_json::Value>,
    key: Vec<String>,
    #[serde(default = "data", alias = "data_selector", deserialize_with = "path_names")]
    field_path: Vec<String>,
    #[serde(default)]
    field_path_optional: bool,
    #[serde(default, alias = "params")]
    request_parameters: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "one_or_many")]
    partition_router: Vec<Router>,
    #[serde(default)]
    include_from_parent: Vec<String>,
    #[serde(default)]
    paginator: WrittenPaginator,
    #[serde(alias = "incremental")]
    incremental_sync: Option<Incremental>,
    #[serde(default)]
    change_classes: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    volatile_fields: Vec<String>,
    record_path: Option<String>,
    #[serde(default)]
    on_demand: bool,
    on_refused: Option<Action>,
    on_missing: Option<Action>,
    evidence: Option<String>,
}

/// A paginator as somebody wrote it: dlt's ones bring the parameters that dlt sends.
#[derive(Default, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum WrittenPaginator {
    #[default]
    #[serde(alias = "single_page")]
    NoPagination,
    PageIncrement {
        start_from_page: u64,
        #[serde(default)]
        end_http_codes: Vec<u16>,
        #[serde(default = "once")]
        sweeps_max: u64,
        pages_max: Option<u64>,
    },
    #[serde(rename = "page_number")]
    PageNumber {
        #[serde(default)]
        base_page: u64,
        #[serde(default = "page")]
        page_param: String,
        #[serde(default = "once")]
        sweeps_max: u64,
    },
    OffsetIncrement {
        page_size: u64,
        #[serde(default = "once")]
        sweeps_max: u64,
    },
    #[serde(rename = "offset")]
    Offset {
        limit: u64,
        #[serde(default = "offset")]
        offset_param: String,
        #[serde(default = "limit")]
        limit_param: String,
        #[serde(default = "once")]
        sweeps_max: u64,
    },
    #[serde(alias = "cursor")]
    CursorPagination {
        #[serde(alias = "cursor_path")]
        cursor_value: String,
        #[serde(alias = "cursor_param")]
        request_parameter: String,
    },
    #[serde(alias = "json_link")]
    NextLinkPagination {
        next_url_path: String,
        #[serde(default)]
        stop_after_empty_page: bool,
        #[serde(default = "once")]
        sweeps_max: u64,
    },
    BackwardCursorPagination {
        cursor_field: String,
        request_parameter: String,
        forward_parameter: Option<String>,
        more_http_code: u16,
        confirm_from: usize,
    },
}

/// An increment as somebody wrote it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenIncremental {
    #[serde(rename = "type")]
    _type: Option<IncrementalType>,
    #[serde(alias = "cursor_path")]
    cursor_field: String,
    cursor_datetime_format: Option<DatetimeFormat>,
    #[serde(alias = "start_param")]
    start_time_parameter: Option<String>,
    #[serde(alias = "end_param")]
    end_time_parameter: Option<String>,
    datetime_format: Option<DatetimeFormat>,
    #[serde(default = "lookback")]
    lookback_window_s: u64,
    #[serde(default = "millisecond")]
    cursor_granularity_ms: u64,
}

/// The only kind of increment.
#[derive(Deserialize)]
enum IncrementalType {
    DatetimeBasedCursor,
}

fn data() -> Vec<String> {
    vec!["data".to_owned()]
}

fn once() -> u64 {
    1
}

fn page() -> String {
    "page".to_owned()
}

fn offset() -> String {
    "offset".to_owned()
}

fn limit() -> String {
    "limit".to_owned()
}

fn millisecond() -> u64 {
    1
}

fn lookback() -> u64 {
    LOOKBACK_S
}

impl WrittenPaginator {
    /// The paginator, and the parameters that go with its spelling.
    fn settled(self) -> (Paginator, Vec<(String, String)>) {
        let mut parameters = Vec::new();
        let paginator = match self {
            Self::NoPagination => Paginator::NoPagination,
            Self::PageIncrement { start_from_page, end_http_codes, sweeps_max, pages_max } => {
                Paginator::PageIncrement { start_from_page, end_http_codes, sweeps_max, pages_max }
            }
            Self::PageNumber { base_page: start_from_page, page_param, sweeps_max } => {
                parameters.push((page_param, PAGE_TOKEN.to_owned()));
                Paginator::PageIncrement {
                    start_from_page,
                    end_http_codes: Vec::new(),
                    sweeps_max,
                    pages_max: None,
                }
            }
            Self::OffsetIncrement { page_size, sweeps_max } => {
                Paginator::OffsetIncrement { page_size, sweeps_max }
            }
            Self::Offset { limit: page_size, offset_param, limit_param, sweeps_max } => {
                parameters.push((offset_param, PAGE_TOKEN.to_owned()));
                parameters.push((limit_param, page_size.to_string()));
                Paginator::OffsetIncrement { page_size, sweeps_max }
            }
            Self::CursorPagination { cursor_value, request_parameter } => {
                Paginator::CursorPagination { cursor_value, request_parameter }
            }
            Self::NextLinkPagination { next_url_path, stop_after_empty_page, sweeps_max } => {
                Paginator::NextLinkPagination { next_url_path, stop_after_empty_page, sweeps_max }
            }
            Self::BackwardCursorPagination {
                cursor_field,
                request_parameter,
                forward_parameter,
                more_http_code,
                confirm_from,
            } => Paginator::BackwardCursorPagination {
                cursor_field,
                request_parameter,
                forward_parameter,
                more_http_code,
                confirm_from,
            },
        };
        (paginator, parameters)
    }
}

impl TryFrom<WrittenStream> for Stream {
    type Error = String;

    fn try_from(written: WrittenStream) -> Result<Self, String> {
        let (paginator, parameters) = written.paginator.settled();
        let mut request_parameters = written.request_parameters;
        for (name, value) in parameters {
            request_parameters.entry(name).or_insert(value);
        }
        let mut partition_router = written.partition_router;
        let path = settle_placeholders(&written.path, &mut partition_router)?;
        include(written.include_from_parent, &mut partition_router)?;
        Ok(Stream {
            name: written.name,
            path,
            file_setting: written.file_setting,
            further_paths: written.further_paths,
            http_method: written.http_method,
            request_body_json: written.request_body_json,
            key: written.key,
            field_path: written.field_path,
            field_path_optional: written.field_path_optional,
            request_parameters,
            partition_router,
            paginator,
            incremental_sync: written.incremental_sync,
            change_classes: written.change_classes,
            volatile_fields: written.volatile_fields,
            record_path: written.record_path,
            on_demand: written.on_demand,
            on_refused: written.on_refused,
            on_missing: written.on_missing,
            evidence: written.evidence,
        })
    }
}

impl TryFrom<WrittenIncremental> for Incremental {
    type Error = &'static str;

    /// One format stands for both where only one is given.
    fn try_from(written: WrittenIncremental) -> Result<Self, &'static str> {
        let either = written.cursor_datetime_format.clone().or(written.datetime_format.clone());
        let either = either.ok_or("missing field `cursor_datetime_format`")?;
        Ok(Incremental {
            cursor_field: written.cursor_field,
            cursor_datetime_format: written.cursor_datetime_format.unwrap_or(either.clone()),
            start_time_parameter: written.start_time_parameter,
            end_time_parameter: written.end_time_parameter,
            datetime_format: written.datetime_format.unwrap_or(either),
            lookback_window_s: written.lookback_window_s,
            cursor_granularity_ms: written.cursor_granularity_ms.max(1),
        })
    }
}

/// Turns dlt's `{resources.parent.field}` into a router and a field of the partition.
fn settle_placeholders(path: &str, routers: &mut Vec<Router>) -> Result<String, String> {
    let mut settled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once("{resources.") {
        let parts = after.split_once('}').and_then(|(inside, remaining)| {
            let (parent, field) = inside.trim().split_once('.')?;
            Some((parent, field, remaining))
        });
        let (parent, field, remaining) = parts.ok_or_else(|| {
            format!("the path {path} has {{resources.…}} without a stream and a field")
        })?;
        add_field(routers, parent, field);
        settled.push_str(before);
        settled.push_str(&format!("{{{{ stream_partition.{field} }}}}"));
        rest = remaining;
    }
    settled.push_str(rest);
    Ok(settled)
}

fn add_field(routers: &mut Vec<Router>, parent: &str, field: &str) {
    let place = (field.to_owned(), field.to_owned());
    for router in routers.iter_mut() {
        if let Router::SubstreamPartitionRouter { parent_stream, partition_fields, .. } = router
            && parent_stream == parent
        {
            partition_fields.entry(place.0).or_insert(place.1);
            return;
        }
    }
    routers.push(Router::SubstreamPartitionRouter {
        parent_stream: parent.to_owned(),
        partition_fields: BTreeMap::from([place]),
        when: BTreeMap::new(),
    });
}

/// Adds fields of the parent under their own names.
fn include(fields: Vec<String>, routers: &mut [Router]) -> Result<(), String> {
    if fields.is_empty() {
        return Ok(());
    }
    let mut parents = routers.iter_mut().filter_map(|router| match router {
        Router::SubstreamPartitionRouter { partition_fields, .. } => Some(partition_fields),
        Router::ListPartitionRouter { .. } => None,
    });
    match (parents.next(), parents.next()) {
        (Some(partition_fields), None) => {
            for field in fields {
                partition_fields.entry(field.clone()).or_insert(field);
            }
            Ok(())
        }
        _ => Err("include_from_parent needs exactly one parent stream".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{NO_AUTH, sample};
    use super::super::{Action, Authenticator, Place};
    use super::*;

    fn streams(text: &str) -> Vec<Stream> {
        sample(NO_AUTH, text).expect(text).streams
    }

    fn one(more: &str) -> Stream {
        let text = format!("[[streams]]\nname = \"s\"\npath = \"/s\"\nkey = [\"x\"]\n{more}");
        streams(&text).remove(0)
    }

    #[test]
    fn each_short_paginator_is_its_long_form() {
        let pairs = [
            ("{ type = \"single_page\" }", "{ type = \"NoPagination\" }", ""),
            (
                "{ type = \"page_number\", base_page = 1, page_param = \"p\" }",
                "{ type = \"PageIncrement\", start_from_page = 1 }",
                "request_parameters = { p = \"{{ next_page_token }}\" }",
            ),
            (
                "{ type = \"offset\", limit = 9 }",
                "{ type = \"OffsetIncrement\", page_size = 9 }",
                "request_parameters = { offset = \"{{ next_page_token }}\", limit = \"9\" }",
            ),
            (
                "{ type = \"cursor\", cursor_path = \"a.b\", cursor_param = \"c\" }",
                "{ type = \"CursorPagination\", cursor_value = \"a.b\", request_parameter = \"c\" }",
                "",
            ),
            (
                "{ type = \"json_link\", next_url_path = \"n\" }",
                "{ type = \"NextLinkPagination\", next_url_path = \"n\" }",
                "",
            ),
        ];
        for (short, long, more) in pairs {
            let from_short = one(&format!("paginator = {short}"));
            let from_long = one(&format!("paginator = {long}\n{more}"));
            assert_eq!(from_short.paginator, from_long.paginator, "{short}");
            assert_eq!(from_short.request_parameters, from_long.request_parameters, "{short}");
        }
    }

    #[test]
    fn a_placeholder_in_a_path_is_a_router() {
        let text = "[[streams]]\nname = \"parents\"\npath = \"/p\"\nkey = [\"x\"]\n\
                    [[streams]]\nname = \"s\"\npath = \"/p/{resources.parents.id}/{resources.parents.a.b}\"\n\
                    key = [\"{{ stream_partition.name }}\"]\ninclude_from_parent = [\"name\"]";
        let stream = &streams(text)[1];
        assert_eq!(stream.path, "/p/{{ stream_partition.id }}/{{ stream_partition.a.b }}");
        let [Router::SubstreamPartitionRouter { parent_stream, partition_fields, .. }] =
            stream.partition_router.as_slice()
        else {
            panic!("{:?}", stream.partition_router);
        };
        assert_eq!(parent_stream, "parents");
        let names: Vec<&String> = partition_fields.keys().collect();
        assert_eq!(names, ["a.b", "id", "name"]);
    }

    #[test]
    fn a_selector_may_be_a_path_or_a_list() {
        assert_eq!(one("").field_path, ["data"]);
        assert_eq!(one("data_selector = \"a.b\"").field_path, ["a", "b"]);
        assert_eq!(one("field_path = [\"a.b\"]").field_path, ["a.b"]);
        assert!(one("data_selector = \"$\"").field_path.is_empty());
        let bad =
            "[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]\ndata_selector = \"a[*].b\"";
        assert!(sample(NO_AUTH, bad).is_err());
    }

    #[test]
    fn an_increment_needs_one_format_and_knows_which_side_filters() {
        let server = one(
            "incremental = { cursor_path = \"a.u\", start_param = \"since\", datetime_format = \"%ms\" }",
        );
        let server = server.incremental_sync.expect("is there");
        let at = server.moment(&serde_json::json!({"a": {"u": 1_519_923_600_250_i64}}));
        assert_eq!(server.parameter(at.expect("is a moment")), "1519923600250");
        assert_eq!(server.start_time_parameter.as_deref(), Some("since"));
        assert_eq!(server.lookback_window_s, 60);
        let client = one(
            "[streams.incremental_sync]\ntype = \"DatetimeBasedCursor\"\ncursor_field = \"u\"\ncursor_datetime_format = \"%s\"",
        );
        assert_eq!(client.incremental_sync.expect("is there").start_time_parameter, None);
        let none = "[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]\nincremental = { cursor_path = \"u\" }";
        let fault = sample(NO_AUTH, none).expect_err("no format");
        assert!(fault.to_string().contains("cursor_datetime_format"), "{fault}");
    }

    #[test]
    fn short_authenticators_and_actions_are_understood() {
        let auth = "auth = { type = \"api_key\", api_key = \"{{ config.tier }}\", location = \"query\", name = \"k\" }\n\
                    response_actions = [{ status_code = 404, content = \"none\", action = \"ignore\" }]";
        let text = "[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]";
        let manifest = sample(auth, text).expect("reads");
        let Authenticator::ApiKey { inject_into, field_name, .. } = &manifest.authenticator else {
            panic!("{:?}", manifest.authenticator);
        };
        assert_eq!((*inject_into, field_name.as_str()), (Place::RequestParameter, "k"));
        let rule = &manifest.error_handler[0];
        assert_eq!((rule.http_codes.as_slice(), rule.action), (&[404][..], Action::Ignore));
        assert_eq!(rule.error_message_contains, "none");
    }
}
