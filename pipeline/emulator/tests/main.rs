//! The emulators, called as a client would call them.

mod crisp;
mod gorgias;
mod kustomer;
