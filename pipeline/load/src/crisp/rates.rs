//! How fast a plan of Crisp lets conversations be created.
//!
//! The numbers are those of the importer that Crisp publishes; which status says "too fast" is not
//! documented, so they are kept to instead of run into.

use std::str::FromStr;

use kernel::bucket::Shape;
use kernel::{Fault, Result};

/// A plan of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// No notes, and the slowest.
    Free,
    /// The smallest that is paid for.
    Mini,
    /// The one in the middle.
    Essentials,
    /// The largest.
    Plus,
}

impl Plan {
    /// Every plan with its name in the configuration.
    pub const ALL: [(Plan, &'static str); 4] = [
        (Plan::Free, "free"),
        (Plan::Mini, "mini"),
        (Plan::Essentials, "essentials"),
        (Plan::Plus, "plus"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(plan, _)| *plan == self).map_or("plus", |(_, name)| name)
    }

    /// Conversations that may be created in a window, which may begin at any moment.
    pub fn creations(self) -> Shape {
        match self {
            Plan::Free => Shape { calls: 10, window_ms: 90_000 },
            Plan::Mini => Shape { calls: 15, window_ms: 60_000 },
            Plan::Essentials => Shape { calls: 25, window_ms: 60_000 },
            Plan::Plus => Shape { calls: 40, window_ms: 60_000 },
        }
    }

    /// A bucket that lets one at a time through, so that no window ever holds more than it may:
    /// a bucket of the plan's own size would let twice as many through in its first window.
    pub(super) fn pace(self) -> Shape {
        let Shape { calls, window_ms } = self.creations();
        Shape { calls: 2, window_ms: 2 * window_ms.div_ceil(u64::from(calls)) }
    }

    /// Whether conversations may have notes.
    pub fn has_notes(self) -> bool {
        self != Plan::Free
    }
}

impl FromStr for Plan {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(plan, _)| plan).ok_or_else(|| {
            let names = Self::ALL.map(|(_, name)| name).join(", ");
            Fault::config(format!("plan is {text:?}, which is none of {names}"))
                .hint("plan in [target] is the subscription of the Crisp workspace")
        })
    }
}

#[cfg(test)]
mod tests {
    use kernel::Instant;
    use kernel::bucket::Bucket;

    use super::*;

    #[test]
    fn no_window_ever_holds_more_creations_than_the_plan_allows() {
        for (plan, name) in Plan::ALL {
            assert_eq!(name.parse::<Plan>().expect("is one"), plan);
            let Shape { calls, window_ms } = plan.creations();
            let mut now = Instant::from_millis(0);
            let mut bucket = Bucket::new(plan.pace(), now);
            let mut left: Vec<Instant> = Vec::new();
            for _ in 0..3 * calls {
                now = now.plus_ms(bucket.take(now));
                bucket.learn_nothing();
                left.push(now);
            }
            for (place, first) in left.iter().enumerate() {
                let inside = left[place..].iter().filter(|at| at.ms_since(*first) < window_ms);
                assert!(inside.count() <= calls as usize, "{name}");
            }
            let took_ms = now.ms_since(left[0]);
            assert!(took_ms < 4 * window_ms, "{name} is slower than it has to be: {took_ms} ms");
        }
        assert!("gold".parse::<Plan>().is_err());
    }
}
