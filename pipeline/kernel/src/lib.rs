//! Vocabulary and pure decisions, shared by every stage.
//!
//! Nothing here reads a clock, a file, the network or the environment, and nothing is async:
//! what the outside world says is passed in, what should be done about it is handed back.

pub mod bucket;
pub mod code;
pub mod fault;
pub mod identifier;
pub mod instant;
pub mod ledger;
pub mod mapping;
pub mod nearest;
pub mod order;
pub mod retry;

pub use code::Code;
pub use fault::{Fault, Result};
pub use identifier::{BuildId, RunId, SnapshotId};
pub use instant::{Clock, Instant};
pub use mapping::Mapping;
pub use order::Order;
