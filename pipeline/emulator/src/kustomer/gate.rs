//! The gate every call passes: the bearer token, the budgets of the minute, and injected faults.
//!
//! It decides whether a call comes in. It must not know what a route answers.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::options::{Faults, Options, RateHeaders};
use super::reply::{Form, Reply};
use crate::dice::Dice;

/// The limit that is told when there is none; far above what one machine can call.
const NO_LIMIT: u32 = 1_000_000;

/// Calls in the running window.
#[derive(Debug, Default)]
pub(super) struct Windows {
    number: i64,
    calls: u32,
    searches: u32,
}

/// What the headers tell after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// Seconds since 1970 when the window ends.
    pub(super) reset_s: i64,
    pub(super) is_over: bool,
}

impl Windows {
    /// Counts one call. A refused one counts too, in the smallest budget that refused it.
    pub(super) fn enter(&mut self, options: &Options, is_search: bool, now_ms: i64) -> Standing {
        let window_ms = i64::try_from(options.window_ms.max(1)).unwrap_or(i64::MAX);
        let number = now_ms.div_euclid(window_ms);
        if number != self.number {
            *self = Windows { number, ..Windows::default() };
        }
        let reset_s = ((number + 1) * window_ms + 999) / 1_000;
        let take = |used: &mut u32, limit: Option<u32>| {
            *used += 1;
            let limit = limit.unwrap_or(NO_LIMIT);
            let remaining = limit.saturating_sub(*used);
            Standing { limit, remaining, reset_s, is_over: *used > limit }
        };
        if is_search {
            let standing = take(&mut self.searches, options.searches_per_window);
            if standing.is_over {
                return standing;
            }
            let all = take(&mut self.calls, options.calls_per_window);
            return if all.is_over { all } else { standing };
        }
        take(&mut self.calls, options.calls_per_window)
    }
}

impl Standing {
    /// The headers of a reply.
    pub(super) fn headers(self, told: RateHeaders) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
        ];
        match told {
            RateHeaders::Never => return Vec::new(),
            RateHeaders::ResetWhenLimited if !self.is_over => {}
            _ => headers.push(("x-ratelimit-reset", self.reset_s.to_string())),
        }
        headers
    }
}

/// Refuses a call without the token.
pub(super) fn credentials(headers: &HeaderMap, options: &Options) -> Result<(), Reply> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given.and_then(|text| text.strip_prefix("Bearer ")) == Some(options.api_key.as_str()) {
        return Ok(());
    }
    let message = "Authentication is required.";
    Err(Reply::error(Form::Plain, 401, "unauthorized", message))
}

/// What a fault does to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Status(u16),
    Truncated,
    NonJson,
}

/// Draws the fault of the `number`th call.
pub(super) fn draw(faults: &Faults, number: u64) -> Option<Fault> {
    let mut dice = Dice::new(faults.seed, "fault", number);
    let roll = dice.below(1_000);
    let server = *dice.pick(&[500, 502, 503, 504]);
    let ladder = [
        (faults.too_many_429, Fault::Status(429)),
        (faults.server_5xx, Fault::Status(server)),
        (faults.truncated, Fault::Truncated),
        (faults.non_json, Fault::NonJson),
    ];
    let mut top = 0;
    ladder.into_iter().find_map(|(rate, fault)| {
        top += u64::from(rate);
        (roll < top).then_some(fault)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_have_a_budget_of_their_own_and_lists_pass_when_it_is_used_up() {
        let options = Options {
            searches_per_window: Some(2),
            calls_per_window: Some(4),
            window_ms: 1_000,
            ..Options::default()
        };
        let mut windows = Windows::default();
        let mut over = |is_search| windows.enter(&options, is_search, 5_500).is_over;
        assert_eq!([over(true), over(true), over(true)], [false, false, true]);
        assert_eq!([over(false), over(false), over(false)], [false, false, true]);
        let fresh = windows.enter(&options, true, 6_000);
        assert_eq!((fresh.is_over, fresh.remaining, fresh.reset_s), (false, 1, 7));
    }

    #[test]
    fn reset_is_told_always_only_when_limited_or_never() {
        let calm = Standing { limit: 5, remaining: 4, reset_s: 9, is_over: false };
        let over = Standing { remaining: 0, is_over: true, ..calm };
        let has_reset = |standing: Standing, told| {
            standing.headers(told).iter().any(|(name, _)| *name == "x-ratelimit-reset")
        };
        assert!(has_reset(calm, RateHeaders::Always));
        assert!(!has_reset(calm, RateHeaders::ResetWhenLimited));
        assert!(has_reset(over, RateHeaders::ResetWhenLimited));
        assert!(over.headers(RateHeaders::Never).is_empty());
    }
}
