//! Tests that run the built program, and checks of the repository.

mod bad_input;
mod custody;
mod explained;
mod interrupted;
mod program;
mod repository;
mod whole_job;
