//! Questions about a move: in SQL, one at a time, in a shell or over the Postgres wire; about one
//! record; the data dictionary; the rebuild kit; and the summary that closes a move.
//!
//! Everything here reads what the stages left in the warehouse; it calls nobody and changes
//! nothing.

mod dictionary;
mod explain;
mod outlook;
mod question;
mod rebuild;
mod rules;
mod serve;
mod shell;
mod summary;

pub use dictionary::{Column, Table, describe, describe_all, markdown};
pub use explain::{
    AppliedRule, Deletion, Difference, ExchangeFacts, Explanation, Fate, LandedFile, LedgerEntry,
    Received, Row, Seen, Target, Version, explain,
};
pub use outlook::{ChangeRow, Outlook, PhaseRow, RefusalRow, look_ahead};
pub use question::{Sight, Text, as_text, ask, read_rows, scope_of};
pub use rebuild::{Group, Page, RebuildKit, Thing, rebuild_kit};
pub use rules::meaning;
pub use serve::{DATABASE, Server, USER, is_loopback, random_password};
pub use shell::{Shell, Shown};
pub use summary::{
    CallRow, DifferenceRow, LossRow, MovedRow, Summary, TimeRow, VerdictRow, summarize,
};
