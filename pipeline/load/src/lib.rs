//! Plan rows in, target records out.
