//! The only crate that opens an outbound connection.
//!
//! It knows requests, replies, deadlines, budgets, retries and which hosts may be reached, but no
//! platform by name. [`Client`] talks to an API at its pace; [`FileClient`] fetches files from
//! wherever a record points, which is why it is suspicious of addresses.

mod client;
mod file;
mod guard;
mod pace;

pub use client::{Attempt, Body, Client, ClientOptions, Lost, Reply, Request, Verdict, basic};
pub use file::{Fetched, FileClient, FileOptions, NoFile};
pub use pace::Pace;
