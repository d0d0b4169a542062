//! Answers about messages: the pages of a conversation, one message, its original and the files.
//!
//! Pages come newest first and are ascending inside. It must not know how records are stored.

use std::ops::Range;

use super::desk::{Answer, Desk};
use super::odd;
use super::options::Bound;
use super::raw;
use super::reply::Reply;
use super::store::Message;

impl Desk<'_> {
    pub(crate) fn messages(&self, session_id: &str) -> Answer {
        let conversation = self.known(session_id)?;
        let messages = &conversation.messages;
        let (window, has_more) = self.message_window(messages)?;
        let rows = messages[window].iter().map(|message| self.message_row(session_id, message));
        let rows: Vec<String> = rows.collect();
        let is_partial = has_more && self.quirks.message_partial;
        Ok(Reply::listed(if is_partial { 206 } else { 200 }, &rows))
    }

    pub(crate) fn message(&self, session_id: &str, fingerprint: &str) -> Answer {
        let conversation = self.known(session_id)?;
        let fingerprint: i64 =
            fingerprint.parse().map_err(|_| Reply::invalid("fingerprint should be integer"))?;
        let found = conversation.messages.iter().find(|message| message.fingerprint == fingerprint);
        let message = found.ok_or_else(|| Reply::missing("message"))?;
        Ok(Reply::resolved(&self.message_row(session_id, message)))
    }

    pub(crate) fn original(&self, session_id: &str, original_id: &str) -> Answer {
        self.known(session_id)?;
        let text = self.store.original_text(session_id, original_id);
        let mut text = text.ok_or_else(|| Reply::missing("original"))?;
        if self.quirks.odd_files {
            text = odd::original_files(text, original_id);
        }
        Ok(Reply::resolved(&self.dressed(text)))
    }

    /// The uploads of a conversation, told from its file and audio messages.
    pub(crate) fn files(&self, session_id: &str, page: &str) -> Answer {
        let conversation = self.known(session_id)?;
        let messages = conversation.messages.iter();
        let texts = messages.map(|message| self.message_text(session_id, message));
        let rows: Vec<String> = texts.filter_map(|text| file_row(&text)).collect();
        self.page_of(page, &rows)
    }

    /// Which messages the query asks for, and whether more follow in the direction it walks.
    fn message_window(&self, messages: &[Message]) -> Result<(Range<usize>, bool), Reply> {
        let size = self.quirks.message_page.max(1);
        let before = self.query.millis("timestamp_before")?;
        let after = self.query.millis("timestamp_after")?;
        let around = self.query.millis("timestamp_around")?;
        let is_inclusive = self.quirks.bound == Bound::Inclusive;
        let earlier_than = |time: i64, or_at: bool| {
            messages.partition_point(|message| {
                message.timestamp < time || (or_at && message.timestamp == time)
            })
        };
        match (before, after, around) {
            (before, None, None) => {
                let end = before.map_or(messages.len(), |time| earlier_than(time, is_inclusive));
                let start = end.saturating_sub(size);
                Ok((start..end, start > 0))
            }
            (None, Some(time), None) => {
                let start = earlier_than(time, !is_inclusive);
                let end = (start + size).min(messages.len());
                Ok((start..end, end < messages.len()))
            }
            (None, None, Some(time)) => {
                let start = earlier_than(time, false).saturating_sub(size / 2);
                let end = (start + size).min(messages.len());
                Ok((start..end, start > 0))
            }
            _ => Err(Reply::invalid("only one timestamp parameter may be given")),
        }
    }

    fn message_row(&self, session_id: &str, message: &Message) -> String {
        let text = self.dressed(self.message_text(session_id, message));
        if self.quirks.odd_bytes {
            return odd::message_bytes(text, session_id, message.fingerprint);
        }
        text
    }

    /// The message with the links it has today.
    fn message_text(&self, session_id: &str, message: &Message) -> String {
        let text = self.store.message_text(message);
        if self.quirks.odd_files {
            return odd::message_files(text, session_id, message.fingerprint);
        }
        text
    }
}

fn file_row(message: &str) -> Option<String> {
    let kind = raw::text_of(raw::field(message, "type")?)?;
    if kind != "file" && kind != "audio" {
        return None;
    }
    let content = raw::field(message, "content")?;
    let url = raw::field(content, "url")?;
    let named = raw::field(content, "name").map(str::to_owned).or_else(|| {
        let address = raw::text_of(url)?;
        serde_json::to_string(address.rsplit('/').next()?).ok()
    });
    Some(format!(
        "{{\"name\":{},\"type\":{},\"url\":{url},\"fingerprint\":{},\"timestamp\":{}}}",
        named.as_deref().unwrap_or("null"),
        raw::field(content, "type").unwrap_or("null"),
        raw::field(message, "fingerprint").unwrap_or("0"),
        raw::field(message, "timestamp").unwrap_or("0"),
    ))
}
