//! How many calls Gorgias allows, by the kind of credentials.
//!
//! Documented facts for forecasts. What holds for an account is what its replies say.

use kernel::bucket::Shape;

/// The bucket that one kind of credentials gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The kind of credentials and of account.
    pub credentials: &'static str,
    /// Its bucket.
    pub shape: Shape,
}

/// Every kind that the vendor documents.
pub const RATES: [Rate; 4] = [
    Rate { credentials: "API key", shape: Shape { calls: 40, window_ms: 20_000 } },
    Rate { credentials: "OAuth app", shape: Shape { calls: 80, window_ms: 20_000 } },
    Rate { credentials: "API key, enterprise", shape: Shape { calls: 40, window_ms: 10_000 } },
    Rate { credentials: "OAuth app, enterprise", shape: Shape { calls: 80, window_ms: 10_000 } },
];
