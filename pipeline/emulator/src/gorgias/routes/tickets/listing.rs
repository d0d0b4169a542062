//! Owns the list of tickets: its filters, its two orders and what is left out of it.
//! It must not know how tickets are written.

use super::super::super::ask::{Ask, Outcome, Refusal, Reply};
use super::super::super::paging::{Key, Paging, sorted};
use super::super::super::show::{self, TicketItem};
use super::super::super::store::Store;
use super::super::{BY_CREATION_OR_CHANGE, uri, views};

/// `GET /tickets`.
pub(super) fn list(store: &Store, ask: &Ask) -> Outcome {
    ask.only(&[
        "cursor",
        "limit",
        "order_by",
        "customer_id",
        "external_id",
        "view_id",
        "rule_id",
        "ticket_ids",
        "trashed",
    ])?;
    let paging = Paging::read(ask, BY_CREATION_OR_CHANGE, store.quirks.cursor_ttl_ms)?;
    let with_trash = match ask.query("trashed") {
        None | Some("true" | "True" | "1") => true,
        Some("false" | "False" | "0") => false,
        Some(_) => return Err(Refusal::field("trashed", "Not a valid boolean.")),
    };
    let filter = match ask.query_id("view_id")? {
        None => None,
        Some(view) => Some(views::filter_of(store, view)?),
    };
    ask.query_id("rule_id")?;
    let keep = |id: u64| {
        let Some(ticket) = store.desk.ticket(id) else {
            return false;
        };
        (with_trash || ticket.trashed.is_none())
            && store.is_listed(ticket.processed, ask)
            && filter.as_ref().is_none_or(|filter| filter.matches(ticket))
    };
    let by_change = paging.attribute() == "updated_datetime";
    let page = match narrowed(store, ask)? {
        None if by_change => paging.cut(&store.desk.updated, keep),
        None => paging.cut(&store.desk.created, keep),
        Some(ids) => {
            let place = |id: &u64| {
                let ticket = store.desk.ticket(*id)?;
                let time = if by_change { ticket.updated } else { ticket.created };
                Some((Key::Number(time.0), *id))
            };
            paging.cut(&sorted(ids.iter().filter_map(place).collect()), keep)
        }
    };
    Reply::read(&show::list(&uri(ask), &items(store, &page.ids), page.prev, page.next))
}

/// Tickets as a list shows them.
pub(in crate::gorgias::routes) fn items<'a>(store: &'a Store, ids: &[u64]) -> Vec<TicketItem<'a>> {
    let tickets = ids.iter().filter_map(|id| store.desk.ticket(*id));
    tickets.map(|ticket| TicketItem { store, ticket }).collect()
}

/// The few tickets that an exact filter leaves; `None` means all.
fn narrowed(store: &Store, ask: &Ask) -> Result<Option<Vec<u64>>, Refusal> {
    let mut left: Option<Vec<u64>> = None;
    let mut narrow = |ids: Vec<u64>| {
        left = Some(match left.take() {
            None => ids,
            Some(before) => before.into_iter().filter(|id| ids.contains(id)).collect(),
        });
    };
    if let Some(external_id) = ask.query("external_id") {
        let ids = store.desk.by_external(external_id).iter().copied();
        narrow(ids.filter(|id| is_searchable(store, *id, ask)).collect());
    }
    if let Some(customer) = ask.query_id("customer_id")? {
        narrow(store.desk.by_customer(customer).to_vec());
    }
    if ask.query("rule_id").is_some() {
        narrow(Vec::new());
    }
    let mut wanted = Vec::new();
    for text in ask.query_all("ticket_ids") {
        let bad = || Refusal::field("ticket_ids", "Not a valid integer.");
        wanted.push(text.parse::<u64>().map_err(|_| bad())?);
    }
    if wanted.len() > 100 {
        return Err(Refusal::field("ticket_ids", "Length must be between 1 and 100."));
    }
    if !wanted.is_empty() {
        wanted.sort_unstable();
        wanted.dedup();
        narrow(wanted);
    }
    Ok(left)
}

fn is_searchable(store: &Store, id: u64, ask: &Ask) -> bool {
    store.desk.ticket(id).is_some_and(|ticket| store.is_indexed(ticket.processed, ask))
}
