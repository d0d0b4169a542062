//! Plan rows in, target records out: exactly once, in order, and never a message to anybody.
//!
//! The crate reads the plan tables of a run and replays them into a target. It knows what a plan
//! row means to a target, but not which source the row came from nor how it was made. What really
//! happened is in the run's ledger; a replay that was stopped anywhere goes on from there.
//!
//! - [`plan`] reads the rows, [`ledger`] says and keeps where each record stands.
//! - [`load`] replays; its order and its concurrency are in `replay`, what to do when a reply is
//!   lost is in `recovery`.
//! - [`rollback`] takes a run back out of the target.
//! - [`Target`] is what a helpdesk must be able to do; [`Gorgias`] and [`Crisp`] are some.
//! - [`preflight`] decides whether a load may begin; `session` keeps how far it is and how it ended.
//! - [`guard`] keeps messages from being delivered.

pub mod crisp;
pub mod gorgias;
pub mod guard;
pub mod ledger;
pub mod plan;
pub mod preflight;
mod recovery;
mod replay;
pub mod rollback;
mod session;
mod stop;
pub mod target;

pub use crisp::Crisp;
pub use gorgias::Gorgias;
pub use recovery::Patience;
pub use replay::{Finding, Options, Outcome, Progress, followed, load};
pub use stop::Stop;
pub use target::Target;
