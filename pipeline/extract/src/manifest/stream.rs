//! One list of records, in the words of a manifest: where it is, how it is paged through, what its
//! records are and how changes show.
//!
//! How else the same may be spelled is not known here.

use std::collections::BTreeMap;

use kernel::Instant;
use serde::Deserialize;
use serde_json::Value;

use super::Action;
use super::datetime::DatetimeFormat;
use super::short_forms::{WrittenIncremental, WrittenStream};
use super::written::one_or_many_each;
use crate::interpolation::{at_path, references, texts_of};

/// One list of records.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "WrittenStream")]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) path: String,
    /// The setting that names a file to read instead of asking anybody.
    pub(crate) file_setting: Option<String>,
    /// More addresses whose lists are part of this one.
    pub(crate) further_paths: Vec<String>,
    pub(crate) http_method: HttpMethod,
    /// What is sent with the question; texts in it are templates.
    pub(crate) request_body_json: Option<Value>,
    /// Templates of the key; the first one whose parts all exist is used.
    pub(crate) key: Vec<String>,
    /// Where in the reply the records lie; a reply that is a list itself is taken as it is.
    pub(crate) field_path: Vec<String>,
    /// Whether a reply without anything at `field_path` holds no records, instead of being odd.
    pub(crate) field_path_optional: bool,
    pub(crate) request_parameters: BTreeMap<String, String>,
    /// Several ask once for each combination; parents come first.
    pub(crate) partition_router: Vec<Router>,
    pub(crate) paginator: Paginator,
    pub(crate) incremental_sync: Option<Incremental>,
    /// Class of a change to the dotted paths that tell it: a changed record whose value at one of
    /// them differs is of that class, every other changed record is edited.
    pub(crate) change_classes: BTreeMap<String, Vec<String>>,
    /// Dotted paths of what differs each time that a record is read, such as signed addresses; it
    /// makes no new version.
    pub(crate) volatile_fields: Vec<String>,
    /// Where one record is, in terms of its children's partitions: whether it was deleted is asked
    /// there when a list below it is missing.
    pub(crate) record_path: Option<String>,
    /// Whether each of its calls reads a single record of its parent, so that whoever wants only some
    /// of them says for which it is asked.
    pub(crate) on_demand: bool,
    /// What 403 means; failing is the default.
    pub(crate) on_refused: Option<Action>,
    /// What 301, 404 and 410 mean where they do not end a list; failing is the default.
    pub(crate) on_missing: Option<Action>,
    /// How well it is known: `documented`, or `assumed: …`.
    pub(crate) evidence: Option<String>,
}

/// How a question is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum HttpMethod {
    #[default]
    Get,
    /// For searches; nothing is changed by asking.
    Post,
}

/// Asks once for each of several things.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Router {
    /// Once for each record of another stream. The fields of the list in which the record stood
    /// are fields here too.
    SubstreamPartitionRouter {
        parent_stream: String,
        /// Name to dotted path in the parent record; a record without one of them has no children.
        partition_fields: BTreeMap<String, String>,
        /// Dotted path in the parent record to the text, or one of the texts, that must stand there.
        #[serde(default, deserialize_with = "one_or_many_each")]
        when: BTreeMap<String, Vec<String>>,
    },
    /// Once for each value of a list.
    ListPartitionRouter {
        /// Name of the partition's field.
        cursor_field: String,
        values: Vec<String>,
    },
}

/// How one asks for more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Paginator {
    #[default]
    NoPagination,
    /// `{{ next_page_token }}` is the page's number.
    PageIncrement {
        start_from_page: u64,
        /// Statuses that mean "past the end", besides an empty page.
        end_http_codes: Vec<u16>,
        /// How often a live list is read at most, until a reading brings nothing new.
        sweeps_max: u64,
        /// Pages that the API gives of one list; a longer one is read in windows of time.
        pages_max: Option<u64>,
    },
    /// `{{ next_page_token }}` is how many records came before the page.
    OffsetIncrement {
        /// Records by which the offset grows.
        page_size: u64,
        /// As for `PageIncrement`.
        sweeps_max: u64,
    },
    CursorPagination {
        /// Dotted path of the next cursor in the reply; null or empty text is the end.
        cursor_value: String,
        request_parameter: String,
    },
    NextLinkPagination {
        /// Dotted path of the next page's address in the reply. It is followed only when it has
        /// the origin of `url_base`: credentials go nowhere else.
        next_url_path: String,
        /// Whether a page without records ends the list although it names a next one.
        stop_after_empty_page: bool,
        /// As for `PageIncrement`; a list of one page is whole at once.
        sweeps_max: u64,
    },
    BackwardCursorPagination {
        /// Dotted path of the number in a record that the bound compares with.
        cursor_field: String,
        request_parameter: String,
        /// The parameter of a lower bound, where the API has one.
        forward_parameter: Option<String>,
        /// The status that says that more remain.
        more_http_code: u16,
        /// A reply with another success status and at least so many records is doubted once.
        confirm_from: usize,
    },
}

/// How changed records are found.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "WrittenIncremental")]
pub(crate) struct Incremental {
    /// Dotted path of the moment of change in a record.
    pub(crate) cursor_field: String,
    pub(crate) cursor_datetime_format: DatetimeFormat,
    /// Without it everything is read and the changed records are picked out here.
    pub(crate) start_time_parameter: Option<String>,
    pub(crate) end_time_parameter: Option<String>,
    /// How the parameters are written.
    pub(crate) datetime_format: DatetimeFormat,
    /// Seconds that a reading reaches back before the last one began.
    pub(crate) lookback_window_s: u64,
    /// The shortest window that two moments of the API can bound, in milliseconds.
    pub(crate) cursor_granularity_ms: u64,
}

impl HttpMethod {
    pub(crate) fn word(self) -> &'static str {
        match self {
            HttpMethod::Get => "GET",
            HttpMethod::Post => "POST",
        }
    }
}

impl Stream {
    /// Every template of its questions, paths apart.
    pub(crate) fn question_templates(&self) -> Vec<&str> {
        let body = self.request_body_json.iter().flat_map(texts_of);
        self.request_parameters.values().map(String::as_str).chain(body).collect()
    }

    /// Whether it can be asked for what was touched until a moment.
    pub(crate) fn has_upper_bound(&self) -> bool {
        let sync = self.incremental_sync.as_ref();
        let has_parameter = sync.is_some_and(|sync| sync.end_time_parameter.is_some());
        has_parameter || (sync.is_some() && self.refers_to_interval("end_time"))
    }

    /// Whether it can be asked for what was touched since a moment.
    pub(crate) fn has_lower_bound(&self) -> bool {
        let sync = self.incremental_sync.as_ref();
        let has_parameter = sync.is_some_and(|sync| sync.start_time_parameter.is_some());
        has_parameter || (sync.is_some() && self.refers_to_interval("start_time"))
    }

    fn refers_to_interval(&self, field: &str) -> bool {
        let wanted = |template: &&str| {
            let used = references(template).unwrap_or_default();
            used.iter().any(|used| used.scope == "stream_interval" && used.field == field)
        };
        self.question_templates().iter().any(wanted)
    }
}

impl Incremental {
    /// When a record was changed last, as far as it says.
    pub(crate) fn moment(&self, record: &Value) -> Option<Instant> {
        self.cursor_datetime_format.read(at_path(record, &self.cursor_field)?)
    }

    /// A moment as the API's parameters want it.
    pub(crate) fn parameter(&self, at: Instant) -> String {
        self.datetime_format.write(at)
    }
}

impl Paginator {
    /// Whether templates may and must refer to `next_page_token`.
    pub(crate) fn counts_pages(&self) -> bool {
        matches!(self, Paginator::PageIncrement { .. } | Paginator::OffsetIncrement { .. })
    }
}
