//! Moments in time: microseconds since 1970 in UTC, and who may ask for the current one.
//!
//! Only the program owns a clock of the machine; every other crate is handed a [`Clock`].

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// Microseconds of a day; UTC days are counted without leap seconds.
const DAY_MICROS: i64 = 86_400_000_000;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(i64);

/// Whoever can say what time it is.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Instant;

    /// How many milliseconds the machine sleeps so that `ms` of this clock pass. A clock that runs
    /// through weeks in seconds, for a rehearsal of a long extraction, says less.
    fn machine_ms(&self, ms: u64) -> u64 {
        ms
    }
}

impl Instant {
    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since 1970; saturates at the ends of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This moment and `millis` milliseconds more.
    pub const fn plus_ms(self, millis: u64) -> Self {
        Self(self.0.saturating_add((millis as i64).saturating_mul(1_000)))
    }

    /// Milliseconds from `earlier` to this moment; zero when `earlier` is later.
    pub const fn ms_since(self, earlier: Instant) -> u64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros > 0 { (micros / 1_000) as u64 } else { 0 }
    }

    /// Days since 1970-01-01 in UTC.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MICROS)
    }

    /// The first moment of a UTC day, given in days since 1970-01-01.
    pub const fn start_of_day(day: i64) -> Self {
        Self(day.saturating_mul(DAY_MICROS))
    }

    /// This moment less `millis` milliseconds.
    pub const fn minus_ms(self, millis: u64) -> Self {
        Self(self.0.saturating_sub((millis as i64).saturating_mul(1_000)))
    }

    /// The date in UTC, for people: `2026-08-26`.
    pub fn to_date_text(self) -> String {
        self.to_seconds_text().chars().take(10).collect()
    }

    /// Reads a date and time as RFC 3339 writes it; an offset is required.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|time| Self(time.timestamp_micros()))
    }

    /// Reads a date as HTTP headers write it: `Wed, 26 Aug 2026 18:47:51 GMT`.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc2822(text).ok().map(|time| Self(time.timestamp_micros()))
    }

    /// RFC 3339 in UTC with microseconds, as in `2026-08-26T18:47:51.764128+00:00`.
    ///
    /// Moments outside the calendar (before the year −262143 or after 262142) show their number.
    pub fn rfc3339(self) -> String {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(time) => time.to_rfc3339_opts(SecondsFormat::Micros, false),
            None => self.0.to_string(),
        }
    }

    /// RFC 3339 in UTC with seconds, for people: `2026-08-26T18:47:51Z`.
    pub fn to_seconds_text(self) -> String {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(time) => time.to_rfc3339_opts(SecondsFormat::Secs, true),
            None => self.0.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_the_same_moment() {
        let moment = Instant::from_micros(1_787_770_071_764_128);
        assert_eq!(Instant::parse(&moment.rfc3339()), Some(moment));
        assert!(moment.rfc3339().ends_with("+00:00"));
    }

    #[test]
    fn a_time_without_an_offset_is_not_guessed_at() {
        assert_eq!(Instant::parse("2026-08-26T18:47:51"), None);
    }

    #[test]
    fn a_day_begins_at_midnight_also_before_1970() {
        let late = Instant::parse("1969-12-31T23:59:59.999Z").expect("reads");
        assert_eq!(late.day(), -1);
        assert_eq!(Instant::start_of_day(-1).to_date_text(), "1969-12-31");
        assert_eq!(Instant::start_of_day(late.day() + 1), late.plus_ms(1));
    }

    #[test]
    fn spans_never_run_backwards() {
        let early = Instant::from_millis(1_000);
        assert_eq!(early.plus_ms(250).ms_since(early), 250);
        assert_eq!(early.ms_since(early.plus_ms(250)), 0);
    }
}
