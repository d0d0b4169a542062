//! Questions about a move, asked in SQL: one at a time, in a shell, over the Postgres wire; the data
//! dictionary, and the summary that closes a move.
//!
//! Everything here reads what the stages left in the warehouse; it calls nobody and changes
//! nothing.

mod dictionary;
mod question;
mod rules;
mod serve;
mod shell;
mod summary;

pub use dictionary::{Column, Table, describe, describe_all, markdown};
pub use question::{Sight, Text, as_text, ask, read_rows, scope_of};
pub use rules::meaning;
pub use serve::{DATABASE, Server, USER, is_loopback, random_password};
pub use shell::{Shell, Shown};
pub use summary::{CallRow, DifferenceRow, LossRow, MovedRow, Summary, summarize};
