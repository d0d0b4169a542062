//! Manifest in, landed batches out.
