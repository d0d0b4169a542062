//! What the SQL and the engine make of landed records, from outside.

mod fixture;
mod trial;
