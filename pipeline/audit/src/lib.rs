//! Questions about a move, asked in SQL, and the summary that closes one.
//!
//! Everything here reads what the stages left in the warehouse; it calls nobody and changes
//! nothing.

mod question;
mod rules;
mod summary;

pub use question::{Text, as_text, ask, read_rows, scope_of};
pub use rules::meaning;
pub use summary::{CallRow, DifferenceRow, LossRow, MovedRow, Summary, summarize};
