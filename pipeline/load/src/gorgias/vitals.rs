//! What every reply says besides its answer: how full the bucket is, and what went wrong. Counts
//! only; what is done about it is decided elsewhere.

use std::sync::{Mutex, PoisonError};

use http::{Lost, Reply};
use kernel::Code;

use super::reply;
use crate::target::Vitals;

/// The header of the leaky bucket: calls in it, calls that fit.
const BUCKET: &str = "x-gorgias-account-api-call-limit";

#[derive(Default)]
pub(super) struct Pulse(Mutex<Vitals>);

impl Pulse {
    pub fn now(&self) -> Vitals {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how one call ended.
    pub fn note(&self, method: &str, ended: &Result<Reply, Lost>) {
        let mut vitals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(reply) = ended
            && let Some(told) = reply.headers.get(BUCKET).and_then(|text| told(text))
        {
            vitals.bucket = Some(told);
        }
        if let Some(code) = trouble(method, ended) {
            *vitals.troubles.entry(code).or_default() += 1;
        }
    }
}

fn told(text: &str) -> Option<(u32, u32)> {
    let (used, limit) = text.split_once('/')?;
    Some((used.trim().parse().ok()?, limit.trim().parse().ok()?))
}

/// What went wrong, if anything. A read of something that is not there is no trouble.
fn trouble(method: &str, ended: &Result<Reply, Lost>) -> Option<Code> {
    let reply = match ended {
        Err(Lost::NotSent(_)) => return Some(Code::NoUsableReply),
        Err(Lost::NoReply(_)) => return Some(Code::ReplyLost),
        Ok(reply) => reply,
    };
    match reply.status {
        200..=399 => None,
        401 => Some(Code::CredentialsRefused),
        403 if reply::is_quota(&reply.body) => Some(Code::MessagingQuota),
        403 => Some(Code::RightMissing),
        408 | 500.. => Some(Code::ServerTrouble),
        429 => Some(Code::Throttled),
        404 | 409 if method == "GET" => None,
        _ => Some(Code::RecordRefused),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kernel::Instant;

    use super::*;

    fn replied(status: u16, header: &str) -> Result<Reply, Lost> {
        Ok(Reply {
            status,
            headers: BTreeMap::from([(BUCKET.to_owned(), header.to_owned())]),
            body: "".into(),
            started_at: Instant::from_millis(0),
            ended_at: Instant::from_millis(1),
        })
    }

    #[test]
    fn the_last_usable_header_counts_and_troubles_are_counted_by_name() {
        let pulse = Pulse::default();
        for (method, ended) in [
            ("POST", replied(201, "7/40")),
            ("POST", replied(400, "8/40")),
            ("GET", replied(404, "9 / 40")),
            ("POST", replied(429, "garbage")),
            ("POST", replied(502, "")),
            ("POST", Err(Lost::NoReply("cut".into()))),
            ("POST", Err(Lost::NoReply("cut".into()))),
        ] {
            pulse.note(method, &ended);
        }
        let vitals = pulse.now();
        assert_eq!(vitals.bucket, Some((9, 40)));
        let expected = [
            (Code::ReplyLost, 2),
            (Code::ServerTrouble, 1),
            (Code::Throttled, 1),
            (Code::RecordRefused, 1),
        ];
        assert_eq!(vitals.troubles, BTreeMap::from(expected));
    }
}
