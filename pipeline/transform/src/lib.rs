//! DataFusion: tables over the warehouse, JSON functions, the model graph, building, checks.
//!
//! What records mean is in `sql/`; this crate runs it. It meets the other stages only in the
//! warehouse and knows neither a network nor how a platform is spoken to.

mod before;
#[cfg(test)]
mod beside;
mod catalog;
mod functions;
mod graph;
mod information_schema;
mod join_sizes;
mod landed;
mod memory;
mod models;
mod planning;
mod promises;
mod reconciling;
mod select;
mod session;
mod staging;
mod tables;
mod texts;
mod unlisted;

pub use catalog::{Scope, catalog};
pub use information_schema::{KnownTable, tables_of, type_name};
pub use models::{Models, Origin};
pub use planning::{Planned, Recipe, plan, plan_hash, plan_on};
pub use reconciling::{Reconciled, TableCounts, reconcile, streams_read_back};
pub use select::{Verdict, check_plan, check_reads_only, refusal, select, select_stream, verdict};
pub use staging::{Build, stage, stage_counting, stage_on};
pub use tables::Finding;
pub use unlisted::read_alone;
