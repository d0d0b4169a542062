//! The loader against stand-ins: what is replayed, and that it is replayed once. `suite` is the
//! exam that every driver takes; the rest is about what one vendor does otherwise.

mod bisection;
mod campaign;
mod crisp;
mod double;
mod exam;
mod fields;
mod help_center;
mod interruption;
mod plan_tables;
mod preflight;
mod rate;
mod rebuild;
mod refusal;
mod replay;
mod rollback;
mod shop;
mod stage;
mod stand;
mod suite;
