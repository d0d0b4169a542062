//! What the SQL and the engine make of landed records, from outside.

mod fixture;
mod people;
mod planning;
mod questions;
mod reconciling;
mod replay;
mod shop;
mod staging;
