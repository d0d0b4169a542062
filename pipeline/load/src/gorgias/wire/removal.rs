//! The calls of a rollback: one record, by its number, and no other address.

use http::{Body, Request};
use kernel::ledger::RecordKind;
use kernel::{Fault, Result};

use super::{Wire, is_id};
use crate::target::calls::Written;
use crate::target::phase;

impl Wire {
    /// Removes one record. Repeated only where it surely was not carried out.
    pub async fn remove(&self, kind: RecordKind, id: &str) -> Result<Written> {
        self.delete(&path_of(kind, id)?).await
    }

    /// Removes one message of a ticket, likewise.
    pub async fn remove_message(&self, ticket: &str, id: &str) -> Result<Written> {
        self.delete(&path_of_message(ticket, id)?).await
    }

    async fn delete(&self, path: &str) -> Result<Written> {
        let request = Request {
            method: "DELETE",
            url: format!("{}{path}", self.origin),
            headers: Vec::new(),
            body: Body::Empty,
        };
        self.calls.once(phase::ROLLBACK_DELETE, path, &request, None).await
    }
}

/// Where a record is removed. A list takes `DELETE` too and would remove more than one.
fn path_of(kind: RecordKind, id: &str) -> Result<String> {
    let list = match kind {
        RecordKind::Ticket => "tickets",
        RecordKind::Customer => "customers",
        RecordKind::Tag => "tags",
        RecordKind::Agent => "users",
        _ => return Err(Fault::bug(format!("a rollback removes no {}", kind.word()))),
    };
    Ok(format!("/api/{list}/{}", one(id)?))
}

fn path_of_message(ticket: &str, id: &str) -> Result<String> {
    Ok(format!("/api/tickets/{}/messages/{}", one(ticket)?, one(id)?))
}

/// The id of one record. User 0 is whose key it is.
fn one(id: &str) -> Result<&str> {
    match is_id(id) && id.bytes().any(|byte| byte != b'0') {
        true => Ok(id),
        false => Err(Fault::bug(format!("{id:?} is no id of this target"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_record_is_removed_by_a_call() {
        let path = |kind, id| path_of(kind, id).ok();
        assert_eq!(
            path(RecordKind::Ticket, "3000000001").as_deref(),
            Some("/api/tickets/3000000001")
        );
        assert_eq!(path(RecordKind::Agent, "7").as_deref(), Some("/api/users/7"));
        for id in ["", "0", "00", "7/", "7?x=1", "../users/1", "7,8"] {
            assert_eq!(path(RecordKind::Customer, id), None, "{id}");
        }
        assert_eq!(path(RecordKind::Upload, "7"), None);
        assert_eq!(path(RecordKind::Message, "7"), None);
        assert_eq!(path_of_message("3", "7").ok().as_deref(), Some("/api/tickets/3/messages/7"));
        for (ticket, id) in [("3", ""), ("", "7"), ("3", "../7"), ("3/messages", "7"), ("0", "7")] {
            assert_eq!(path_of_message(ticket, id).ok(), None, "{ticket} {id}");
        }
    }
}
