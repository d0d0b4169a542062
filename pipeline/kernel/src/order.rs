//! In which order tickets are replayed.
//!
//! It is chosen for a run and not in `[mapping]`, because it changes when a ticket arrives and
//! nothing about the ticket.

use serde::{Deserialize, Serialize};

/// The order of tickets in a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Open tickets first, then those with the newest message: what agents need is there first.
    #[default]
    Recent,
    /// By the time they began, so that the target's ids grow with it.
    Oldest,
}

impl Order {
    /// The word used in files, tables and arguments.
    pub const fn word(self) -> &'static str {
        match self {
            Order::Recent => "recent",
            Order::Oldest => "oldest",
        }
    }
}
