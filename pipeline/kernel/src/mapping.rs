//! The decisions that are the customer's: the `[mapping]` part of the configuration.
//!
//! This table is their one home: name, what they mean, which values they take (the first is the
//! default). The program checks configuration files against it and SQL reads the values from it.

use crate::fault::{Fault, Result};
use crate::nearest;

/// What a decision accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// One of these words; the first is the default.
    OneOf(&'static [&'static str]),
    /// One of these words, or `gap:<days>d`.
    OneOfOrGap(&'static [&'static str]),
    /// A whole number between these two, written in digits; the third is the default.
    Number(u64, u64, &'static str),
    /// Any text that is not empty; this is the default.
    Text(&'static str),
    /// An e-mail address, or nothing.
    Address,
}

/// One decision.
#[derive(Debug, Clone, Copy)]
pub struct Decision {
    /// The key in `[mapping]`.
    pub key: &'static str,
    /// What it decides.
    pub meaning: &'static str,
    /// What it accepts.
    pub values: Values,
}

/// Every decision, in the order in which they are written down.
pub const DECISIONS: &[Decision] = &[
    Decision {
        key: "anonymous",
        meaning: "people without an e-mail address: one customer each, one for all, or left out",
        values: Values::OneOf(&["placeholder", "shared", "skip"]),
    },
    Decision {
        key: "split",
        meaning: "whether a long conversation becomes several tickets",
        values: Values::OneOfOrGap(&["none", "resolved"]),
    },
    Decision {
        // No target states a limit for one ticket, so this is where the source itself stops adding.
        key: "messages_per_ticket_max",
        meaning: "how many messages a ticket may have; a longer conversation becomes several",
        values: Values::Number(1, 100_000, "10000"),
    },
    Decision {
        key: "bots",
        meaning: "what becomes of messages that a bot or a plugin wrote",
        values: Values::OneOf(&["message", "note", "skip"]),
    },
    Decision {
        key: "events",
        meaning: "what becomes of system lines",
        values: Values::OneOf(&["skip", "note"]),
    },
    Decision {
        key: "pending_tag",
        meaning: "the tag that keeps the state pending, which the target lacks",
        values: Values::Text("crisp-pending"),
    },
    Decision {
        key: "import_tag",
        meaning: "the tag on everything that was moved",
        values: Values::Text("migrated-from-crisp"),
    },
    Decision {
        key: "notepad",
        meaning: "what becomes of the note that belongs to a person",
        values: Values::OneOf(&["note", "skip"]),
    },
    Decision {
        key: "missing_agent",
        meaning: "who writes for an operator that the target does not have",
        values: Values::OneOf(&["legacy", "create"]),
    },
    Decision {
        key: "legacy_agent",
        meaning: "the e-mail address of the agent who stands in; empty is the account of the key",
        values: Values::Address,
    },
    Decision {
        key: "tag_style",
        meaning: "whether tags keep their spelling",
        values: Values::OneOf(&["keep", "kebab"]),
    },
    Decision {
        key: "edits",
        meaning: "how agents learn that a message was edited after it was moved",
        values: Values::OneOf(&["note", "report"]),
    },
    Decision {
        key: "packing",
        meaning: "how many messages travel in the call that creates their ticket",
        values: Values::OneOf(&["auto", "seed"]),
    },
    Decision {
        // What a message of this channel needs besides an envelope is not documented; api needs
        // nothing else.
        key: "chat_channel",
        meaning: "the channel of what was chat",
        values: Values::OneOf(&["chat", "api"]),
    },
    Decision {
        // The vendor announces that it removes data of old e-mail messages, and not which.
        key: "email_channel",
        meaning: "the channel of what was e-mail with an address on both sides",
        values: Values::OneOf(&["email", "chat"]),
    },
    Decision {
        // No target states a limit for a call. A web server that nobody configured lets one
        // megabyte through; half of it leaves room for what was counted too low.
        key: "payload_bytes_max",
        meaning: "how many bytes of messages travel in the call that creates their ticket",
        values: Values::Number(10_000, 10_000_000, "500000"),
    },
    Decision {
        // No target states a limit for a file either, and whoever minds says 413. Four files are
        // in memory at a time, so this is what a loader can hold.
        key: "upload_bytes_max",
        meaning: "how long a file may be; a longer one is named in its message instead",
        values: Values::Number(1, 500_000_000, "100000000"),
    },
    Decision {
        // Crisp's own importer cuts here; whether its server minds longer ones is not documented.
        key: "text_chars_max",
        meaning: "how long one message may be in a target that takes short ones only; a longer one \
                  becomes several",
        values: Values::Number(100, 1_000_000, "2000"),
    },
    Decision {
        // By the plan of the workspace in Crisp: 1 with Free, 3 with Mini, 10 with the others.
        key: "participants_max",
        meaning: "how many people in copy a conversation may have in the target",
        values: Values::Number(0, 1_000, "10"),
    },
    Decision {
        // A definition cannot be deleted in the target again, so nobody gets one unasked.
        key: "custom_fields",
        meaning: "where values go that have no place of their own: into the ticket's meta, or also \
                  into custom fields that are made for them",
        values: Values::OneOf(&["meta", "create"]),
    },
];

impl Values {
    fn default_value(self) -> &'static str {
        match self {
            Values::OneOf(words) | Values::OneOfOrGap(words) => words[0],
            Values::Text(text) | Values::Number(_, _, text) => text,
            Values::Address => "",
        }
    }

    fn accepts(self, value: &str) -> bool {
        match self {
            Values::OneOf(words) => words.contains(&value),
            Values::OneOfOrGap(words) => words.contains(&value) || is_gap(value),
            Values::Number(least, most, _) => is_number(value, least, most),
            Values::Text(_) => !value.trim().is_empty(),
            Values::Address => value.is_empty() || value.contains('@'),
        }
    }

    /// What it accepts, for people.
    pub fn described(self) -> String {
        match self {
            Values::OneOf(words) => format!("one of {}", words.join(", ")),
            Values::OneOfOrGap(words) => format!("one of {}, gap:<days>d", words.join(", ")),
            Values::Number(least, most, _) => format!("a whole number from {least} to {most}"),
            Values::Text(_) => "any text that is not empty".to_owned(),
            Values::Address => "an e-mail address".to_owned(),
        }
    }
}

fn is_gap(value: &str) -> bool {
    value
        .strip_prefix("gap:")
        .and_then(|rest| rest.strip_suffix('d'))
        .and_then(|days| days.parse::<u32>().ok())
        .is_some_and(|days| days > 0)
}

fn is_number(value: &str, least: u64, most: u64) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit())
        && value.parse().is_ok_and(|number| (least..=most).contains(&number))
}

/// A value for every decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    values: Vec<String>,
}

impl Default for Mapping {
    fn default() -> Self {
        let values = DECISIONS.iter().map(|entry| entry.values.default_value().to_owned());
        Self { values: values.collect() }
    }
}

impl Mapping {
    /// Decides `key`.
    ///
    /// # Errors
    /// `FixConfig` for a key that does not exist, naming the nearest one, or a value it does not
    /// take.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let place = DECISIONS.iter().position(|entry| entry.key == key).ok_or_else(|| {
            Fault::config(format!("[mapping] has no key {key:?}"))
                .hint(nearest::hint(key, DECISIONS.iter().map(|entry| entry.key)))
        })?;
        let allowed = DECISIONS[place].values;
        if !allowed.accepts(value) {
            return Err(Fault::config(format!("[mapping] {key} cannot be {value:?}"))
                .hint(format!("{key} is {}", allowed.described())));
        }
        self.values[place] = value.to_owned();
        Ok(())
    }

    /// What was decided for `key`, which must be one of [`DECISIONS`].
    pub fn get(&self, key: &str) -> &str {
        let place = DECISIONS.iter().position(|entry| entry.key == key);
        &self.values[place.expect("only keys of DECISIONS are asked for")]
    }

    /// Every key with its value, in the order of [`DECISIONS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        DECISIONS.iter().zip(&self.values).map(|(entry, value)| (entry.key, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_is_the_default() {
        let mapping = Mapping::default();
        assert_eq!(mapping.get("anonymous"), "placeholder");
        assert_eq!(mapping.get("pending_tag"), "crisp-pending");
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let fault = Mapping::default().set("anonymus", "skip").expect_err("no such key");
        assert!(fault.advice().contains("anonymous"), "{}", fault.advice());
    }

    #[test]
    fn a_value_outside_the_list_is_refused_with_the_list() {
        let mut mapping = Mapping::default();
        let fault = mapping.set("bots", "maybe").expect_err("no such value");
        assert!(fault.advice().contains("message, note, skip"));
        mapping.set("split", "gap:30d").expect("a gap in days is allowed");
        assert!(mapping.set("split", "gap:0d").is_err());
        mapping.set("messages_per_ticket_max", "500").expect("a number within its bounds");
        for value in ["", "0", "-1", "+5", "1e3", "many", "100001"] {
            assert!(mapping.set("messages_per_ticket_max", value).is_err(), "{value:?}");
        }
    }
}
