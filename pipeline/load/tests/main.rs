//! The loader against a stand-in for Gorgias: what is replayed, and that it is replayed once.

mod bisection;
mod campaign;
mod exam;
mod fields;
mod interruption;
mod plan_tables;
mod preflight;
mod rate;
mod rebuild;
mod refusal;
mod replay;
mod rollback;
mod shop;
mod stage;
