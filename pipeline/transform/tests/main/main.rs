//! What the SQL and the engine make of landed records, from outside.

mod answers;
mod building;
mod coverage;
mod documents;
mod fixture;
mod odd_records;
mod people;
mod planning;
mod questions;
mod reconciling;
mod replay;
mod shop;
mod splitting;
mod staging;
mod workspace;
