//! Tells cargo that the SQL travels in this crate: a changed model builds it again.

fn main() {
    println!("cargo:rerun-if-changed=../../sql");
}
