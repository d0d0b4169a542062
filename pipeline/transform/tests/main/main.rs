//! What the SQL and the engine make of landed records, from outside.

mod answers;
mod coverage;
mod documents;
mod fixture;
mod planning;
mod questions;
mod reconciling;
mod replay;
mod shop;
mod staging;
