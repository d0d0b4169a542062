//! The rows of a plan, as the judge of the campaign reads them.

use serde_json::Value;

/// Rows of every table of a plan.
pub(crate) struct PlanTables {
    pub(crate) agents: Vec<Value>,
    pub(crate) tags: Vec<Value>,
    pub(crate) customers: Vec<Value>,
    pub(crate) tickets: Vec<Value>,
    pub(crate) messages: Vec<Value>,
}
