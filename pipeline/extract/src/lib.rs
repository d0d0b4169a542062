//! A manifest goes in, a sealed snapshot comes out.
//!
//! [`Manifest`] says which questions an API is asked and where in the replies the records lie. It
//! does not say what a field means. [`extract`] asks the questions at the API's pace, notes every
//! reply in the journal of `landing`, fetches the files that records point at, and seals.
//!
//! Resuming needs no state of its own: the same questions are asked again in the same order, and
//! the journal answers those it has answers to.

mod files;
mod interpolation;
mod links;
mod manifest;
mod pages;
mod reader;
mod run;
mod selector;

pub use manifest::{Manifest, Setting};
pub use run::{Options, Outcome, Progress, extract};
