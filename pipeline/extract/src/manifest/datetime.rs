//! How an API writes a moment.
//!
//! Airbyte's names: `%s` and `%ms` count from 1970, everything else is a pattern in UTC.

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use kernel::Instant;
use serde::Deserialize;
use serde_json::Value;

/// Microseconds in a second.
const SECOND: f64 = 1_000_000.0;

/// How an API writes a moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum DatetimeFormat {
    /// `%s`: seconds since 1970.
    EpochSeconds,
    /// `%ms`: milliseconds since 1970.
    EpochMillis,
    /// A pattern of `strftime`; a text without an offset is in UTC.
    Pattern(String),
}

impl TryFrom<String> for DatetimeFormat {
    type Error = String;

    /// `%f` means six digits and `%_ms` three, as in Airbyte.
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "%s" => return Ok(Self::EpochSeconds),
            "%ms" => return Ok(Self::EpochMillis),
            _ => {}
        }
        let pattern = text.replace("%_ms", "%3f").replace("%f", "%6f");
        let is_known = StrftimeItems::new(&pattern).all(|item| item != Item::Error);
        if is_known && pattern.contains('%') {
            return Ok(Self::Pattern(pattern));
        }
        Err(format!(
            "{text:?} is not a format of times: use \"%s\", \"%ms\" or a pattern such as \"%Y-%m-%dT%H:%M:%S.%3fZ\""
        ))
    }
}

impl DatetimeFormat {
    /// Reads a moment; `None` for anything that is not written in this way.
    pub(crate) fn read(&self, value: &Value) -> Option<Instant> {
        let number = |per_second: f64| {
            let number = match value {
                Value::String(text) => text.trim().parse::<f64>().ok(),
                other => other.as_f64(),
            };
            let micros = number.filter(|number| number.is_finite())? * (SECOND / per_second);
            Some(Instant::from_micros(micros.round() as i64))
        };
        match self {
            Self::EpochSeconds => number(1.0),
            Self::EpochMillis => value.as_i64().map(Instant::from_millis).or_else(|| number(1e3)),
            Self::Pattern(pattern) => read_pattern(value.as_str()?, pattern),
        }
    }

    /// Writes a moment, rounded down to what the format can say.
    pub(crate) fn write(&self, at: Instant) -> String {
        match self {
            Self::EpochSeconds => at.micros().div_euclid(1_000_000).to_string(),
            Self::EpochMillis => at.micros().div_euclid(1_000).to_string(),
            Self::Pattern(pattern) => DateTime::<Utc>::from_timestamp_micros(at.micros())
                .unwrap_or(DateTime::<Utc>::MAX_UTC)
                .format(pattern)
                .to_string(),
        }
    }
}

fn read_pattern(text: &str, pattern: &str) -> Option<Instant> {
    let zoned = DateTime::parse_from_str(text, pattern).ok().map(|time| time.timestamp_micros());
    let plain = || NaiveDateTime::parse_from_str(text, pattern).ok();
    let day = || NaiveDate::parse_from_str(text, pattern).ok()?.and_hms_opt(0, 0, 0);
    let micros = zoned.or_else(|| Some(plain().or_else(day)?.and_utc().timestamp_micros()));
    micros.map(Instant::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn format(text: &str) -> DatetimeFormat {
        DatetimeFormat::try_from(text.to_owned()).expect(text)
    }

    #[test]
    fn a_moment_is_read_and_written_in_every_format() {
        let at = Instant::parse("2018-03-01T17:00:00.250Z").expect("is a time");
        for (pattern, value) in [
            ("%ms", json!(1_519_923_600_250_i64)),
            ("%ms", json!("1519923600250")),
            ("%s", json!(1_519_923_600.25)),
            ("%Y-%m-%dT%H:%M:%S.%3fZ", json!("2018-03-01T17:00:00.250Z")),
            ("%Y-%m-%dT%H:%M:%S.%_msZ", json!("2018-03-01T17:00:00.250Z")),
            ("%Y-%m-%dT%H:%M:%S.%f%z", json!("2018-03-01T19:00:00.250000+0200")),
        ] {
            assert_eq!(format(pattern).read(&value), Some(at), "{pattern} {value}");
        }
        assert_eq!(format("%s").write(at), "1519923600");
        assert_eq!(format("%ms").write(at), "1519923600250");
        assert_eq!(format("%Y-%m-%dT%H:%M:%S.%3fZ").write(at), "2018-03-01T17:00:00.250Z");
        assert_eq!(format("%Y-%m-%d").write(at), "2018-03-01");
        let day = format("%Y-%m-%d").read(&json!("2018-03-01")).expect("is a day");
        assert_eq!(day.to_seconds_text(), "2018-03-01T00:00:00Z");
    }

    #[test]
    fn what_is_not_a_moment_is_none_and_what_is_not_a_format_is_refused() {
        for value in [json!(null), json!("yesterday"), json!({}), json!("NaN")] {
            assert_eq!(format("%ms").read(&value), None, "{value}");
            assert_eq!(format("%Y-%m-%d").read(&value), None, "{value}");
        }
        for text in ["%Q-nonsense", "plain", ""] {
            assert!(DatetimeFormat::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
