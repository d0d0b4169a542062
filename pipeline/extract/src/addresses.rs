//! Where a question is asked: the address of a page of a list, without credentials.
//!
//! Nothing is sent from here.

use std::collections::BTreeMap;

use kernel::{Fault, Result};
use serde_json::Value;
use url::Url;

use crate::interpolation::{Context, Record, fill, fill_json, fill_path};
use crate::manifest::{Manifest, Stream};
use crate::partitions::Partition;
use crate::questions::Page;

/// Addresses below one `url_base`.
pub(crate) struct Addresses<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) settings: &'a BTreeMap<String, String>,
    pub(crate) url_base: &'a str,
}

impl Addresses<'_> {
    /// The address of a page of a list.
    ///
    /// # Errors
    /// `FixConfig` when `url_base` is no address or the path refers to something unknown.
    pub(crate) fn of_page(
        &self,
        stream: &Stream,
        partition: &Partition,
        page: Page<'_>,
    ) -> Result<Url> {
        let context = self.context(partition, page);
        let path = page.path.unwrap_or(&stream.path);
        let mut url = self.url(&fill_path(path, &context)?)?;
        let all = self.manifest.request_parameters.iter().chain(&stream.request_parameters);
        let filled =
            all.filter_map(|(name, template)| Some((name.as_str(), fill(template, &context)?)));
        let own = page.parameters.iter().map(|(name, value)| (*name, value.clone()));
        let query: Vec<(&str, String)> = filled.chain(own).collect();
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// What is sent with the question for a page of a list; `None` where nothing is.
    pub(crate) fn body_of_page(
        &self,
        stream: &Stream,
        partition: &Partition,
        page: Page<'_>,
    ) -> Option<String> {
        let template = stream.request_body_json.as_ref()?;
        let filled = fill_json(template, &self.context(partition, page));
        Some(filled.map_or_else(|| "{}".to_owned(), |value| value.to_string()))
    }

    /// The address of a record, as it says itself; `None` when it lacks something.
    pub(crate) fn of_own_record(&self, path: &str, value: &Value) -> Option<Url> {
        let record = Record { value, sha256: "" };
        let context =
            Context { config: Some(self.settings), record: Some(record), ..Context::default() };
        self.url(&fill_path(path, &context).ok()?).ok()
    }

    /// The address of one record.
    ///
    /// # Errors
    /// As for a page.
    pub(crate) fn of_record(&self, path: &str, partition: &Partition) -> Result<Url> {
        self.url(&fill_path(path, &self.context(partition, Page::default()))?)
    }

    /// The address of a next link, which stays with the server that the credentials are for.
    ///
    /// # Errors
    /// `FixData` when it is no address or leads to another server.
    pub(crate) fn of_link(&self, link: &str) -> Result<Url> {
        let base = self.url("")?;
        let url = base.join(link).map_err(|error| {
            Fault::data("a next link of the source is not an address").because(error)
        })?;
        if url.origin() != base.origin() {
            return Err(Fault::data("a next link of the source leads to another server")
                .hint("credentials are sent to the server of base_url only; check base_url"));
        }
        Ok(url)
    }

    fn context<'b>(&'b self, partition: &'b Partition, page: Page<'b>) -> Context<'b> {
        Context {
            config: Some(self.settings),
            stream_partition: Some(&partition.fields),
            next_page_token: page.token,
            stream_interval: page.interval,
            record: None,
        }
    }

    fn url(&self, path: &str) -> Result<Url> {
        Url::parse(&format!("{}{path}", self.url_base)).map_err(|error| {
            Fault::config(format!("base_url {:?} is not an address", self.url_base)).because(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tests::{NO_AUTH, sample};

    fn with<T>(check: impl FnOnce(Addresses<'_>) -> T) -> T {
        let more = format!("{NO_AUTH}\nrequest_parameters = {{ v = \"2\" }}");
        let stream = "[[streams]]\nname = \"s\"\npath = \"/{{ stream_partition.id }}\"\nkey = [\"x\"]\n\
                      request_parameters = { per = \"{{ config.tier }}\", page = \"{{ next_page_token }}\" }\n\
                      paginator = { type = \"OffsetIncrement\", page_size = 5 }\n\
                      partition_router = { type = \"ListPartitionRouter\", cursor_field = \"id\", values = [\"a/b\"] }";
        let manifest = sample(&more, stream).expect("reads");
        let settings = BTreeMap::from([("tier".to_owned(), "plugin".to_owned())]);
        let url_base = "https://p.example/v1";
        check(Addresses { manifest: &manifest, settings: &settings, url_base })
    }

    #[test]
    fn a_page_has_its_path_and_all_its_parameters() {
        with(|addresses| {
            let fields = BTreeMap::from([("id".to_owned(), "a/b".to_owned())]);
            let partition = Partition { fields, ..Partition::default() };
            let parameters = [("after", "7".to_owned())];
            let page = Page { token: Some("10"), parameters: &parameters, ..Page::default() };
            let url = addresses.of_page(&addresses.manifest.streams[0], &partition, page);
            let expected = "https://p.example/v1/a%2Fb?v=2&page=10&per=plugin&after=7";
            assert_eq!(url.expect("is one").as_str(), expected);
            let record = addresses.of_record("/r/{{ stream_partition.id }}", &partition);
            assert_eq!(record.expect("is one").as_str(), "https://p.example/v1/r/a%2Fb");
        });
    }

    #[test]
    fn a_next_link_stays_with_its_server() {
        with(|addresses| {
            for link in ["/v1/s?page=2", "https://p.example:443/v1/s?page=2", "?page=2"] {
                let url = addresses.of_link(link).expect(link);
                assert_eq!((url.host_str(), url.query()), (Some("p.example"), Some("page=2")));
            }
            for link in [
                "https://q.example/v1/s",
                "//q.example/v1/s",
                "http://p.example/v1/s",
                "https://p.example:8443/v1/s",
                "https://p.example@q.example/",
                "data:text/plain,x",
            ] {
                assert!(addresses.of_link(link).is_err(), "{link}");
            }
        });
    }
}
