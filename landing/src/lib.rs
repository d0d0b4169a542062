//! Every durable byte: where it lies, in which format and version, and how it is proved unchanged.
//!
//! This crate alone builds paths of the warehouse and writes Parquet. It knows records, exchanges
//! and files, but neither HTTP nor any platform's meaning.
//!
//! - [`Warehouse`] is one object store; [`layout`] says where in it everything lies.
//! - [`journal`] keeps an extraction in progress, reply by reply.
//! - [`bag`] seals a journal into a snapshot; [`snapshot`] lists, describes and verifies them.
//! - [`table`] writes and reads single Parquet tables.
//! - [`run`] names runs and the current build.
//! - [`ledger_log`] keeps what happened to each record on its way into a target.

pub mod bag;
pub mod exchange;
pub mod journal;
pub mod layout;
pub mod ledger_log;
pub mod run;
pub mod snapshot;
pub mod table;
mod warehouse;

pub use warehouse::Warehouse;
