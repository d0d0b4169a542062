//! Tests that run the built program.
