//! Stand-ins for the vendors' APIs.
