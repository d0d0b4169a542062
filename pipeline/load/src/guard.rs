//! What keeps a replay from delivering a message to anybody.
//!
//! A helpdesk sends a message that was not sent yet. So a message is built with a [`SentTime`],
//! which exists only for moments that have passed, and the bytes that are about to leave are read
//! once more by [`check_message`], which trusts nothing that built them. The module knows JSON and
//! time, but no vendor: the caller names the fields.

use kernel::{Clock, Code, Fault, Instant, Result};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// When a message was sent, back then. There is no other way to make one than [`SentTime::past`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentTime(Instant);

impl SentTime {
    /// A moment that has passed.
    ///
    /// # Errors
    /// `FixData` when it has not: the plan promises otherwise, so the clock may be wrong.
    pub fn past(moment: Instant, clock: &dyn Clock) -> Result<Self> {
        if moment < clock.now() {
            Ok(Self(moment))
        } else {
            Err(Fault::data("a planned message has a sent time that has not passed yet")
                .hint("see whether the clock of this machine is right; then run this again"))
        }
    }

    /// The moment.
    pub fn moment(self) -> Instant {
        self.0
    }
}

impl Serialize for SentTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.rfc3339())
    }
}

/// That a vendor is to deliver nothing. There is one value, and it is written as `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quiet;

impl Serialize for Quiet {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}

/// How a vendor writes moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// As text with an offset.
    Text,
    /// As milliseconds since 1970.
    Millis,
}

/// The names that matter in a vendor's message.
#[derive(Debug, Clone, Copy)]
pub struct MessageFields {
    /// The field whose absence makes the vendor send.
    pub sent: &'static str,
    /// How that is written.
    pub written: Written,
    /// A field that must be `true`, or the vendor delivers.
    pub quiet: Option<&'static str>,
    /// Fields that make the vendor do something.
    pub forbidden: &'static [&'static str],
}

/// Checks a message as it is about to leave.
///
/// # Errors
/// `Bug` when the vendor could deliver it.
pub fn check_message(message: &Value, fields: MessageFields, now: Instant) -> Result<()> {
    let object = message.as_object().ok_or_else(|| refused("is not an object"))?;
    let sent = object.get(fields.sent).and_then(|sent| match fields.written {
        Written::Text => sent.as_str().and_then(Instant::parse),
        Written::Millis => sent.as_i64().map(Instant::from_millis),
    });
    let sent = sent.ok_or_else(|| refused(&format!("has no {}", fields.sent)))?;
    if sent >= now {
        return Err(refused(&format!("has a {} in the future", fields.sent)));
    }
    if let Some(quiet) = fields.quiet.filter(|name| object.get(*name) != Some(&Value::Bool(true))) {
        return Err(refused(&format!("is not marked as {quiet}")));
    }
    match fields.forbidden.iter().find(|name| object.contains_key(**name)) {
        None => Ok(()),
        Some(name) => Err(refused(&format!("has {name}, which sets something off"))),
    }
}

fn refused(why: &str) -> Fault {
    Fault::bug(format!("a message that is about to leave {why}; it was held back"))
        .coded(Code::HeldBack)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Fixed(Instant);

    impl Clock for Fixed {
        fn now(&self) -> Instant {
            self.0
        }
    }

    const FIELDS: MessageFields = MessageFields {
        sent: "sent_datetime",
        written: Written::Text,
        quiet: None,
        forbidden: &["actions"],
    };

    #[test]
    fn only_a_moment_that_has_passed_becomes_a_sent_time() {
        let now = Instant::from_millis(10_000);
        let clock = Fixed(now);
        let passed = Instant::from_micros(now.micros() - 1);
        assert_eq!(SentTime::past(passed, &clock).expect("past").moment(), passed);
        assert!(SentTime::past(now, &clock).is_err());
        assert!(SentTime::past(now.plus_ms(1), &clock).is_err());
    }

    #[test]
    fn a_message_that_could_be_delivered_is_held_back() {
        let now = Instant::parse("2026-01-01T00:00:00Z").expect("a moment");
        let good = json!({"sent_datetime": "2025-12-31T23:59:59.999999+00:00"});
        check_message(&good, FIELDS, now).expect("passed long ago");
        for bad in [
            json!({}),
            json!({"sent_datetime": null}),
            json!({"sent_datetime": ""}),
            json!({"sent_datetime": 1_700_000_000}),
            json!({"sent_datetime": "2025-12-31T23:59:59"}),
            json!({"sent_datetime": "2026-01-01T00:00:00Z"}),
            json!({"sent_datetime": "2027-01-01T00:00:00Z"}),
            json!({"sent_datetime": "2025-01-01T00:00:00Z", "actions": []}),
            json!("text"),
        ] {
            assert!(check_message(&bad, FIELDS, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn where_a_mark_keeps_the_vendor_quiet_only_that_mark_lets_a_message_pass() {
        let now = Instant::from_millis(10_000);
        let fields = MessageFields {
            sent: "timestamp",
            written: Written::Millis,
            quiet: Some("stealth"),
            forbidden: &[],
        };
        let good = json!({"timestamp": 9_999, "stealth": Quiet});
        check_message(&good, fields, now).expect("is quiet");
        for bad in [
            json!({"timestamp": 9_999}),
            json!({"timestamp": 9_999, "stealth": false}),
            json!({"timestamp": 9_999, "stealth": "true"}),
            json!({"timestamp": 9_999, "stealth": 1}),
            json!({"timestamp": 10_000, "stealth": true}),
            json!({"timestamp": "9999", "stealth": true}),
            json!({"stealth": true}),
        ] {
            assert!(check_message(&bad, fields, now).is_err(), "{bad}");
        }
    }
}
