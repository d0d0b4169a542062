//! Questions and proofs: queries, reconciliation, the closing summary.
