//! What a replay wrote, made again from the plan and the ledger. It asks nobody and changes nothing.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use kernel::Result;
use landing::Warehouse;

use super::agents::Agents;
use super::draft::Blocked;
use super::{Options, Progress, Replay};
use crate::plan::{Article, Message, Section, Ticket};
use crate::recovery::Desk;
use crate::target::{ArticleDraft, SectionDraft, TicketDraft};

/// A replay that only says what it would write.
pub(crate) struct Written<'a> {
    replay: Replay<'a>,
    agents: Agents,
}

impl<'a> Written<'a> {
    /// The replay of a run as its ledger knows it.
    pub async fn open(
        warehouse: &'a Warehouse,
        options: &'a Options,
        desk: Desk<'a>,
        progress: &'a dyn Progress,
    ) -> Result<Self> {
        let replay = Replay {
            warehouse,
            options,
            progress,
            selection: None,
            desk,
            stopping: AtomicBool::new(false),
            something_open: AtomicBool::new(false),
        };
        let agents = replay.known_agents().await?;
        Ok(Self { replay, agents })
    }

    /// A ticket with all its messages, or why it cannot be said what was written.
    pub fn ticket(
        &self,
        ticket: &Ticket,
        messages: &[Message],
    ) -> Result<std::result::Result<TicketDraft, Blocked>> {
        self.replay.ticket_draft(ticket, messages, messages.len(), &self.agents)
    }

    /// A section; nothing when what it hangs in is not in the target.
    pub fn section(&self, section: Section) -> Option<SectionDraft> {
        self.replay.section_draft(section, &HashMap::new())
    }

    /// An article; nothing when its section is not in the target.
    pub fn article(&self, article: Article) -> Result<Option<ArticleDraft>> {
        self.replay.article_draft(article, &HashMap::new())
    }
}
