//! Stable names of errors: what is printed beside an error, looked up in `docs/errors.md`, counted
//! while a load runs and kept with how it ended.
//!
//! A name never changes its meaning and is never used again. Its first digit is the kind of the
//! fault. What caused an error and what cures it is in the document, not here.

use serde::{Deserialize, Serialize};

use crate::fault::Kind;

macro_rules! codes {
    ($($code:ident = $name:literal, $kind:ident, $meaning:literal;)+) => {
        /// The name of one sort of error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $name)] $code,)+
        }

        impl Code {
            /// Every name there is.
            pub const ALL: &[Code] = &[$(Code::$code),+];

            /// The name, as it is printed.
            pub fn name(self) -> &'static str {
                match self {
                    $(Code::$code => $name,)+
                }
            }

            /// The kind of fault that it is.
            pub fn kind(self) -> Kind {
                match self {
                    $(Code::$code => Kind::$kind,)+
                }
            }

            /// What it means, in a few words.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Code::$code => $meaning,)+
                }
            }
        }
    };
}

codes! {
    Retry = "DF1000", Retry, "something failed that may work the next time";
    NoUsableReply = "DF1001", Retry, "the other side gave no usable reply";
    ReplyLost = "DF1002", Retry, "the reply to a call was lost";
    ServerTrouble = "DF1003", Retry, "the other side is in trouble (status 408 or 5xx)";
    WarehouseTrouble = "DF1004", Retry, "the warehouse failed";
    LedgerNotWritten = "DF1005", Retry, "the ledger could not be written";
    Wait = "DF2000", Wait, "a quota or a rate is used up";
    Throttled = "DF2001", Wait, "calls came too fast (status 429)";
    MessagingQuota = "DF2002", Wait, "the target's messaging quota is used up (status 403)";
    DayUsedUp = "DF2003", Wait, "the calls of the day are used up";
    Configuration = "DF3000", FixConfig, "the configuration is wrong";
    NoConfiguration = "DF3001", FixConfig, "the configuration cannot be read";
    UnknownKey = "DF3002", FixConfig, "the configuration has a key that nobody knows";
    SecretMissing = "DF3003", FixConfig, "a secret is not where the configuration says";
    SecretWrittenDown = "DF3004", FixConfig, "a secret is written into the configuration";
    WarehouseAddress = "DF3005", FixConfig, "the warehouse cannot be opened";
    WarehouseRights = "DF3006", FixConfig, "the warehouse does not permit it";
    StoreOverwrites = "DF3007", FixConfig, "the store cannot keep two writers apart";
    CredentialsRefused = "DF3008", FixConfig, "the credentials are refused (status 401)";
    RightMissing = "DF3009", FixConfig, "the credentials may not do this (status 403)";
    NotThisVendor = "DF3010", FixConfig, "something else than the vendor's API answers";
    NoSnapshot = "DF3011", FixConfig, "there is no sealed snapshot";
    NoRun = "DF3012", FixConfig, "there is no such run";
    OtherTarget = "DF3013", FixConfig, "the run was planned for another target";
    NotAcknowledged = "DF3014", FixConfig, "nothing in the target is in the state acknowledged";
    AddressInUse = "DF3015", FixConfig, "an address cannot be listened on";
    Data = "DF4000", FixData, "data is wrong";
    LedgerDamaged = "DF4001", FixData, "the ledger is damaged";
    ObjectUnreadable = "DF4002", FixData, "an object in the warehouse cannot be read";
    FileChanged = "DF4003", FixData, "a landed file was changed";
    Refused = "DF5000", Refused, "the other side refuses";
    CouldFire = "DF5001", Refused, "something in the target could act on what is loaded";
    AnotherLoader = "DF5002", Refused, "another loader writes to the same run";
    AnotherHolder = "DF5003", Refused, "another process works on the same";
    RecordRefused = "DF5004", Refused, "the target refuses a record (status 4xx)";
    Bug = "DF9000", Bug, "deskferry is wrong";
    HeldBack = "DF9001", Bug, "a call that could deliver was held back";
}

impl From<Kind> for Code {
    /// The name of an error of which nothing is known but its kind.
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Retry => Code::Retry,
            Kind::Wait => Code::Wait,
            Kind::FixConfig => Code::Configuration,
            Kind::FixData => Code::Data,
            Kind::Refused => Code::Refused,
            Kind::Bug => Code::Bug,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_is_used_once_and_its_first_digit_is_its_kind() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let general = Code::from(code.kind()).name();
            assert_eq!(code.name()[..3], general[..3], "{}", code.name());
            assert!(general.ends_with("000") && code.name().len() == 6);
        }
    }
}
