//! One error type for every stage, sorted by what somebody should do next.
//!
//! The text of a fault is lower case, without a full stop, and holds ids and counts only: never a
//! secret, a body or the address of a person.

use std::error::Error;

use crate::code::Code;

/// A result whose error says what to do next.
pub type Result<T> = std::result::Result<T, Fault>;

/// What somebody should do about a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same step may succeed at once or after a short pause.
    Retry,
    /// A quota or a rate is used up; the same step succeeds later.
    Wait,
    /// The configuration or the credentials are wrong.
    FixConfig,
    /// Data handed to the program is wrong: a corpus, a snapshot, a reply.
    FixData,
    /// The other side understood the request and refuses it.
    Refused,
    /// An invariant of our own is broken.
    Bug,
}

impl Kind {
    /// What to do when nothing more exact is known; the one place where kinds get their advice.
    pub fn advice(self) -> &'static str {
        match self {
            Kind::Retry => "run the same command again; it goes on where it stopped",
            Kind::Wait => "wait for the quota to come back, then run the same command again",
            Kind::FixConfig => "correct deskferry.toml or the environment, then run it again",
            Kind::FixData => "correct the data named above, then run the same command again",
            Kind::Refused => "see what the other side says, correct it there, then run it again",
            Kind::Bug => "this is a fault of deskferry; please report it with this message",
        }
    }
}

/// An error: what happened, what to do, and what caused it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    kind: Kind,
    message: String,
    hint: Option<String>,
    code: Option<Code>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, code: None, source: None }
    }

    /// The configuration or the credentials are wrong.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::FixConfig, message)
    }

    /// Data handed to the program is wrong.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::FixData, message)
    }

    /// The other side refuses a request that it understood.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// The same step may succeed when it is tried again.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(Kind::Retry, message)
    }

    /// A quota or a rate is used up.
    pub fn wait(message: impl Into<String>) -> Self {
        Self::new(Kind::Wait, message)
    }

    /// An invariant of our own is broken.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message)
    }

    /// Adds what to do about exactly this fault; it replaces the advice of the kind.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says which sort of error exactly it is; that has a kind of its own.
    pub fn coded(mut self, code: Code) -> Self {
        self.kind = code.kind();
        self.code = Some(code);
        self
    }

    /// Adds the error that caused this one.
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts what was being done in front of the message and keeps kind, hint and cause.
    pub fn during(mut self, doing: impl AsRef<str>) -> Self {
        self.message = format!("{}: {}", doing.as_ref(), self.message);
        self
    }

    /// What somebody should do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its stable name.
    pub fn code(&self) -> Code {
        self.code.unwrap_or_else(|| self.kind.into())
    }

    /// The advice to print after the error.
    pub fn advice(&self) -> &str {
        self.hint.as_deref().unwrap_or_else(|| self.kind.advice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_replaces_the_advice_of_the_kind() {
        let plain = Fault::config("no website id");
        assert_eq!(plain.advice(), Kind::FixConfig.advice());
        assert_eq!(plain.hint("set website_id").advice(), "set website_id");
    }

    #[test]
    fn every_fault_has_a_name_and_an_exact_one_brings_its_kind() {
        assert_eq!(Fault::wait("too fast").code(), Code::Wait);
        let exact = Fault::config("no right").coded(Code::MessagingQuota).during("creating");
        assert_eq!((exact.code().name(), exact.kind()), ("DF2002", Kind::Wait));
    }

    #[test]
    fn what_was_being_done_comes_before_what_went_wrong() {
        let fault = Fault::data("line 3 is not JSON").during("reading messages.jsonl");
        assert_eq!(fault.to_string(), "reading messages.jsonl: line 3 is not JSON");
        assert_eq!(fault.kind(), Kind::FixData);
    }
}
