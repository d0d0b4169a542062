//! Stand-ins for the vendors' APIs, for rehearsals and tests.
//!
//! They are written from the public documents alone and import nothing of the rest of the project:
//! an emulator that shared its types would share its misreadings. Each folder has a FACTS.md that
//! says where each behaviour is documented and how sure that is.

pub mod crisp;
mod dice;
pub mod faults;
pub mod gorgias;
pub mod kustomer;
pub mod plain;
