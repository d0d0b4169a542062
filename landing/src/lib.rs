//! Every durable byte: where it lies, in which format and version, and how it is proved unchanged.
//!
//! This crate alone builds paths of the warehouse and writes Parquet. It knows records, exchanges
//! and files, but neither HTTP nor any platform's meaning.
//!
//! - [`Warehouse`] is one object store; [`layout`] says where in it everything lies.
//! - [`journal`] keeps an extraction in progress, reply by reply.
//! - [`bag`] seals a journal into a snapshot; [`snapshot`] lists and describes them.
//! - [`verify`] proves that a snapshot is as it was sealed, or names what is not.
//! - [`chain`] reads a snapshot and its ancestors as one.
//! - [`locate`] finds a record down to its row and hashes it again.
//! - [`lease`] keeps a second process away from what one is working on.
//! - [`export`] writes a snapshot as a tar or as JSON lines.
//! - [`outside`] opens an exported snapshot.
//! - [`table`] writes and reads single Parquet tables.
//! - [`sign`] signs a snapshot and checks a signature.
//! - [`run`] names runs and the current build.
//! - [`ledger_log`] keeps what happened to each record on its way into a target.
//! - [`session`] keeps who worked on a run, how far it is and how it ended.
//! - [`acknowledged`] keeps what somebody let pass before a load.

pub mod acknowledged;
pub mod bag;
mod bucket;
pub mod chain;
mod columns;
pub mod exchange;
pub mod export;
pub mod journal;
pub mod layout;
pub mod lease;
pub mod ledger_log;
pub mod locate;
pub mod outside;
mod read_only;
pub mod run;
mod segment;
pub mod session;
pub mod sign;
pub mod snapshot;
pub mod table;
pub mod verify;
mod warehouse;

pub use warehouse::Warehouse;
