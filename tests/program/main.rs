//! Tests that run the built program, and checks of the repository.

mod bad_input;
mod custody;
mod interrupted;
mod program;
mod questions;
mod repository;
mod whole_job;
