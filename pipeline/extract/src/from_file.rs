//! A stream that no address gives and somebody hands over as a file: its content is landed like a
//! reply, so that custody, deltas and SQL are the same.
//!
//! The file's name is a setting; it is never landed, since it tells of a machine.

use bytes::Bytes;
use http::{Attempt, Reply, Verdict};
use kernel::{Fault, Result};
use url::Url;

use crate::questions::{Answer, Questions, exchange_of};
use crate::reading::Reading;
use crate::selector::select;

impl Questions<'_> {
    /// The content of the file that a setting names, noted as the answer to a question.
    ///
    /// # Errors
    /// `FixConfig` when there is no such file, `FixData` when it is not what the manifest describes.
    pub(crate) async fn read_file(
        &self,
        reading: &Reading<'_>,
        setting: &str,
        request_key: &str,
    ) -> Result<Answer> {
        let (stream, partition) = (reading.stream, reading.partition);
        let path = self.options.settings.get(setting).map(String::as_str).unwrap_or_default();
        let started_at = self.now();
        let body = tokio::fs::read(path).await.map_err(|error| {
            Fault::config(format!("the file of {} cannot be read", stream.name))
                .hint(format!("{setting} in the configuration names it"))
                .because(error)
        })?;
        let body = Bytes::from(body);
        let found = select(&body, stream, Some(partition)).map_err(|why| {
            Fault::data(format!("the file of {} cannot be read: {}", stream.name, why.0))
                .hint("it holds what the manifest's field_path says, as JSON")
        })?;
        let headers = Default::default();
        let reply = Reply { status: 200, headers, body, started_at, ended_at: self.now() };
        let url = Url::parse(&format!("file:///{setting}"))
            .map_err(|error| Fault::bug("a setting's name is no address").because(error))?;
        let verdict = Verdict::Success;
        let attempt = Attempt { number: 1, reply: &reply, verdict };
        let spans = reading.spans_of_news(&found);
        let mut exchange = exchange_of(stream, request_key, &url, &attempt, spans);
        exchange.method = "FILE".to_owned();
        self.journal.lock().await.note(exchange, reply.body.clone()).await?;
        Ok(Answer { status: 200, verdict, found, body: reply.body, is_cached: false })
    }
}
