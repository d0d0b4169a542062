//! The file pass: every address that records point at, once, into the snapshot or onto the list of
//! files that could not be had.

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Fetched, FileClient, NoFile};
use kernel::Result;
use landing::exchange::{Download, Exchange};
use serde_json::Value;

use crate::links;
use crate::manifest::FileLinks;
use crate::questions::Questions;
use crate::run::Progress;

/// The name under which files appear among the streams.
const STREAM: &str = "files";

/// One pass over addresses.
pub(crate) struct Files<'a> {
    pub(crate) client: &'a FileClient,
    pub(crate) questions: &'a Questions<'a>,
}

/// An address that a record points at.
pub(crate) struct Linked {
    pub(crate) url: String,
    /// Where a fresh one is to be had when it turns out to be too old.
    pub(crate) again: Option<Again>,
}

/// A record whose addresses do not last.
pub(crate) struct Again {
    pub(crate) place: FileLinks,
    pub(crate) record: Value,
    /// Which of its addresses it is.
    pub(crate) nth: usize,
}

impl Files<'_> {
    pub(crate) async fn fetch_all(
        &self,
        links: Vec<Linked>,
        progress: &dyn Progress,
    ) -> Result<()> {
        futures::stream::iter(links.into_iter().map(Ok))
            .try_for_each_concurrent(self.questions.concurrency(), |linked| async move {
                self.fetch(&linked).await?;
                progress.advance(STREAM, 1, 1);
                Ok(())
            })
            .await
    }

    async fn fetch(&self, linked: &Linked) -> Result<()> {
        let url = linked.url.as_str();
        let journal = self.questions.journal;
        let request_key = format!("{STREAM}|{url}");
        if journal.lock().await.answer(&request_key).await?.is_some() {
            return Ok(());
        }
        let fetched = self.fetched(linked).await?;
        let download = match &fetched.outcome {
            Ok(body) => {
                let bytes = body.len() as u64;
                let (hash, sniffed_type) = journal.lock().await.store_file(body.clone()).await?;
                Download {
                    url: url.to_owned(),
                    sha256: Some(hash),
                    bytes: Some(bytes),
                    content_type: fetched.content_type.clone(),
                    sniffed_type,
                    status: fetched.status,
                    reason: None,
                }
            }
            Err(reason) => Download::missing(url, fetched.status, reason.word()),
        };
        let exchange = exchange_of(request_key, url, &fetched, download);
        journal.lock().await.note(exchange, Bytes::new()).await
    }

    /// The file; where its address is too old, once more by the address that its record gives now.
    async fn fetched(&self, linked: &Linked) -> Result<Fetched> {
        let first = self.client.fetch(&linked.url).await;
        let (Err(NoFile::Expired | NoFile::Forbidden), Some(again)) =
            (&first.outcome, &linked.again)
        else {
            return Ok(first);
        };
        let stream = self.questions.manifest.stream(&again.place.stream);
        let (Some(stream), Some(path)) = (stream, &again.place.refetch_path) else {
            return Ok(first);
        };
        let record = self.questions.renewed(stream, path, &again.record).await?;
        let fresh =
            record.and_then(|record| links::find(&record, &again.place).into_iter().nth(again.nth));
        let Some(fresh) = fresh else { return Ok(first) };
        let second = self.client.fetch(&fresh).await;
        let attempts = first.attempts + second.attempts;
        Ok(Fetched { started_at: first.started_at, attempts, ..second })
    }
}

fn exchange_of(request_key: String, url: &str, fetched: &Fetched, download: Download) -> Exchange {
    Exchange {
        id: 0,
        stream: STREAM.to_owned(),
        request_key,
        method: "GET".to_owned(),
        url: redacted(url),
        status: fetched.status.unwrap_or(0),
        headers: Default::default(),
        started_at: fetched.started_at,
        ended_at: fetched.ended_at,
        attempt: fetched.attempts,
        is_answer: true,
        records: Vec::new(),
        download: Some(download),
    }
}

/// Whoever knows a file's address can read the file, so only its host is shown.
fn redacted(url: &str) -> String {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    format!("file on {}", host.unwrap_or_else(|| "an unknown host".to_owned()))
}
