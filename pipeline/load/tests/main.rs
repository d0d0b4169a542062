//! The loader against a stand-in for Gorgias: what is replayed, and that it is replayed once.

mod campaign;
mod exam;
mod interruption;
mod plan_tables;
mod rate;
mod rebuild;
mod refusal;
mod replay;
mod shop;
mod stage;
