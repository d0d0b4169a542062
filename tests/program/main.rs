//! Tests that run the built program, and checks of the repository.

mod afterwards;
mod bad_input;
mod campaign;
mod coverage;
mod crisp_target;
mod custody;
mod delta;
mod errors;
mod explained;
mod help_center;
mod hosted;
mod interrupted;
mod kustomer;
mod own_models;
mod plan_tables;
mod planned;
mod preflight;
mod program;
mod questions;
mod read_alone;
mod rebuild;
mod repository;
mod stopped;
mod whole_job;
