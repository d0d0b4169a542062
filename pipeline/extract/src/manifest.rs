//! What a manifest may say: a closed vocabulary, with Airbyte's names where Airbyte has one.
//!
//! Nothing here opens a connection. There is no expression language: a template refers to
//! `{{ config.name }}`, `{{ stream_partition.name }}`, `{{ stream_interval.start_time }}` and
//! `end_time`, `{{ next_page_token }}` or, in a key, `{{ record.dotted.path }}` and
//! `{{ record_sha256 }}`, and that is all. An unknown key is refused
//! with the nearest known one.
//!
//! # Short forms
//!
//! dlt's spellings are accepted where one stands for exactly one of ours:
//!
//! | dlt | here |
//! | --- | --- |
//! | `base_url`, `headers`, `auth` | `url_base`, `request_headers`, `authenticator` |
//! | auth `http_basic` | `BasicHttpAuthenticator` |
//! | auth `bearer` with `token` | `BearerAuthenticator` with `api_token` |
//! | auth `api_key` with `name`, `api_key`, `location` = `header`, `query` or `param` | `ApiKeyAuthenticator` with `field_name`, `api_token`, `inject_into` = `header` or `request_parameter` |
//! | auth `oauth2_client_credentials` with `access_token_url` | `OAuthAuthenticator` with `token_refresh_endpoint` |
//! | `response_actions` with `status_code`, `content`, `action = "ignore"` | `error_handler` with `http_codes`, `error_message_contains`, `action = "IGNORE"` |
//! | `params` | `request_parameters` |
//! | `data_selector = "a.b"` | `field_path = ["a", "b"]`; `"$"` is the whole reply |
//! | `{resources.parent.field}` in a path | a `SubstreamPartitionRouter` and `{{ stream_partition.field }}` |
//! | `include_from_parent = ["field"]` | `field` among the router's `partition_fields` |
//! | paginator `single_page` | `NoPagination` |
//! | paginator `page_number` with `base_page` (0), `page_param` (`page`) | `PageIncrement` and the parameter `{{ next_page_token }}` |
//! | paginator `offset` with `limit`, `offset_param` (`offset`), `limit_param` (`limit`) | `OffsetIncrement` and both parameters |
//! | paginator `cursor` with `cursor_path`, `cursor_param` | `CursorPagination` with `cursor_value`, `request_parameter` |
//! | paginator `json_link` with `next_url_path` | `NextLinkPagination` |
//! | `method`, `json` | `http_method`, `request_body_json` |
//! | `incremental` with `cursor_path`, `start_param`, `end_param` | `incremental_sync` with `cursor_field`, `start_time_parameter`, `end_time_parameter` |
//!
//! Of our own are `record_sha256`, `record_path`, `NextLinkPagination`, `BackwardCursorPagination`, `sweeps_max`,
//! `pages_max`, `file_setting`, `further_paths`, `field_path_optional`, `volatile_fields`,
//! `refetch_path`, `on_demand`, the action `GAP`, `on_refused`,
//! `on_missing`, `when`, `change_classes`, `calls_per_day` and `evidence`.

mod authenticator;
mod coherence;
mod datetime;
mod short_forms;
mod stream;
mod written;

use std::collections::BTreeMap;
use std::fmt;

use include_dir::{Dir, include_dir};
use kernel::{Fault, Result, nearest};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};

use crate::interpolation::fill_setting;

pub(crate) use authenticator::{Authenticator, Grant, OAuth, Place};
pub(crate) use stream::{HttpMethod, Incremental, Paginator, Router, Stream};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/sources");

/// The version of the vocabulary that this program understands.
const FORMAT: u32 = 1;

/// A source, described.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// Short name of the platform, used in paths and SQL.
    pub platform: String,
    /// Its name for people.
    pub name: String,
    /// Where the vendor documents it.
    pub docs: String,
    /// Where all paths begin, unless the configuration says otherwise.
    #[serde(alias = "base_url")]
    pub url_base: String,
    /// Names the account in snapshots; the address is used where there is none.
    pub account: Option<String>,
    /// Settings that the configuration gives.
    #[serde(default)]
    pub spec: BTreeMap<String, Setting>,
    #[serde(alias = "auth")]
    pub(crate) authenticator: Authenticator,
    #[serde(default, alias = "headers")]
    pub(crate) request_headers: BTreeMap<String, String>,
    /// Parameters of every call; those of a stream come after them.
    #[serde(default)]
    pub(crate) request_parameters: BTreeMap<String, String>,
    /// What the API allows.
    #[serde(default)]
    pub api_budget: Budget,
    #[serde(default, alias = "response_actions")]
    pub(crate) error_handler: Vec<ErrorRule>,
    pub(crate) streams: Vec<Stream>,
    #[serde(default)]
    pub(crate) file_uploader: Vec<FileLinks>,
    #[serde(skip)]
    pub(crate) text: String,
}

/// A setting that the configuration gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it is and where a person finds it.
    pub meaning: String,
    /// Whether nothing works without it.
    #[serde(default)]
    pub required: bool,
    /// Whether it must come from the environment or a file and never be shown.
    #[serde(default)]
    pub secret: bool,
    /// Its value when none is given.
    pub default: Option<String>,
    /// The values it may have; none means any.
    #[serde(default)]
    pub one_of: Vec<String>,
}

/// What the API allows, over all streams.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Calls in a window; with `window_s` a leaky bucket.
    pub calls_per_window: Option<u32>,
    /// Length of the window in seconds.
    pub window_s: Option<u64>,
    /// The header that tells `used/limit`.
    pub header: Option<String>,
    /// Calls in flight at once.
    pub concurrency: Option<usize>,
    /// Calls on one day.
    pub calls_per_day: Option<PerDay>,
    /// The header that tells the calls of a window.
    pub ratelimit_limit_header: Option<String>,
    /// The header that tells how many of them are left.
    pub ratelimit_remaining_header: Option<String>,
    /// The header that tells when the window ends, in seconds since 1970.
    pub ratelimit_reset_header: Option<String>,
    /// Smaller budgets that some calls take from besides.
    #[serde(default)]
    pub policies: Vec<Policy>,
}

/// A budget of some paths alone.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How the paths begin, below `url_base`.
    pub path_starts_with: Vec<String>,
    /// Calls in a window.
    pub calls_per_window: u32,
    /// Length of the window in seconds.
    pub window_s: u64,
}

/// A daily quota: one number, or one for each value of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PerDay {
    /// The same for everybody.
    Number(u64),
    /// It depends on a setting, such as the kind of token.
    BySetting {
        /// Name of the setting.
        setting: String,
        /// Calls by the setting's value; a value that is not here has no known quota.
        values: BTreeMap<String, u64>,
    },
}

impl Budget {
    /// The daily quota under these settings, where one is known.
    pub fn calls_per_day(&self, settings: &BTreeMap<String, String>) -> Option<u64> {
        match self.calls_per_day.as_ref()? {
            PerDay::Number(calls) => Some(*calls),
            PerDay::BySetting { setting, values } => values.get(settings.get(setting)?).copied(),
        }
    }
}

impl<'de> Deserialize<'de> for PerDay {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            setting: String,
            values: BTreeMap<String, u64>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PerDay;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of calls, or a table of setting and values")
            }

            fn visit_i64<E: Error>(self, calls: i64) -> std::result::Result<PerDay, E> {
                let calls = u64::try_from(calls);
                calls.map(PerDay::Number).map_err(|_| E::custom("calls cannot be negative"))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<PerDay, A::Error> {
                let Table { setting, values } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PerDay::BySetting { setting, values })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What a status means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRule {
    #[serde(alias = "status_code", deserialize_with = "written::one_or_many")]
    pub(crate) http_codes: Vec<u16>,
    #[serde(default, alias = "content")]
    pub(crate) error_message_contains: String,
    pub(crate) action: Action,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Action {
    Success,
    #[serde(alias = "ignore")]
    Ignore,
    Gap,
    RateLimited,
    QuotaExhausted,
    Retry,
    Fail,
}

/// Where records of a stream point at files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLinks {
    pub(crate) stream: String,
    /// Dotted paths whose value is an address; `*` stands for each element of a list and each value
    /// of an object.
    #[serde(default)]
    pub(crate) download_targets: Vec<String>,
    /// Dotted paths of texts in which images are linked, as Markdown or HTML.
    #[serde(default)]
    pub(crate) markup: Vec<String>,
    /// Where one record is: it is asked for once more when an address that it gave is too old.
    pub(crate) refetch_path: Option<String>,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// `FixConfig` with the nearest known key for an unknown one, and for a stream that refers to
    /// something that is not there.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let mut manifest: Manifest = toml::from_str(text).map_err(|error| {
            let message = error.message().to_owned();
            let line = error.span().map_or(0, |span| line_of(text, span.start, &message));
            let hint = nearest::hint_from_serde(&message);
            let fault = Fault::config(format!("{origin} line {line}: {message}"));
            match hint {
                Some(hint) => fault.hint(hint),
                None => fault.hint("correct the manifest"),
            }
        })?;
        manifest.text = text.to_owned();
        manifest.check(origin)?;
        Ok(manifest)
    }

    /// The manifest of a platform that the program knows.
    ///
    /// # Errors
    /// `FixConfig` with the nearest known platform.
    pub fn built_in(platform: &str) -> Result<Self> {
        let file = BUILT_IN.get_file(format!("{platform}.toml"));
        let text = file.and_then(|file| file.contents_utf8()).ok_or_else(|| {
            let known = Self::platforms();
            Fault::config(format!("the platform {platform:?} is not known"))
                .hint(nearest::hint(platform, known.iter().map(String::as_str)))
        })?;
        Self::parse(text, &format!("sources/{platform}.toml"))
    }

    /// The platforms that the program knows.
    pub fn platforms() -> Vec<String> {
        let names = BUILT_IN.files().filter_map(|file| file.path().file_stem()?.to_str());
        names.map(str::to_owned).collect()
    }

    /// Names of the streams, in the order in which they are read.
    pub fn stream_names(&self) -> Vec<String> {
        self.streams.iter().map(|stream| stream.name.clone()).collect()
    }

    /// Names of the streams that read single records of another one, and may be asked for some only.
    pub fn on_demand_streams(&self) -> Vec<String> {
        let wanted = self.streams.iter().filter(|stream| stream.on_demand);
        wanted.map(|stream| stream.name.clone()).collect()
    }

    /// Where all paths begin: `base_url` if the configuration has one, else the vendor's address.
    ///
    /// # Errors
    /// `FixConfig` when the vendor's address needs a setting that is missing.
    pub fn address(
        &self,
        base_url: Option<&str>,
        settings: &BTreeMap<String, String>,
    ) -> Result<String> {
        let address = match base_url {
            Some(address) => address.to_owned(),
            None => fill_setting(&self.url_base, settings)?,
        };
        match url::Url::parse(&address) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {
                Ok(address.trim_end_matches('/').to_owned())
            }
            _ => Err(Fault::config(format!("base_url {address:?} is not an address"))
                .hint("base_url begins with https:// or http://")),
        }
    }

    /// Completes settings with defaults and checks them.
    ///
    /// # Errors
    /// `FixConfig` for a missing, unknown or impossible setting; `section` names the part of the
    /// configuration that they come from.
    pub fn settle(
        &self,
        mut given: BTreeMap<String, String>,
        section: &str,
    ) -> Result<BTreeMap<String, String>> {
        for (name, setting) in &self.spec {
            if let (false, Some(default)) = (given.contains_key(name), &setting.default) {
                given.insert(name.clone(), default.clone());
            }
            match given.get(name).map(|value| value.trim()) {
                None | Some("") if setting.required => {
                    return Err(Fault::config(format!("[{section}] {name} is missing"))
                        .hint(format!("{name}: {}", setting.meaning)));
                }
                Some(value)
                    if !setting.one_of.is_empty()
                        && !setting.one_of.iter().any(|known| known == value) =>
                {
                    return Err(Fault::config(format!("[{section}] {name} has no such value"))
                        .hint(format!("{name} is one of {}", setting.one_of.join(", "))));
                }
                _ => {}
            }
        }
        Ok(given)
    }

    fn check(&self, origin: &str) -> Result<()> {
        if self.format != FORMAT {
            return Err(Fault::config(format!("{origin}: format {} is not known", self.format))
                .hint(format!("this program reads format {FORMAT}")));
        }
        coherence::check(self).map_err(|fault| fault.during(origin))
    }
}

/// The number of the line, from 1, of an error that was found at a byte.
///
/// Of a table with a `type` the parser only knows where it begins, so an unknown key is looked for
/// from there on.
fn line_of(text: &str, at: usize, message: &str) -> usize {
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let is_key = |(place, word): &(usize, &str)| {
        let before = text[..*place].chars().next_back();
        let after = text[place + word.len()..].trim_start_matches(['"', ' ']).chars().next();
        !before.is_some_and(|char| char.is_alphanumeric() || char == '_') && after == Some('=')
    };
    let key = unknown.and_then(|word| {
        text[at..].match_indices(word).map(|(after, word)| (at + after, word)).find(is_key)
    });
    let place = key.map_or(at, |(place, _)| place);
    text.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A manifest with these streams and whatever else stands in `more`.
    pub(crate) fn sample(more: &str, streams: &str) -> Result<Manifest> {
        let text = format!(
            "format = 1\nplatform = \"p\"\nname = \"P\"\ndocs = \"d\"\nurl_base = \"https://p.example\"\n\
             {more}\n[spec.tier]\nmeaning = \"m\"\none_of = [\"plugin\", \"website\"]\n{streams}"
        );
        Manifest::parse(&text, "mine.toml")
    }

    /// Authentication for a sample.
    pub(crate) const NO_AUTH: &str = "authenticator = { type = \"NoAuth\" }";

    #[test]
    fn every_manifest_that_comes_with_the_program_can_be_read() {
        for platform in Manifest::platforms() {
            let manifest = Manifest::built_in(&platform).expect("reads");
            assert_eq!(manifest.platform, platform);
            assert!(!manifest.stream_names().is_empty());
        }
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_one() {
        let text = BUILT_IN.get_file("crisp.toml").expect("is there").contents_utf8();
        let text = text.expect("is text").replace("on_missing", "on_mising");
        let fault = Manifest::parse(&text, "mine.toml").expect_err("has a slip");
        assert!(fault.to_string().starts_with("mine.toml line "), "{fault}");
        assert!(fault.advice().contains("on_missing"), "{}", fault.advice());
    }

    #[test]
    fn a_missing_setting_says_where_to_find_it() {
        let manifest = Manifest::built_in("crisp").expect("reads");
        let fault = manifest.settle(BTreeMap::new(), "source").expect_err("nothing is given");
        assert!(fault.to_string().contains("[source] "));
        let given = ["website_id", "identifier", "key"].map(|name| (name.into(), "x".into()));
        let settled = manifest.settle(given.into(), "source").expect("is complete");
        assert_eq!(settled["tier"], "plugin");
    }

    #[test]
    fn a_slip_at_any_depth_names_its_line_and_the_nearest_word() {
        let stream = "[[streams]]\nname = \"s\"\npath = \"/s\"\nkey = [\"{{ record.id }}\"]\n";
        let cases = [
            ("on_mising = \"GAP\"", 14, "on_missing"),
            ("on_missing = \"GAPP\"", 14, "GAP"),
            ("paginator = { type = \"PageIncrement\", start_from_pag = 1 }", 14, "start_from_page"),
            ("paginator = { type = \"PageIncremnt\", start_from_page = 1 }", 14, "PageIncrement"),
            (
                "[streams.paginator]\ntype = \"json_link\"\n\nnext_url_pth = \"a\"",
                17,
                "next_url_path",
            ),
            ("[streams.incremental_sync]\ncursor_feild = \"u\"", 15, "cursor_field"),
            (
                "[[streams.partition_router]]\ntype = \"ListPartitionRouter\"\ncursor_field = \"t\"\nvales = []",
                17,
                "values",
            ),
            (
                "partition_router = { type = \"ListPartitionRouter\", cursor_field = \"t\", vales = [] }",
                14,
                "values",
            ),
        ];
        for (slip, line, word) in cases {
            let fault = sample(NO_AUTH, &format!("{stream}{slip}")).expect_err(slip);
            let expected = format!("mine.toml line {line}: ");
            assert!(fault.to_string().starts_with(&expected), "{slip}: {fault}");
            assert!(fault.advice().contains(word), "{slip}: {}", fault.advice());
        }
        for (auth, word) in [
            ("authenticator = { type = \"BearerAuthenticator\", api_tokn = \"x\" }", "api_token"),
            ("authenticator = { type = \"OAuthAuthenticator\", client_idd = \"x\" }", "client_id"),
            ("authenticator = { type = \"Beaer\" }", "bearer"),
            (
                "[authenticator]\ntype = \"NoAuth\"\n[api_budget]\ncalls_per_day = { seting = \"tier\" }",
                "setting",
            ),
            (
                "authenticator = { type = \"NoAuth\" }\nerror_handler = [{ http_code = 1, action = \"GAP\" }]",
                "http_codes",
            ),
        ] {
            let fault = sample(auth, stream).expect_err(auth);
            assert!(fault.to_string().starts_with("mine.toml line "), "{auth}: {fault}");
            assert!(fault.advice().contains(word), "{auth}: {fault}: {}", fault.advice());
        }
    }

    #[test]
    fn a_daily_quota_may_depend_on_a_setting() {
        let quota = |line: &str, tier: &str| {
            let more = format!("{NO_AUTH}\n[api_budget]\ncalls_per_day = {line}");
            let manifest = sample(&more, "[[streams]]\nname = \"s\"\npath = \"/\"\nkey = [\"x\"]");
            let settings = BTreeMap::from([("tier".to_owned(), tier.to_owned())]);
            manifest.expect(line).api_budget.calls_per_day(&settings)
        };
        let by_tier = "{ setting = \"tier\", values = { plugin = 5000 } }";
        assert_eq!(quota("70", "plugin"), Some(70));
        assert_eq!(quota(by_tier, "plugin"), Some(5_000));
        assert_eq!(quota(by_tier, "website"), None);
    }
}
