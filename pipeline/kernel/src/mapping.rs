//! The decisions that are the customer's: the `[mapping]` and `[filter]` parts of the configuration.
//!
//! These tables are their one home: name, what they mean, which values they take (the first is the
//! default). The program checks configuration files against them and SQL reads the values from them.

use crate::fault::{Fault, Result};
use crate::instant::Instant;
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
    /// A day, or a day with a time in UTC, or nothing.
    Time,
    /// Any number of texts; none is no limit.
    Texts,
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
        values: Values::Text("{source}-pending"),
    },
    Decision {
        key: "import_tag",
        meaning: "the tag on everything that was moved",
        values: Values::Text("migrated-from-{source}"),
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
    Decision {
        // Which generation a workspace has is decided by its vendor, and its routes differ.
        key: "help_center",
        meaning: "into which generation of the target's help center the source's is carried, where \
                  the target takes one",
        values: Values::OneOf(&["skip", "legacy", "new"]),
    },
    Decision {
        // Nothing becomes public unasked.
        key: "articles",
        meaning: "whether articles that the source shows to everybody are published in the target",
        values: Values::OneOf(&["drafts", "published"]),
    },
];

/// Which tickets are moved: all for which every filter that is set holds. Those that are left out
/// are dropped by a named rule, with all that belongs to them.
pub const FILTERS: &[Decision] = &[
    Decision {
        key: "agents",
        meaning: "tickets that one of these agents, by id or e-mail address, is responsible for or \
                  wrote in",
        values: Values::Texts,
    },
    Decision {
        key: "since",
        meaning: "tickets that changed at this time or later",
        values: Values::Time,
    },
    Decision { key: "until", meaning: "tickets that began before this time", values: Values::Time },
    Decision {
        key: "channels",
        meaning: "tickets of these channels: chat, email, social, other, or a word of the source",
        values: Values::Texts,
    },
    Decision {
        key: "states",
        meaning: "tickets in these states: pending, unresolved, resolved, or a word of the source",
        values: Values::Texts,
    },
    Decision {
        key: "tags",
        meaning: "tickets with one of these tags, capitals aside",
        values: Values::Texts,
    },
];

/// Decisions about what is made next, and not about what was made: a run that follows another may
/// decide these anew. Every other one says which records there are, or what they hold.
const FREE_LATER: &[&str] = &["edits", "packing", "payload_bytes_max", "upload_bytes_max"];

impl Values {
    fn default_value(self) -> &'static str {
        match self {
            Values::OneOf(words) | Values::OneOfOrGap(words) => words[0],
            Values::Text(text) | Values::Number(_, _, text) => text,
            Values::Address | Values::Time => "",
            Values::Texts => "[]",
        }
    }

    fn accepts(self, value: &str) -> bool {
        match self {
            Values::OneOf(words) => words.contains(&value),
            Values::OneOfOrGap(words) => words.contains(&value) || is_gap(value),
            Values::Number(least, most, _) => is_number(value, least, most),
            Values::Text(_) => !value.trim().is_empty(),
            Values::Address => value.is_empty() || value.contains('@'),
            Values::Time => value.is_empty() || time(value).is_some(),
            Values::Texts => true,
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
            Values::Time => {
                "a day such as 2024-01-31, or a time such as 2024-01-31T08:00:00Z".into()
            }
            Values::Texts => "a list of texts".to_owned(),
        }
    }
}

/// A time as it is written, a day standing for its beginning.
fn time(value: &str) -> Option<Instant> {
    match value.len() {
        10 => Instant::parse(&format!("{value}T00:00:00Z")),
        _ => Instant::parse(value),
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
        Self::of_source("crisp")
    }
}

impl Mapping {
    /// The defaults for what comes from this platform.
    pub fn of_source(platform: &str) -> Self {
        let all = DECISIONS.iter().chain(FILTERS);
        let values = all.map(|entry| entry.values.default_value().replace("{source}", platform));
        Self { values: values.collect() }
    }

    /// Sets the filter `key`; a list is given as its elements.
    ///
    /// # Errors
    /// `FixConfig` as [`Mapping::set`].
    pub fn set_filter(&mut self, key: &str, values: &[String]) -> Result<()> {
        let place = FILTERS.iter().position(|entry| entry.key == key).ok_or_else(|| {
            Fault::config(format!("[filter] has no key {key:?}"))
                .hint(nearest::hint(key, FILTERS.iter().map(|entry| entry.key)))
        })?;
        let allowed = FILTERS[place].values;
        let written = match (allowed, values) {
            (Values::Texts, _) => Some(json_list(values)),
            (_, [value]) if allowed.accepts(value) => Some(value.clone()),
            _ => None,
        };
        let written = written.ok_or_else(|| {
            Fault::config(format!("[filter] {key} cannot be {:?}", values.join(", ")))
                .hint(format!("{key} is {}", allowed.described()))
        })?;
        self.values[DECISIONS.len() + place] = written;
        Ok(())
    }

    /// The filters that are set, each with what it lets through.
    pub fn filters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let set = FILTERS.iter().zip(&self.values[DECISIONS.len()..]);
        set.filter(|(entry, value)| *value != entry.values.default_value())
            .map(|(entry, value)| (entry.key, value.as_str()))
    }

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

    /// Decisions that are other than `earlier` had them, of those that a run that follows another
    /// must leave as they were: key, then, now.
    pub fn broken_with<'a>(
        &'a self,
        earlier: &'a [(String, String)],
    ) -> impl Iterator<Item = (&'static str, &'a str, &'a str)> {
        let kept = self.iter().filter(|(key, _)| !FREE_LATER.contains(key));
        kept.filter_map(|(key, now)| {
            let then = earlier.iter().find(|(known, _)| known == key)?.1.as_str();
            (then != now).then_some((key, then, now))
        })
    }

    /// Every key of `[mapping]` with its value, in the order of [`DECISIONS`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        DECISIONS.iter().zip(&self.values).map(|(entry, value)| (entry.key, value.as_str()))
    }

    /// Every key with its value, those of filters named `filter_<key>`: what SQL sees, and what a
    /// build and a plan are named after.
    pub fn columns(&self) -> impl Iterator<Item = (String, &str)> {
        let filters = FILTERS.iter().map(|entry| format!("filter_{}", entry.key));
        let names = DECISIONS.iter().map(|entry| entry.key.to_owned()).chain(filters);
        names.zip(self.values.iter().map(String::as_str))
    }
}

/// Texts as a JSON list.
fn json_list(texts: &[String]) -> String {
    let quoted = texts.iter().map(|text| {
        let escaped = text.chars().map(|letter| match letter {
            '"' | '\\' => format!("\\{letter}"),
            letter if letter.is_control() => format!("\\u{:04x}", letter as u32),
            letter => letter.to_string(),
        });
        format!("\"{}\"", escaped.collect::<String>())
    });
    format!("[{}]", quoted.collect::<Vec<_>>().join(","))
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
    fn filters_are_lists_and_times_and_name_what_they_do_not_take() {
        let mut mapping = Mapping::of_source("kustomer");
        assert_eq!(mapping.get("import_tag"), "migrated-from-kustomer");
        assert_eq!(mapping.filters().count(), 0);
        mapping.set_filter("tags", &["say \"hi\"".into(), "a\\b".into()]).expect("texts");
        mapping.set_filter("since", &["2024-01-31".into()]).expect("a day");
        mapping.set_filter("until", &["2024-03-01T08:00:00Z".into()]).expect("a time");
        let set: Vec<_> = mapping.filters().collect();
        let tags = ("tags", r#"["say \"hi\"","a\\b"]"#);
        assert_eq!(set, [("since", "2024-01-31"), ("until", "2024-03-01T08:00:00Z"), tags]);
        for day in ["2024-02-31", "yesterday", "31.01.2024"] {
            assert!(mapping.set_filter("since", &[day.to_owned()]).is_err(), "{day}");
        }
        let fault = mapping.set_filter("tag", &[]).expect_err("no such filter");
        assert!(fault.advice().contains("tags"), "{}", fault.advice());
        assert!(mapping.columns().any(|(key, _)| key == "filter_tags"));
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
