//! Owns time as the vendor writes and reads it: UTC microseconds, shown with six digits and an
//! explicit `+00:00`. The one place of this stand-in that reads the wall clock.
//! It must not know what a time is the time of.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

/// Microseconds since the epoch, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Instant(pub i64);

/// Shapes without an offset, which older texts of the vendor use; read as UTC.
const NAIVE: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];

impl Instant {
    /// The wall clock.
    pub(super) fn now() -> Instant {
        Instant(Utc::now().timestamp_micros())
    }

    /// Reads an ISO 8601 date and time; without an offset it is UTC.
    pub(super) fn parse(text: &str) -> Option<Instant> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(Instant(time.timestamp_micros()));
        }
        let naive = NAIVE.iter().find_map(|shape| NaiveDateTime::parse_from_str(text, shape).ok());
        naive.map(|time| Instant(time.and_utc().timestamp_micros()))
    }

    /// This time and `wait_ms` milliseconds more.
    pub(super) fn plus_ms(self, wait_ms: u64) -> Instant {
        let wait_us = i64::try_from(wait_ms).unwrap_or(i64::MAX).saturating_mul(1_000);
        Instant(self.0.saturating_add(wait_us))
    }

    /// The text the vendor answers with.
    pub(super) fn text(self) -> String {
        match DateTime::<Utc>::from_timestamp_micros(self.0) {
            Some(time) => time.to_rfc3339_opts(SecondsFormat::Micros, false),
            None => "1970-01-01T00:00:00.000000+00:00".to_owned(),
        }
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn every_accepted_form_comes_back_with_microseconds_and_an_offset() {
        for (given, shown) in [
            ("2025-02-07T09:55:18.820Z", "2025-02-07T09:55:18.820000+00:00"),
            ("2019-07-05T14:42:00.384938", "2019-07-05T14:42:00.384938+00:00"),
            ("2019-07-05 14:42:00+00:00", "2019-07-05T14:42:00.000000+00:00"),
            ("2025-02-07T11:55:18+02:00", "2025-02-07T09:55:18.000000+00:00"),
        ] {
            let time = Instant::parse(given).unwrap_or_else(|| panic!("{given} is read"));
            assert_eq!(time.text(), shown);
        }
        assert_eq!(Instant::parse("yesterday"), None);
        assert_eq!(Instant::parse("1738922118"), None);
    }
}
