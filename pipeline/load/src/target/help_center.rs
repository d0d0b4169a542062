//! What a helpdesk must be able to do to take a help center, in words that fit every vendor.
//!
//! Sections and articles have no place for an id of ours. They are known by where they hang and how
//! they are called, so whatever answers to that is compared before it counts as ours.

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::{Instant, Result};

use super::{Draft, Sent, TargetId};

/// What one language has of one content type, as far as one list shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf(pub Vec<Node>);

/// A section or an article of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// A section or an article.
    pub kind: RecordKind,
    /// Its id in the target.
    pub id: TargetId,
    /// By which it is known among its siblings: a title or a name in addresses.
    pub key: String,
}

/// Something in the target that answers to a planned section or article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: TargetId,
    /// What it is like.
    pub likeness: Likeness,
}

/// What something in the target is like, beside what the plan would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// It holds nothing and nobody can read it: a load began it and did not come further.
    Blank,
    /// It says what the plan says, and is shown to no fewer than it should be.
    Same,
    /// It says what the plan says, and is not yet shown to those whom it is for.
    Unshown,
    /// It says something else, so it is somebody's.
    Other,
}

/// An article with what it hangs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its id.
    pub id: TargetId,
    /// Ids of the sections around it.
    pub within: Vec<TargetId>,
}

/// A help center that sections and articles are created in.
#[async_trait]
pub trait HelpCenter: Send + Sync {
    /// Lists what a language has of a content type; what hangs deeper may be left out.
    ///
    /// # Errors
    /// `FixConfig` when the help center has no such language, or is of another make.
    async fn shelf(&self, locale: &str, content_type: &str) -> Result<Shelf>;

    /// What answers to a section or an article; `shelf` is a list of its language, where there is
    /// one already.
    async fn shown(&self, draft: Draft<'_>, shelf: Option<&Shelf>) -> Result<Vec<Shown>>;

    /// Sets everything of a section or an article that is there, and in the end whether it is
    /// public. May be repeated.
    async fn fill(&self, id: &str, draft: Draft<'_>, now: Instant) -> Result<Sent>;

    /// Whether what was written is shown only after [`HelpCenter::refresh`].
    fn needs_refresh(&self) -> bool;

    /// Articles with what they hang in, where sections themselves do not show what hangs in them.
    async fn placed(&self, locale: &str, content_type: &str) -> Result<Vec<Placed>>;

    /// Lets a language show what was written of a content type. May be repeated.
    async fn refresh(&self, locale: &str, content_type: &str, now: Instant) -> Result<Sent>;
}
