//! The file pass: every address that records point at, once, into the snapshot or onto the list of
//! files that could not be had.

use bytes::Bytes;
use futures::TryStreamExt;
use http::{Fetched, FileClient};
use kernel::Result;
use landing::exchange::{Download, Exchange};
use landing::journal::Journal;
use tokio::sync::Mutex;

use crate::run::Progress;

/// The name under which files appear among the streams.
const STREAM: &str = "files";

/// One pass over addresses.
pub(crate) struct Files<'a> {
    pub(crate) client: &'a FileClient,
    pub(crate) journal: &'a Mutex<Journal>,
    pub(crate) concurrency: usize,
}

impl Files<'_> {
    pub(crate) async fn fetch_all(
        &self,
        links: Vec<String>,
        progress: &dyn Progress,
    ) -> Result<()> {
        futures::stream::iter(links.into_iter().map(Ok))
            .try_for_each_concurrent(self.concurrency, |url| async move {
                self.fetch(&url).await?;
                progress.advance(STREAM, 1, 1);
                Ok(())
            })
            .await
    }

    async fn fetch(&self, url: &str) -> Result<()> {
        let request_key = format!("{STREAM}|{url}");
        if self.journal.lock().await.answer(&request_key).await?.is_some() {
            return Ok(());
        }
        let fetched = self.client.fetch(url).await;
        let download = match &fetched.outcome {
            Ok(body) => {
                let bytes = body.len() as u64;
                let (hash, sniffed_type) =
                    self.journal.lock().await.store_file(body.clone()).await?;
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
        self.journal.lock().await.note(exchange, Bytes::new()).await
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
