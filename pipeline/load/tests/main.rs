//! The loader against a stand-in for Gorgias: what is replayed, and that it is replayed once.

mod exam;
mod interruption;
mod plan_tables;
mod refusal;
mod replay;
mod rollback;
mod shop;
mod stage;
