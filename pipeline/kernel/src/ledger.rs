//! What is known about each record on its way into the target.
//!
//! The ledger is a sequence of entries; folding them gives the state of every record. An intent is
//! written before a call that creates, its outcome before the next step, so a record whose newest
//! entry is an intent may or may not exist in the target and has to be asked for.

use serde::{Deserialize, Serialize};

use crate::instant::Instant;

/// Kinds of records that are created in a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKind {
    /// A person who answers.
    Agent,
    /// A label on tickets.
    Tag,
    /// The definition of a custom field.
    Field,
    /// A person who asks.
    Customer,
    /// A file.
    Upload,
    /// A place in the help center that articles hang in.
    Section,
    /// A page of the help center.
    Article,
    /// A thread.
    Ticket,
    /// One message of a thread.
    Message,
}

impl RecordKind {
    /// The word used in files and tables.
    pub const fn word(self) -> &'static str {
        match self {
            RecordKind::Agent => "agent",
            RecordKind::Tag => "tag",
            RecordKind::Field => "field",
            RecordKind::Customer => "customer",
            RecordKind::Upload => "upload",
            RecordKind::Section => "section",
            RecordKind::Article => "article",
            RecordKind::Ticket => "ticket",
            RecordKind::Message => "message",
        }
    }
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The call that creates it is about to leave or has left.
    Intent,
    /// The target has it; we made it.
    Done,
    /// The target has it; it was there before.
    Matched,
    /// The reply was lost and asking has not settled it.
    Unknown,
    /// The target refuses it.
    Refused,
    /// The call that removes it again is about to leave or has left.
    Removing,
    /// It was in the target and was removed again; it may be created anew.
    Removed,
}

impl State {
    /// The word used in files and tables.
    pub const fn word(self) -> &'static str {
        match self {
            State::Intent => "intent",
            State::Done => "done",
            State::Matched => "matched",
            State::Unknown => "unknown",
            State::Refused => "refused",
            State::Removing => "removing",
            State::Removed => "removed",
        }
    }

    /// Whether the record is in the target and needs no further call.
    pub const fn is_settled(self) -> bool {
        matches!(self, State::Done | State::Matched | State::Refused)
    }

    /// Whether `next` may follow: what is in the target stays so, unless we made it and remove it.
    pub const fn may_become(self, next: State) -> bool {
        match self {
            State::Intent | State::Unknown | State::Refused | State::Removed => true,
            State::Done => matches!(next, State::Done | State::Matched | State::Removing),
            State::Matched => matches!(next, State::Done | State::Matched),
            State::Removing => matches!(next, State::Removing | State::Removed | State::Done),
        }
    }
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What kind of record.
    pub kind: RecordKind,
    /// Its id on our side: unique within its kind.
    pub source_id: String,
    /// Where it stands now.
    pub state: State,
    /// Its id in the target; for uploads the address the target gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<String>,
    /// When this was noted.
    pub at: Instant,
    /// Why, when that is worth knowing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_never_undone() {
        assert!(!State::Done.may_become(State::Intent));
        assert!(!State::Matched.may_become(State::Unknown));
        assert!(State::Intent.may_become(State::Unknown));
        assert!(State::Unknown.may_become(State::Done));
    }

    #[test]
    fn only_what_we_made_is_removed_and_only_what_is_removed_is_made_again() {
        assert!(State::Done.may_become(State::Removing));
        assert!(!State::Done.may_become(State::Removed), "the intent comes first");
        assert!(!State::Matched.may_become(State::Removing));
        assert!(State::Removing.may_become(State::Done), "somebody touched it meanwhile");
        assert!(!State::Removing.may_become(State::Intent));
        assert!(State::Removed.may_become(State::Intent));
        assert!(!State::Removed.is_settled());
    }
}
