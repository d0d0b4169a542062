//! The few fields of a record that finding, ordering and filtering need; the rest stays text.
//!
//! Only an id may not be missing. This module knows shapes, not where they are kept.

use serde::Deserialize;

/// What the conversation lists look at.
#[derive(Debug, Deserialize)]
pub(crate) struct ConversationKeys {
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) people_id: Option<String>,
    #[serde(default)]
    pub(crate) inbox_id: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) assigned: Option<Assigned>,
    #[serde(default)]
    pub(crate) unread: Option<Unread>,
    #[serde(default)]
    pub(crate) mentions: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) created_at: i64,
    #[serde(default)]
    pub(crate) updated_at: i64,
    #[serde(default)]
    pub(crate) waiting_since: Option<i64>,
}

/// Who a conversation is assigned to.
#[derive(Debug, Deserialize)]
pub(crate) struct Assigned {
    #[serde(default)]
    pub(crate) user_id: Option<String>,
}

/// How many messages each side has not read.
#[derive(Debug, Deserialize)]
pub(crate) struct Unread {
    #[serde(default)]
    pub(crate) operator: u64,
}

/// What message paging looks at.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageKeys {
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) fingerprint: i64,
    #[serde(default)]
    pub(crate) timestamp: i64,
}

/// What the people list looks at.
#[derive(Debug, Deserialize)]
pub(crate) struct PersonKeys {
    pub(crate) people_id: String,
    #[serde(default)]
    pub(crate) email: Option<String>,
    #[serde(default)]
    pub(crate) created_at: i64,
    #[serde(default)]
    pub(crate) updated_at: i64,
    #[serde(default)]
    pub(crate) active: Option<Active>,
}

/// When a person was last seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Active {
    #[serde(default)]
    pub(crate) last: Option<i64>,
}

/// The two ids of an original.
#[derive(Debug, Deserialize)]
pub(crate) struct OriginalKeys {
    pub(crate) session_id: String,
    pub(crate) original_id: String,
}
