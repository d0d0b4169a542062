//! The loader against a stand-in for Gorgias: what is replayed, and that it is replayed once.

mod bisection;
mod exam;
mod fields;
mod interruption;
mod plan_tables;
mod refusal;
mod replay;
mod shop;
mod stage;
