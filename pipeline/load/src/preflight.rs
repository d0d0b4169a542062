//! Before anything is written: what in the target could act on the records that are about to come.
//!
//! A driver looks and says what it sees as [`Observation`]s, in words that fit every vendor. Here
//! it is decided whether a load may begin: whatever could act must be off, or somebody must have
//! acknowledged it in exactly the state that it is in. What cannot be seen counts as able to act.

use std::fmt;
use std::str::FromStr;

use kernel::{Code, Fault, Instant, Result, RunId};
use landing::Warehouse;
use landing::acknowledged::{self, Acknowledged};
use serde_json::Value;

use crate::plan;
use crate::target::Target;

/// Hexadecimal digits of a fingerprint: an acknowledgement is typed, and two states of one thing
/// have to be told apart, not forged.
const FINGERPRINT_DIGITS: usize = 8;
/// Subjects that an error names one by one.
const SUBJECTS_SHOWN_MAX: usize = 5;

/// What a driver is asked to look at.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// Calls in a window that the configuration counts on.
    pub calls_per_window: Option<u32>,
    /// Whether to look at everything, also at what can only be of interest to a person; the number
    /// of calls then depends on what the target holds.
    pub everything: bool,
    /// What the plan needs, when there is a plan.
    pub needs: Option<Needs>,
    /// Languages that the plan brings sections or articles of into the help center.
    pub help_center: Vec<String>,
}

/// What a plan needs in the target.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// People who answer.
    pub agents: Vec<plan::Agent>,
    /// Names of tags.
    pub tags: Vec<String>,
    /// Custom fields: what they are on (`ticket` or `customer`), and the external id by which they
    /// are recognized.
    pub fields: Vec<(String, String)>,
}

/// How something in the target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing to do about it.
    Fine,
    /// Good to know.
    Note,
    /// It is on, and could act on what is loaded.
    Live,
    /// It keeps a load from working.
    Wrong,
    /// It could not be seen.
    Unseen,
}

impl State {
    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            State::Fine => "fine",
            State::Note => "note",
            State::Live => "live",
            State::Wrong => "wrong",
            State::Unseen => "not seen",
        }
    }
}

/// One thing in the target, as a driver sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// What it is, as in `rule:12345`.
    pub subject: String,
    /// How it is.
    pub state: State,
    /// What is seen, in words; no address of a person.
    pub what: String,
    /// What to do about it.
    pub hint: String,
    /// Hash of its state, where it stops a load until it is acknowledged.
    pub fingerprint: Option<String>,
}

impl Observation {
    /// Something that stops nothing.
    pub fn new(subject: impl Into<String>, state: State, what: impl Into<String>) -> Self {
        let (subject, what) = (subject.into(), what.into());
        Self { subject, state, what, hint: String::new(), fingerprint: None }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Lets it stop a load until somebody acknowledges exactly this state.
    pub fn blocking(mut self, state: &Value) -> Self {
        self.fingerprint = Some(fingerprint(state));
        self
    }

    /// Whether it stops a load.
    pub fn is_blocking(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Whether somebody should look at it before a load.
    pub fn is_finding(&self) -> bool {
        self.is_blocking() || matches!(self.state, State::Live | State::Wrong | State::Unseen)
    }

    /// What has to be said to let it pass.
    pub fn acknowledgement(&self) -> Option<Acknowledgement> {
        let fingerprint = self.fingerprint.clone()?;
        Some(Acknowledgement { subject: self.subject.clone(), fingerprint })
    }
}

/// That somebody lets one thing pass in the state that the fingerprint stands for; written as
/// `rule:12345@1a2b3c4d`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledgement {
    /// What it is.
    pub subject: String,
    /// Hash of its state.
    pub fingerprint: String,
}

impl fmt::Display for Acknowledgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.subject, self.fingerprint)
    }
}

impl FromStr for Acknowledgement {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parts = text.rsplit_once('@').filter(|(subject, fingerprint)| {
            !subject.is_empty()
                && fingerprint.len() == FINGERPRINT_DIGITS
                && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        let (subject, fingerprint) = parts.ok_or_else(|| {
            "an acknowledgement looks like rule:12345@1a2b3c4d; deskferry check prints them"
                .to_owned()
        })?;
        Ok(Self { subject: subject.to_owned(), fingerprint: fingerprint.to_lowercase() })
    }
}

/// The same for equal values, whatever the order of their fields.
fn fingerprint(state: &Value) -> String {
    let mut hash = landing::exchange::sha256(canonical(state).to_string().as_bytes());
    hash.truncate(FINGERPRINT_DIGITS);
    hash
}

/// A value with the fields of its objects in alphabetical order.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<(&String, &Value)> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let fields = sorted.into_iter().map(|(name, inner)| (name.clone(), canonical(inner)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        plain => plain.clone(),
    }
}

/// What somebody lets pass in this session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permission {
    /// What is acknowledged now; what the run holds already need not be said again.
    pub acknowledge: Vec<Acknowledgement>,
    /// Who says so.
    pub by: String,
    /// Calls in a window that the configuration counts on.
    pub calls_per_window: Option<u32>,
}

/// Looks at the target, keeps what is acknowledged, and lets the load begin or not.
///
/// # Errors
/// `Refused` when something could act that nobody acknowledged as it is now; `FixConfig` when
/// something is acknowledged that is not so.
pub(crate) async fn pass(
    warehouse: &Warehouse,
    run: &RunId,
    target: &dyn Target,
    permission: &Permission,
    now: Instant,
) -> Result<()> {
    let calls_per_window = permission.calls_per_window;
    let help_center = plan::help_center_locales(warehouse, run).await?;
    let wants = Wants { calls_per_window, everything: false, needs: None, help_center };
    let seen = target.preflight(&wants).await?;
    let kept = acknowledged::list(warehouse, run).await?;
    let is_kept = |wanted: &Acknowledgement| {
        kept.iter()
            .any(|one| one.subject == wanted.subject && one.fingerprint == wanted.fingerprint)
    };
    // What is kept already may be gone by now: the same command has to go on all the same.
    for given in permission.acknowledge.iter().filter(|given| !is_kept(given)) {
        let found = seen.iter().find(|one| one.acknowledgement().as_ref() == Some(given));
        let found = found.ok_or_else(|| not_so(given, &seen))?;
        let new = Acknowledged {
            format: acknowledged::FORMAT,
            subject: given.subject.clone(),
            fingerprint: given.fingerprint.clone(),
            what: found.what.clone(),
            by: permission.by.clone(),
            at: now,
        };
        acknowledged::add(warehouse, run, &new).await?;
    }
    let open = seen.iter().filter_map(Observation::acknowledgement);
    let open: Vec<Acknowledgement> =
        open.filter(|one| !permission.acknowledge.contains(one) && !is_kept(one)).collect();
    if open.is_empty() { Ok(()) } else { Err(stopped(&open)) }
}

fn stopped(open: &[Acknowledgement]) -> Fault {
    let subjects = open.iter().map(|one| one.subject.as_str()).take(SUBJECTS_SHOWN_MAX);
    let subjects = subjects.collect::<Vec<_>>().join(", ");
    let more = match open.len().saturating_sub(SUBJECTS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Fault::refused(format!(
        "the target could act on what is loaded, or keep it from working: {subjects}{more}"
    ))
    .coded(Code::CouldFire)
    .hint(format!(
        "deskferry check says what they are; switch them off, or let them be as they are now: \
         deskferry load{}",
        flags(open)
    ))
}

/// Acknowledgements as they are typed.
pub fn flags(acknowledgements: &[Acknowledgement]) -> String {
    acknowledgements.iter().map(|one| format!(" --acknowledge {one}")).collect()
}

fn not_so(given: &Acknowledgement, seen: &[Observation]) -> Fault {
    let now = seen.iter().find(|one| one.subject == given.subject);
    let (what, hint) = match now.map(|one| (one, one.acknowledgement())) {
        Some((_, Some(changed))) => (
            "is in another state now",
            format!("look at it with deskferry check; it would be --acknowledge {changed} now"),
        ),
        Some((_, None)) => ("stops nothing", "leave this acknowledgement out".to_owned()),
        None => (
            "is not there, or is off",
            "deskferry check prints what can be acknowledged; leave this one out".to_owned(),
        ),
    };
    Fault::config(format!("{} was acknowledged, but {what}", given.subject))
        .coded(Code::NotAcknowledged)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_is_the_same_whatever_the_order_of_its_fields() {
        let one = fingerprint(&json!({"a": 1, "b": {"c": [1, 2], "d": null}}));
        assert_eq!(one, fingerprint(&json!({"b": {"d": null, "c": [1, 2]}, "a": 1})));
        assert_ne!(one, fingerprint(&json!({"b": {"d": null, "c": [2, 1]}, "a": 1})));
        assert_eq!(one.len(), FINGERPRINT_DIGITS);
    }

    #[test]
    fn an_acknowledgement_reads_as_it_is_written() {
        let text = "setting:auto-merge@0a1b2c3d";
        let read: Acknowledgement = text.parse().expect("is one");
        assert_eq!(
            (read.subject.as_str(), read.to_string().as_str()),
            ("setting:auto-merge", text)
        );
        for wrong in ["rule:1", "rule:1@", "@0a1b2c3d", "rule:1@0a1b", "rule:1@0a1b2c3x"] {
            assert!(wrong.parse::<Acknowledgement>().is_err(), "{wrong}");
        }
    }
}
