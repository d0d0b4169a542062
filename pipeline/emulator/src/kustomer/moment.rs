//! Time as the vendor writes and reads it: UTC with milliseconds and `Z`, and dates alone. The one
//! place of this stand-in that reads the wall clock.
//!
//! It must not know what a time is the time of.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// Milliseconds since 1970, by the wall clock.
pub(super) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// The text that the vendor answers with.
pub(super) fn text(ms: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a full time with an offset, or a date, which begins at midnight in UTC.
pub(super) fn parse(text: &str) -> Option<i64> {
    let full = DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis());
    let date = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    full.or_else(|| Some(date()?.and_utc().timestamp_millis()))
}

/// The moment two calendar years before `ms`.
pub(super) fn two_years_before(ms: i64) -> i64 {
    let at = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
    let before = at.checked_sub_months(chrono::Months::new(24)).unwrap_or(at);
    before.timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_comes_back_as_it_was_written() {
        let ms = parse("2024-02-29T12:00:00.250Z").expect("is a time");
        assert_eq!(text(ms), "2024-02-29T12:00:00.250Z");
        assert_eq!(text(two_years_before(ms)), "2022-02-28T12:00:00.250Z");
        assert_eq!(parse("2024-02-29").map(text).as_deref(), Some("2024-02-29T00:00:00.000Z"));
        assert_eq!(parse("yesterday"), None);
    }
}
