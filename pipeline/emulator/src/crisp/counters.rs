//! What the stand-in has counted while serving, and what it holds.
//!
//! Plain numbers; this module knows neither routes nor records.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A copy of the counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls per method and route family, such as `GET conversations/{page}`.
    pub calls: BTreeMap<String, u64>,
    /// Replies per HTTP status; a dropped connection counts as 0.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls with a method other than GET or HEAD. A source refused them all; an extraction has
    /// none.
    pub writes_attempted: u64,
    /// Calls refused for credentials, tier, workspace or scope.
    pub refused: u64,
    /// Calls answered 420, 423 or 429.
    pub limited: u64,
    /// Faults injected, those on files included.
    pub faults: u64,
    /// Calls counted against the daily quota in the running quota day.
    pub quota_used: u64,
    /// Calls counted against the quota in each quota day, day 0 first; a day without any is absent.
    pub calls_by_day: BTreeMap<u64, u64>,
    /// Replies that came from the cache and cost no quota.
    pub cache_hits: u64,
    /// File downloads answered with the bytes.
    pub files_served: u64,
    /// File downloads that found nothing, those sent elsewhere included.
    pub files_missing: u64,
    /// File downloads refused because the request carried credentials.
    pub files_with_credentials: u64,
    /// Messages that would have gone to a person by mail.
    pub outbox: u64,
    /// Calls that make the service act towards people: transcripts, feedback requests and such.
    pub side_effects: u64,
    /// Messages that came without a time of their own and got that of the clock.
    pub untimed: u64,
    /// Profiles that an address in a conversation's meta brought into being.
    pub profiles_by_meta: u64,
    /// Calls that made an article of the help center public.
    pub published: u64,
    /// Creations above what the plan allows.
    pub plan_throttled: u64,
    /// What happened by itself in a moving workspace, by the name of the change.
    pub events: BTreeMap<String, u64>,
    /// What the workspace holds at this moment.
    pub holdings: Holdings,
}

/// How many records of each kind the workspace holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Conversations, empty ones included.
    pub conversations: u64,
    /// Conversations with at least one message.
    pub conversations_started: u64,
    /// Messages of all conversations.
    pub messages: u64,
    /// People profiles.
    pub people: u64,
    /// Rows of the operators list.
    pub operators: u64,
    /// Original e-mails.
    pub originals: u64,
    /// Uploaded files.
    pub files: u64,
    /// Categories, sections and folders of the help center.
    pub sections: u64,
    /// Articles of the help center.
    pub articles: u64,
}

/// Which records the workspace holds at one moment. What is in an inventory from before an
/// extraction and in one from after it was there from start to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// `updated_at` of each conversation, by session id.
    pub conversations: BTreeMap<String, i64>,
    /// Session id and fingerprint of each message.
    pub messages: BTreeSet<(String, i64)>,
    /// Ids of the people.
    pub people: BTreeSet<String>,
}
