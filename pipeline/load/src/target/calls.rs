//! Calls of a target as every driver makes them: counted by phase, asked again while the target is
//! busy or in trouble, and a write made once, repeated only where it surely was not carried out.
//!
//! What a reply means is for its vendor to say; what may leave at all was decided before.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Client, Lost, Reply, Request};
use kernel::retry::{Decision, Ending, Policy, retry_after_ms};
use kernel::{Code, Fault, Result};
use serde_json::Value;

use super::{Found, Sent, Vitals, phase};
use crate::rollback::Removal;

/// What one vendor means by its replies.
pub(crate) trait Vendor: Send + Sync {
    /// What a reply says of calling too fast or too often; such a call was surely not carried out.
    fn limited(&self, reply: &Reply) -> Option<Ending>;

    /// Calls in the bucket and how many fit, when a reply says so.
    fn bucket(&self, _: &Reply) -> Option<(u32, u32)> {
        None
    }

    /// Whether the reply to a read can be one of this vendor at all; else it is asked again.
    fn is_readable(&self, _: &Reply) -> bool {
        true
    }

    /// What a write answered; `None` when nothing can be read out of it.
    fn answer(&self, reply: &Reply) -> Option<Value>;

    /// Whether the account can go on at all.
    ///
    /// # Errors
    /// When no further call makes sense: credentials, rights, a quota.
    fn check_account(&self, reply: &Reply) -> Result<()>;

    /// The status and what is objected to, but nothing that was in it.
    fn refusal(&self, reply: &Reply) -> String;

    /// What to say when patience with calls of `path` ends; `last` is how the last one ended.
    fn given_up(&self, path: &str, ending: Ending, last: &str) -> Fault;
}

/// How a write ended.
#[derive(Debug)]
pub(crate) enum Written {
    Replied(Reply),
    Lost(String),
}

/// The calls of one target so far, and the next ones.
pub(crate) struct Calls {
    client: Client,
    vendor: &'static dyn Vendor,
    pub policy: Policy,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    vitals: Mutex<Vitals>,
}

impl Calls {
    pub fn new(client: Client, vendor: &'static dyn Vendor) -> Self {
        Self {
            client,
            vendor,
            policy: Policy::default(),
            counts: Mutex::default(),
            vitals: Mutex::default(),
        }
    }

    /// Calls made so far, by phase.
    pub fn counted(&self) -> BTreeMap<String, u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(phase, count)| ((*phase).to_owned(), *count)).collect()
    }

    pub fn vitals(&self) -> Vitals {
        self.vitals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks until there is a reply other than "too fast" or trouble on the other side.
    ///
    /// # Errors
    /// When the credentials are refused, or there is no usable reply.
    pub async fn ask(&self, phase: &'static str, path: &str, request: &Request) -> Result<Reply> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (ending, last) = match self.send(request).await {
                Err(lost) => {
                    if matches!(lost, Lost::NoReply(_)) {
                        self.count(phase);
                    }
                    (Ending::NoReply, lost.to_string())
                }
                Ok(reply) => match self.vendor.limited(&reply) {
                    Some(ending) => {
                        self.count(phase::THROTTLED);
                        (ending, format!("status {}", reply.status))
                    }
                    None => {
                        self.count(phase);
                        if !is_trouble(reply.status) && self.vendor.is_readable(&reply) {
                            if reply.status == 401 {
                                self.vendor.check_account(&reply)?;
                            }
                            return Ok(reply);
                        }
                        (Ending::ServerTrouble, format!("status {}", reply.status))
                    }
                },
            };
            if !self.wait(attempt, ending).await {
                return Err(self.vendor.given_up(path, ending, &last));
            }
        }
    }

    /// Sends what changes something until it may have been carried out. `pause_ms` is how long to
    /// wait where a reply says "too fast" and not how long.
    ///
    /// # Errors
    /// When patience ends before it can have been carried out.
    pub async fn once(
        &self,
        phase: &'static str,
        path: &str,
        request: &Request,
        pause_ms: Option<u64>,
    ) -> Result<Written> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (ending, last) = match self.send(request).await {
                Err(Lost::NotSent(why)) => (Ending::NoReply, why),
                Err(lost @ Lost::NoReply(_)) => {
                    self.count(phase);
                    return Ok(Written::Lost(lost.to_string()));
                }
                Ok(reply) => match self.vendor.limited(&reply) {
                    Some(mut ending) => {
                        self.count(phase::THROTTLED);
                        if let Ending::RateLimited { retry_after_ms } = &mut ending {
                            *retry_after_ms = retry_after_ms.or(pause_ms);
                        }
                        (ending, format!("status {}", reply.status))
                    }
                    None => {
                        self.count(phase);
                        return Ok(Written::Replied(reply));
                    }
                },
            };
            if !self.wait(attempt, ending).await {
                return Err(self.vendor.given_up(path, ending, &last));
            }
        }
    }

    /// Pauses after the `attempt`th bad ending; false when patience ends.
    pub async fn pause(&self, attempt: u32) -> bool {
        self.wait(attempt, Ending::ServerTrouble).await
    }

    async fn wait(&self, attempt: u32, ending: Ending) -> bool {
        match self.policy.decide(attempt, ending, 1.0) {
            Decision::GiveUp => false,
            Decision::After(pause_ms) => {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                true
            }
        }
    }

    async fn send(&self, request: &Request) -> std::result::Result<Reply, Lost> {
        let ended = self.client.send(request).await;
        let mut vitals = self.vitals.lock().unwrap_or_else(PoisonError::into_inner);
        note(&mut vitals, self.vendor, request.method, &ended);
        drop(vitals);
        ended
    }

    fn count(&self, phase: &'static str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(phase).or_default() += 1;
    }
}

/// Notes what the ending of one call says besides its answer.
pub(crate) fn note(
    vitals: &mut Vitals,
    vendor: &dyn Vendor,
    method: &str,
    ended: &std::result::Result<Reply, Lost>,
) {
    if let Some(bucket) = ended.as_ref().ok().and_then(|reply| vendor.bucket(reply)) {
        vitals.bucket = Some(bucket);
    }
    if let Some(code) = trouble(vendor, method, ended) {
        *vitals.troubles.entry(code).or_default() += 1;
    }
}

fn is_trouble(status: u16) -> bool {
    status == 408 || status >= 500
}

/// What went wrong, if anything. A read of something that is not there is no trouble.
fn trouble(
    vendor: &dyn Vendor,
    method: &str,
    ended: &std::result::Result<Reply, Lost>,
) -> Option<Code> {
    let reply = match ended {
        Err(Lost::NotSent(_)) => return Some(Code::NoUsableReply),
        Err(Lost::NoReply(_)) => return Some(Code::ReplyLost),
        Ok(reply) => reply,
    };
    match vendor.limited(reply) {
        Some(Ending::QuotaExhausted { .. }) => return Some(Code::DayUsedUp),
        Some(_) => return Some(Code::Throttled),
        None => {}
    }
    if let Err(fault) = vendor.check_account(reply) {
        return Some(fault.code());
    }
    match reply.status {
        200..=399 => None,
        status if is_trouble(status) => Some(Code::ServerTrouble),
        404 | 409 if method == "GET" => None,
        _ => Some(Code::RecordRefused),
    }
}

/// How long a reply asks to wait, in milliseconds.
pub(crate) fn asked_to_wait_ms(reply: &Reply) -> Option<u64> {
    let header = reply.headers.get("retry-after");
    header.and_then(|text| retry_after_ms(text, reply.ended_at))
}

/// Makes of a write what the loader needs to know; `read` finds the record in the answer.
///
/// # Errors
/// When no further call makes sense: credentials, rights, a quota.
pub(crate) fn sent(
    vendor: &dyn Vendor,
    written: Written,
    read: impl Fn(&Value) -> Option<Found>,
) -> Result<Sent> {
    let reply = match written {
        Written::Lost(why) => return Ok(Sent::Unknown(why)),
        Written::Replied(reply) => reply,
    };
    vendor.check_account(&reply)?;
    let status = reply.status;
    Ok(match status {
        200..300 => match vendor.answer(&reply).as_ref().and_then(read) {
            Some(found) => Sent::Made(found),
            None => Sent::Unknown(format!("status {status} without the record")),
        },
        status if is_trouble(status) => Sent::Unknown(format!("status {status}")),
        409 => Sent::Exists(format!("status {status}")),
        _ => Sent::Refused(vendor.refusal(&reply)),
    })
}

/// Makes of a removal what a rollback needs to know.
///
/// # Errors
/// When no further call makes sense: credentials, rights, a quota.
pub(crate) fn removed(vendor: &dyn Vendor, written: Written) -> Result<Removal> {
    let reply = match written {
        Written::Lost(why) => return Ok(Removal::Unknown(why)),
        Written::Replied(reply) => reply,
    };
    vendor.check_account(&reply)?;
    Ok(match reply.status {
        200..300 | 404 | 410 => Removal::Gone,
        status if is_trouble(status) => Removal::Unknown(format!("status {status}")),
        _ => Removal::Refused(vendor.refusal(&reply)),
    })
}
