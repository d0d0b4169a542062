//! The help center of Crisp, of which a workspace has one of two generations.
//!
//! It turns what the engine says about sections and articles into the calls of the generation that
//! the workspace has. Which records are brought, and in which order, is no business of it.

use std::str::FromStr;

use kernel::{Fault, Result};

/// The two makes of Crisp's help center. A workspace has one; the calls of the other do not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Categories, sections in them, and articles with an id.
    Legacy,
    /// Trees of paths, one for each content type.
    New,
}

impl Generation {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Generation::Legacy => "legacy",
            Generation::New => "new",
        }
    }
}

impl FromStr for Generation {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "legacy" => Ok(Generation::Legacy),
            "new" => Ok(Generation::New),
            _ => Err(Fault::config(format!("{text:?} is no make of Crisp's help center"))
                .hint("help_center in [mapping] is skip, legacy or new")),
        }
    }
}
