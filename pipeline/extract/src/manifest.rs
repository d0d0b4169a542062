//! What a manifest may say: a closed vocabulary, with Airbyte's names where Airbyte has one.
//!
//! Nothing here opens a connection or looks at a record.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use kernel::{Fault, Result, nearest};
use serde::Deserialize;

use crate::interpolation::fill_setting;

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
    pub url_base: String,
    /// Names the account in snapshots; the address is used where there is none.
    pub account: Option<String>,
    /// Settings that the configuration gives.
    pub spec: BTreeMap<String, Setting>,
    pub(crate) authenticator: Authenticator,
    #[serde(default)]
    pub(crate) request_headers: BTreeMap<String, String>,
    /// What the API allows.
    #[serde(default)]
    pub api_budget: Budget,
    #[serde(default)]
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

/// Who we are to the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Authenticator {
    #[serde(rename = "BasicHttpAuthenticator")]
    Basic {
        username: String,
        password: String,
    },
    #[serde(rename = "BearerAuthenticator")]
    Bearer {
        api_token: String,
    },
    NoAuth,
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
}

/// What a status means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRule {
    pub(crate) http_codes: Vec<u16>,
    #[serde(default)]
    pub(crate) error_message_contains: String,
    pub(crate) action: Action,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Action {
    Success,
    Ignore,
    Gap,
    RateLimited,
    QuotaExhausted,
    Retry,
    Fail,
}

/// One list of records.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    pub(crate) name: String,
    pub(crate) path: String,
    /// Templates of the key; the first one whose parts all exist is used.
    pub(crate) key: Vec<String>,
    /// Where in the reply the records lie; a reply that is a list itself is taken as it is.
    #[serde(default = "data")]
    pub(crate) field_path: Vec<String>,
    #[serde(default)]
    pub(crate) request_parameters: BTreeMap<String, String>,
    pub(crate) partition_router: Option<Router>,
    #[serde(default)]
    pub(crate) paginator: Paginator,
    /// What 403 means; failing is the default.
    pub(crate) on_refused: Option<Action>,
    /// What 404 means where it does not end a list; failing is the default.
    pub(crate) on_missing: Option<Action>,
}

fn data() -> Vec<String> {
    vec!["data".to_owned()]
}

/// Asks once for each record of another stream.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Router {
    SubstreamPartitionRouter {
        parent_stream: String,
        /// Name to dotted path in the parent record; a record without one of them has no children.
        partition_fields: BTreeMap<String, String>,
    },
}

/// How one asks for more.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub(crate) enum Paginator {
    #[default]
    NoPagination,
    PageIncrement {
        start_from_page: u64,
        /// Statuses that mean "past the end", besides an empty page.
        #[serde(default)]
        end_http_codes: Vec<u16>,
        /// How often a live list is read at most, until a reading brings nothing new.
        #[serde(default = "once")]
        sweeps_max: u64,
    },
    CursorPagination {
        /// Dotted path of the next cursor in the reply; null or empty text is the end.
        cursor_value: String,
        request_parameter: String,
    },
    BackwardCursorPagination {
        /// Dotted path of the number in a record that the bound compares with.
        cursor_field: String,
        request_parameter: String,
        /// The status that says that more remain.
        more_http_code: u16,
        /// A reply with another success status and at least so many records is doubted once.
        confirm_from: usize,
    },
}

fn once() -> u64 {
    1
}

/// Where records of a stream point at files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileLinks {
    pub(crate) stream: String,
    /// Dotted paths whose value is an address; `*` stands for each element of a list.
    #[serde(default)]
    pub(crate) download_targets: Vec<String>,
    /// Dotted paths of texts in which images are linked, as Markdown or HTML.
    #[serde(default)]
    pub(crate) markup: Vec<String>,
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
            let line = error.span().map_or(0, |span| text[..span.start].lines().count());
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
        let mut seen: Vec<&str> = Vec::new();
        for stream in &self.streams {
            if let Some(Router::SubstreamPartitionRouter { parent_stream, .. }) =
                &stream.partition_router
                && !seen.contains(&parent_stream.as_str())
            {
                return Err(Fault::config(format!(
                    "{origin}: {} follows {parent_stream}, which is not an earlier stream",
                    stream.name
                ))
                .hint(nearest::hint(parent_stream, seen.iter().copied())));
            }
            seen.push(&stream.name);
        }
        match self.file_uploader.iter().find(|links| !seen.contains(&links.stream.as_str())) {
            None => Ok(()),
            Some(links) => Err(Fault::config(format!(
                "{origin}: files of {}, which is not a stream",
                links.stream
            ))
            .hint(nearest::hint(&links.stream, seen.iter().copied()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
