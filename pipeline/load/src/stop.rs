//! Asking a replay to stop: what is under way ends, nothing new begins.
//!
//! Whoever asks may be a signal, a test or a timer; this module knows none of them.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks a replay to stop. Clones ask, and are asked, together.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks the replay to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked to.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when it is asked to.
    pub async fn asked(&self) {
        // The sender lives in this value, so the watch cannot end before somebody asks.
        let _ = self.0.subscribe().wait_for(|is_asked| *is_asked).await;
    }
}
