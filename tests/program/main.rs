//! Tests that run the built program, and checks of the repository.

mod bad_input;
mod coverage;
mod custody;
mod explained;
mod interrupted;
mod own_models;
mod program;
mod repository;
mod whole_job;
