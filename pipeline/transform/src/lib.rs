//! DataFusion: tables over the warehouse, JSON functions, the model graph, building, checks.
//!
//! What records mean is in `sql/`; this crate runs it. It meets the other stages only in the
//! warehouse and knows neither a network nor how a platform is spoken to.

#[cfg(test)]
mod beside;
mod catalog;
mod functions;
mod graph;
mod landed;
mod memory;
mod models;
mod planning;
mod reconciling;
mod select;
mod session;
mod staging;
mod tables;

pub use catalog::{Scope, catalog};
pub use models::{Models, Origin};
pub use planning::{Planned, plan, plan_hash};
pub use reconciling::{Reconciled, TableCounts, reconcile};
pub use select::{check_reads_only, select, select_stream};
pub use staging::{Build, stage, stage_counting, stage_on};
pub use tables::Finding;
