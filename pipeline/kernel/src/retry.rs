//! What to do when a call did not bring an answer to build on.

use crate::instant::Instant;

/// How a call ended, as far as trying again is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// No complete reply: refused, reset, timed out, cut off.
    NoReply,
    /// The server had trouble of its own (5xx).
    ServerTrouble,
    /// A rate is exceeded; the header said how many milliseconds to wait, if it said so.
    RateLimited {
        /// From `Retry-After`, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// A quota is exhausted.
    QuotaExhausted {
        /// From `Retry-After`, in milliseconds.
        retry_after_ms: Option<u64>,
    },
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this pause, in milliseconds.
    After(u64),
    /// Stop and say so.
    GiveUp,
}

/// Bounds on trying again. Each number is a bound on patience, not a promise about the other side.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Calls in all, the first one included.
    pub attempts_max: u32,
    /// The pause after the first failure, in milliseconds; it doubles from there.
    pub pause_first_ms: u64,
    /// The longest pause, in milliseconds, also when a header asks for more.
    pub pause_max_ms: u64,
    /// The pause when a quota is exhausted and no header says how long, in milliseconds.
    pub quota_pause_ms: u64,
    /// Calls in all when a quota is exhausted: it comes back next day, not next minute.
    pub quota_attempts_max: u32,
}

impl Default for Policy {
    /// Six tries over about fifteen seconds; where a quota is exhausted one more after a minute,
    /// as the importer does that Crisp publishes.
    fn default() -> Self {
        Self {
            attempts_max: 6,
            pause_first_ms: 500,
            pause_max_ms: 60_000,
            quota_pause_ms: 60_000,
            quota_attempts_max: 2,
        }
    }
}

impl Policy {
    /// Decides after the `attempt`th try (from 1) ended badly. `spread` is between 0 and 1 and
    /// keeps clients from returning all at once.
    pub fn decide(&self, attempt: u32, ending: Ending, spread: f64) -> Decision {
        let attempts_max = match ending {
            Ending::QuotaExhausted { .. } => self.quota_attempts_max,
            _ => self.attempts_max,
        };
        if attempt >= attempts_max {
            return Decision::GiveUp;
        }
        let doubled = self.pause_first_ms.saturating_mul(1 << (attempt - 1).min(20));
        let jittered = (doubled as f64 * (0.5 + spread.clamp(0.0, 1.0) / 2.0)) as u64;
        let pause_ms = match ending {
            Ending::NoReply | Ending::ServerTrouble => jittered,
            Ending::RateLimited { retry_after_ms } => retry_after_ms.unwrap_or(jittered),
            Ending::QuotaExhausted { retry_after_ms } => {
                retry_after_ms.unwrap_or(self.quota_pause_ms)
            }
        };
        Decision::After(pause_ms.min(self.pause_max_ms))
    }
}

/// Milliseconds that a `Retry-After` header asks for: whole or fractional seconds, or an HTTP date.
pub fn retry_after_ms(header: &str, now: Instant) -> Option<u64> {
    let text = header.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0).then_some((seconds * 1_000.0) as u64);
    }
    Some(Instant::parse_http_date(text)?.ms_since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let policy = Policy::default();
        assert_eq!(policy.decide(1, Ending::NoReply, 1.0), Decision::After(500));
        assert_eq!(policy.decide(3, Ending::ServerTrouble, 1.0), Decision::After(2_000));
        assert_eq!(policy.decide(6, Ending::NoReply, 1.0), Decision::GiveUp);
    }

    #[test]
    fn an_exhausted_quota_is_asked_for_once_more_and_then_left() {
        let ending = Ending::QuotaExhausted { retry_after_ms: None };
        assert_eq!(Policy::default().decide(1, ending, 0.0), Decision::After(60_000));
        assert_eq!(Policy::default().decide(2, ending, 0.0), Decision::GiveUp);
    }

    #[test]
    fn a_header_is_obeyed_up_to_the_bound() {
        let policy = Policy::default();
        let ending = Ending::RateLimited { retry_after_ms: Some(86_400_000) };
        assert_eq!(policy.decide(1, ending, 0.0), Decision::After(60_000));
    }

    #[test]
    fn absurd_headers_are_no_advice() {
        let now = Instant::from_millis(1_000_000);
        assert_eq!(retry_after_ms("2", now), Some(2_000));
        assert_eq!(retry_after_ms("-5", now), None);
        assert_eq!(retry_after_ms("soon", now), None);
        assert_eq!(retry_after_ms("Thu, 01 Jan 1970 00:20:00 GMT", now), Some(200_000));
    }
}
