//! Questions about a move: asked in SQL, about one record, and the summary that closes one.
//!
//! Everything here reads what the stages left in the warehouse; it calls nobody and changes
//! nothing.

mod explain;
mod question;
mod rules;
mod summary;

pub use explain::{
    AppliedRule, Deletion, Difference, ExchangeFacts, Explanation, Fate, LandedFile, LedgerEntry,
    Received, Row, Seen, Target, Version, explain,
};
pub use question::{Text, as_text, ask, read_rows, scope_of};
pub use rules::meaning;
pub use summary::{CallRow, DifferenceRow, LossRow, MovedRow, Summary, summarize};
