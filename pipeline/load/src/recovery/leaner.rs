//! What is left out of a record when the target refuses it, and how that is said. Makes no call.

use super::APPENDED;
use crate::target::Draft;

/// In the detail of a ticket that was created without its custom fields.
pub(super) const BARE: &str = "created without its custom fields";
/// In the detail of a ticket in whose place only the least was put.
pub(super) const LEAN: &str = "created with its name and labels only";
/// The same record with less in it, where a target may object to what is left out, and a note on
/// what that is.
pub(super) fn leaner(draft: Draft<'_>) -> Option<(Draft<'_>, String)> {
    match draft {
        Draft::Customer { customer, lean: false }
            if customer.phone.is_some()
                || customer.language.is_some()
                || customer.timezone.is_some()
                || customer.meta.is_some() =>
        {
            let lean = true;
            let note = match customer.meta {
                None => "sent without phone, language and time zone",
                Some(_) => "sent with address and name only",
            };
            Some((Draft::Customer { customer, lean }, note.to_owned()))
        }
        Draft::Ticket { draft, part, place } => {
            let part = draft.after_refusal(part)?;
            let (count, planned) = (part.to - part.from, draft.planned.to);
            let note = match part.is_bare {
                true if place.is_some() => LEAN.to_owned(),
                true => BARE.to_owned(),
                false => format!("created with {count} of {planned} messages; {APPENDED}"),
            };
            Some((Draft::Ticket { draft, part, place }, note))
        }
        _ => None,
    }
}
