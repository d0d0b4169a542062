//! What a helpdesk must be able to do to be a target, in words that fit every vendor.
//!
//! A driver turns drafts into its vendor's requests and replies into [`Sent`]. It keeps no state
//! of a run and writes nothing down: whether to call at all is decided before it is asked.

pub(crate) mod calls;
mod draft;
mod help_center;

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::ledger::RecordKind;
use kernel::{Code, Fault, Instant, Result};

use crate::plan;
use crate::preflight::{Observation, State, Wants};

pub use draft::{
    ArticleDraft, AttachmentDraft, Draft, FieldDraft, MessageDraft, SKIPPED_MAX, SectionDraft,
    TicketDraft, TicketUpdate, Travelling,
};
pub use help_center::{HelpCenter, Likeness, Node, Placed, Shelf, Shown};

/// Names of the phases that calls are counted under.
pub mod phase {
    /// Looking at the target before anything is written.
    pub const PREFLIGHT: &str = "preflight";
    /// Listing the target's agents.
    pub const AGENTS_READ: &str = "agents_read";
    /// Creating agents.
    pub const AGENTS_CREATE: &str = "agents_create";
    /// Listing the target's tags.
    pub const TAGS_READ: &str = "tags_read";
    /// Creating tags.
    pub const TAGS_CREATE: &str = "tags_create";
    /// Listing the target's custom fields.
    pub const FIELDS_READ: &str = "fields_read";
    /// Creating custom fields.
    pub const FIELDS_CREATE: &str = "fields_create";
    /// Setting custom fields of customers.
    pub const CUSTOMERS_UPDATE: &str = "customers_update";
    /// Creating customers.
    pub const CUSTOMERS_CREATE: &str = "customers_create";
    /// Uploading files.
    pub const FILES_UPLOAD: &str = "files_upload";
    /// Looking at what the help center has already.
    pub const HELP_CENTER_READ: &str = "help_center_read";
    /// Creating sections of the help center, with all that is set of them.
    pub const SECTIONS_CREATE: &str = "sections_create";
    /// Creating articles, with all that is set of them.
    pub const ARTICLES_CREATE: &str = "articles_create";
    /// Asking which of the plan's records the target has already.
    pub const TICKETS_READ: &str = "tickets_read";
    /// Creating tickets with the messages that travel along.
    pub const TICKETS_CREATE: &str = "tickets_create";
    /// Appending messages.
    pub const MESSAGES_APPEND: &str = "messages_append";
    /// Setting the final state of tickets.
    pub const TICKETS_UPDATE: &str = "tickets_update";
    /// Asking what became of a record.
    pub const LOOKUPS: &str = "lookups";
    /// Reading the records that a rollback may remove.
    pub const ROLLBACK_READ: &str = "rollback_read";
    /// Listing what would still use them.
    pub const ROLLBACK_LIST: &str = "rollback_list";
    /// Removing records.
    pub const ROLLBACK_DELETE: &str = "rollback_delete";
    /// Calls that the target turned away because they came too fast; none was carried out.
    pub const THROTTLED: &str = "throttled";
}

/// The id of a record in the target; for an upload its address.
pub type TargetId = String;

/// A person who answers, as the target lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Id in the target.
    pub id: TargetId,
    /// Address, trimmed and in lower case.
    pub email: Option<String>,
}

/// In what a target differs from one that takes a ticket whole and names an author for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// Agents can be created.
    pub creates_agents: bool,
    /// Each ticket has a customer and each message an author, both records of the target, so that
    /// somebody stands in for an agent who is not there. Else the plan's names are enough.
    pub needs_authors: bool,
    /// Tags are records that a ticket refers to, and not just words on it.
    pub has_tag_records: bool,
    /// A ticket is created together with its first messages.
    pub takes_messages_along: bool,
    /// A ticket begins as an empty place, which has an id and nothing of the plan. What is put
    /// there may be put there twice.
    pub begins_with_a_place: bool,
    /// A customer needs a second call once the record is there.
    pub completes_customers: bool,
    /// The final state of each ticket is set by a call of its own.
    pub finishes_all: bool,
    /// The messages of all tickets can be listed at once.
    pub lists_messages: bool,
}

impl Default for Abilities {
    fn default() -> Self {
        Self {
            creates_agents: true,
            needs_authors: true,
            has_tag_records: true,
            takes_messages_along: true,
            begins_with_a_place: false,
            completes_customers: false,
            finishes_all: false,
            lists_messages: true,
        }
    }
}

/// A record that the target has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id in the target.
    pub id: TargetId,
    /// Whether it carries our own id, so that we made it.
    pub ours: bool,
    /// For tickets: the messages in it that carry our ids, with their ids in the target.
    pub parts: Vec<(String, TargetId)>,
    /// For tickets: whether it lies where deleted ones wait.
    pub trashed: bool,
}

/// A record of a list that carries an external id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The id of ours that it carries.
    pub external_id: String,
    /// Its id in the target.
    pub id: TargetId,
    /// For tickets: whether it lies where deleted ones wait.
    pub trashed: bool,
    /// For messages: their files.
    pub files: Vec<CarriedFile>,
}

/// A file of a message that the target has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedFile {
    /// Where the target keeps it.
    pub url: String,
    /// File name.
    pub name: String,
    /// Size.
    pub bytes: Option<u64>,
}

impl Found {
    /// The id in the target of a message that came along.
    pub fn part(&self, message: &MessageDraft) -> Option<&str> {
        let hit = self.parts.iter().find(|(id, _)| *id == message.message.message_id);
        hit.map(|(_, id)| id.as_str())
    }
}

/// What replies say besides their answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Calls in the bucket and how many fit, as the target said it last.
    pub bucket: Option<(u32, u32)>,
    /// What went wrong so often; most of it is waited out.
    pub troubles: BTreeMap<Code, u64>,
}

/// How a call that creates ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The target has it.
    Made(Found),
    /// The target says that there is one already.
    Exists(String),
    /// The target understood the call and will not do it: status and field names.
    Refused(String),
    /// The call may or may not have been carried out.
    Unknown(String),
}

/// A helpdesk that records are replayed into.
///
/// Every method waits out what surely was not carried out (no connection, a rate limit) within its
/// own bounds. An error means that the whole replay has to stop.
#[async_trait]
pub trait Target: Send + Sync {
    /// In what it differs.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// Calls that a record takes in a phase at least, as the forecast counts them.
    fn calls_of(&self, _: &str) -> u64 {
        1
    }

    /// The key by which [`Target::carrying_ids`] knows a customer.
    fn customer_key(&self, customer: &plan::Customer) -> String {
        customer.external_id.clone()
    }

    /// The key by which lists of messages know a message, unique within its ticket.
    fn message_key(&self, message_id: &str) -> String {
        message_id.to_owned()
    }

    /// Looks for whatever could act on records that are loaded, or keep them from being loaded.
    /// Reads only. A driver that cannot look says so, which stops a load until somebody
    /// acknowledges it.
    async fn preflight(&self, _: &Wants) -> Result<Vec<Observation>> {
        let what = "this driver cannot see what could act on records that are loaded";
        Ok(vec![
            Observation::new("target", State::Unseen, what)
                .hint("look in the helpdesk and acknowledge")
                .blocking(&serde_json::json!({"unseen": "all"})),
        ])
    }

    /// Everybody who answers.
    async fn agents(&self) -> Result<Vec<Person>>;

    /// The address of the agent whose credentials are used, in lower case.
    fn account_email(&self) -> &str;

    /// The id of the agent whose credentials are used.
    async fn own_agent(&self) -> Result<TargetId>;

    /// Every tag's name with its id.
    async fn tags(&self) -> Result<Vec<(String, TargetId)>>;

    /// Every custom field that carries an id of ours, with it. A target without custom fields has
    /// none.
    async fn fields(&self) -> Result<Vec<(String, TargetId)>> {
        Ok(Vec::new())
    }

    /// Sets custom fields of a customer; those that are not named stay as they are. May be
    /// repeated.
    async fn set_fields(&self, _: &str, _: &[FieldDraft], _: Instant) -> Result<Sent> {
        Ok(Sent::Refused("the target has no custom fields".to_owned()))
    }

    /// Every agent, customer, ticket or message that carries an external id, tickets in the trash
    /// included. The same record may come twice, because lists change while they are read.
    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>>;

    /// The messages of a ticket that carry an external id or have a key; one that is there twice
    /// comes twice, with two ids.
    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>>;

    /// The ids of every customer or ticket that carries this external id, or of every message of a
    /// ticket that does.
    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>>;

    /// Makes the empty place that a ticket begins as. One whose reply is lost stays empty and is
    /// harmless: it holds nothing of anybody.
    async fn begin(&self, _: &TicketDraft, _: Instant) -> Result<Sent> {
        Err(Fault::bug("tickets of this target do not begin as an empty place"))
    }

    /// Makes the second call that a customer needs, who is `ours` when the run surely made the
    /// record. May be repeated.
    async fn complete(&self, _: &str, _: &plan::Customer, _ours: bool, _: Instant) -> Result<Sent> {
        Err(Fault::bug("customers of this target need no second call"))
    }

    /// Creates a record with one call; never repeats one that may have been carried out, and holds
    /// back one that carries a message not sent before `now`.
    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent>;

    /// Asks once whether the target has the record; compares exactly.
    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>>;

    /// Sets a ticket's status and its dates once all its messages are there. May be repeated.
    async fn finish(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent>;

    /// Looks at a ticket before anything is done to it, with the messages in it that carry our ids;
    /// `None` when it is gone.
    async fn look(&self, ticket: &str) -> Result<Option<Found>> {
        let messages = self.messages_of(ticket).await?;
        let parts = messages.into_iter().map(|message| (message.external_id, message.id)).collect();
        Ok(Some(Found { id: ticket.to_owned(), ours: true, parts, trashed: false }))
    }

    /// Sets what the plan wants of a ticket that is there. May be repeated.
    async fn update(&self, _: &str, _: &TicketUpdate<'_>, _: Instant) -> Result<Sent> {
        Ok(Sent::Refused("tickets of this target cannot be updated".to_owned()))
    }

    /// The help center, where the target has one that can be written to.
    fn help_center(&self) -> Option<&dyn HelpCenter> {
        None
    }

    /// Calls made so far, per [`phase`].
    fn calls(&self) -> BTreeMap<String, u64>;

    /// What replies said besides their answers.
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }
}
