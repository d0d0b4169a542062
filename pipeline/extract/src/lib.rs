//! Extraction: a manifest says what a source offers, this asks for all of it and lands the replies.
//!
//! Nothing here knows what a field means, only where records, keys and files are to be found.
//! Resuming is asking the same questions again; the journal answers those it has seen.
//!
//! - `manifest` is the language in which a source is described; `interpolation` its templates.
//! - `questions` makes one call, or takes its answer from the journal; `auth`, `budgets`,
//!   `from_file`, `quota` and `selector` help it.
//! - `pages`, `sweep` and `windows` read one list to its end; `reading` tells news from what is known.
//! - `reader` reads all lists in order and closes; `deletions` finds what is gone; `run` is the whole.

mod addresses;
mod auth;
mod budgets;
mod check;
mod deletions;
mod earlier;
mod files;
mod forecast;
mod from_file;
mod interpolation;
mod links;
mod manifest;
mod pages;
mod partitions;
mod questions;
mod quota;
mod reader;
mod reading;
mod run;
mod selector;
mod sweep;
mod verdicts;
mod versions;
mod windows;

pub use check::{Outcome as ProbeOutcome, Probed, probe};
pub use manifest::{Budget, Manifest, Setting};
pub use quota::{Standing, WhenUsedUp};
pub use run::{Options, Outcome, Progress, extract};
