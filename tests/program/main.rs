//! Tests that run the built program, and checks of the repository.

mod afterwards;
mod bad_input;
mod coverage;
mod custody;
mod explained;
mod interrupted;
mod own_models;
mod program;
mod questions;
mod repository;
mod whole_job;
