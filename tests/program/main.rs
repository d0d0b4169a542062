//! Tests that run the built program, and checks of the repository.

mod bad_input;
mod coverage;
mod custody;
mod errors;
mod explained;
mod interrupted;
mod own_models;
mod preflight;
mod program;
mod questions;
mod repository;
mod whole_job;
