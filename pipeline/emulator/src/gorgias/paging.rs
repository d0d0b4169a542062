//! Owns lists: their order, the opaque short-lived cursors and the `limit` rule.
//! It must not know what is listed; it sees sort keys and ids only.

use std::collections::BTreeSet;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ask::{Ask, Refusal};
use super::instant::Instant;

/// Items on a page when the caller does not say.
const LIMIT_DEFAULT: usize = 30;
/// Most items on a page.
const LIMIT_MAX: usize = 100;
/// Query parameters that say which page, not which list.
const PAGE_ONLY: [&str; 3] = ["cursor", "limit", "order_by"];

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    /// A time or a number.
    Number(i64),
    /// A name.
    Text(String),
}

/// A place in a list.
pub(super) type Place = (Key, u64);

/// A sorted list that can be entered anywhere without a scan.
pub(super) trait Ordered {
    /// Places strictly beyond `from` in the given direction.
    fn walk(&self, from: Option<Place>, descending: bool) -> Box<dyn Iterator<Item = Place> + '_>;
}

/// What the caller asked for.
pub(super) struct Paging {
    limit: usize,
    /// The order in effect, one of the endpoint's words.
    pub order: String,
    from: Option<Place>,
    backwards: bool,
    list: String,
    expires: Instant,
}

/// One page.
pub(super) struct Page {
    /// Ids in the list's order.
    pub ids: Vec<u64>,
    /// Cursor of the page before.
    pub prev: Option<String>,
    /// Cursor of the page after.
    pub next: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor(String, Key, u64, String, String, i64);

impl Paging {
    /// Reads `cursor`, `limit` and `order_by`; the first of `orders` is the default.
    pub(super) fn read(ask: &Ask, orders: &[&str], ttl_ms: u64) -> Result<Paging, Refusal> {
        let limit = limit_of(ask)?;
        let list = fingerprint(ask);
        let expires = ask.at.plus_ms(ttl_ms);
        let asked = ask.query("order_by");
        if asked.is_some_and(|order| !orders.contains(&order)) {
            let problem = format!("Must be one of: {}.", orders.join(", "));
            return Err(Refusal::field("order_by", &problem));
        }
        let Some(text) = ask.query("cursor").filter(|text| !text.is_empty()) else {
            let order = asked.unwrap_or(orders[0]).to_owned();
            return Ok(Paging { limit, order, from: None, backwards: false, list, expires });
        };
        let bad = || Refusal::field("cursor", "Invalid cursor.");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| bad())?;
        let Cursor(direction, key, id, order, of, until) = cursor;
        let order_changed = asked.is_some_and(|asked| asked != order);
        if of != list || !orders.contains(&order.as_str()) || order_changed {
            return Err(bad());
        }
        if until < ask.at.0 {
            return Err(Refusal::field("cursor", "Expired cursor."));
        }
        let backwards = direction == "prev";
        Ok(Paging { limit, order, from: Some((key, id)), backwards, list, expires })
    }

    /// Does the order end in `:desc`?
    pub(super) fn is_descending(&self) -> bool {
        self.order.ends_with(":desc")
    }

    /// The attribute the order names.
    pub(super) fn attribute(&self) -> &str {
        self.order.split(':').next().unwrap_or_default()
    }

    /// Cuts the page out of a list, leaving out what `keep` does not want.
    pub(super) fn cut(&self, list: &dyn Ordered, keep: impl Fn(u64) -> bool) -> Page {
        let descending = self.is_descending() != self.backwards;
        let mut places: Vec<Place> = list
            .walk(self.from.clone(), descending)
            .filter(|(_, id)| keep(*id))
            .take(self.limit + 1)
            .collect();
        let more = places.len() > self.limit;
        places.truncate(self.limit);
        if self.backwards {
            places.reverse();
        }
        let entered = self.from.is_some();
        let (has_prev, has_next) = if self.backwards { (more, true) } else { (entered, more) };
        let mark = |there: bool, place: Option<&Place>, direction: &str| {
            place.filter(|_| there).map(|place| self.cursor(direction, place))
        };
        let prev = mark(has_prev, places.first(), "prev");
        let next = mark(has_next, places.last(), "next");
        Page { ids: places.into_iter().map(|(_, id)| id).collect(), prev, next }
    }

    fn cursor(&self, direction: &str, place: &Place) -> String {
        let (key, id) = place.clone();
        let parts = (direction, key, id, &self.order, &self.list, self.expires.0);
        let text = serde_json::to_vec(&parts).expect("a cursor is plain text and numbers");
        URL_SAFE_NO_PAD.encode(text)
    }
}

impl Ordered for BTreeSet<(i64, u64)> {
    fn walk(&self, from: Option<Place>, descending: bool) -> Box<dyn Iterator<Item = Place> + '_> {
        let show = |(key, id): &(i64, u64)| (Key::Number(*key), *id);
        let at = match from {
            None => None,
            Some((Key::Number(key), id)) => Some((key, id)),
            Some((Key::Text(_), _)) => return Box::new(std::iter::empty()),
        };
        match (at, descending) {
            (None, false) => Box::new(self.iter().map(show)),
            (None, true) => Box::new(self.iter().rev().map(show)),
            (Some(at), false) => {
                Box::new(self.range((Bound::Excluded(at), Bound::Unbounded)).map(show))
            }
            (Some(at), true) => Box::new(self.range(..at).rev().map(show)),
        }
    }
}

impl Ordered for Vec<Place> {
    fn walk(&self, from: Option<Place>, descending: bool) -> Box<dyn Iterator<Item = Place> + '_> {
        match (from, descending) {
            (None, false) => Box::new(self.iter().cloned()),
            (None, true) => Box::new(self.iter().rev().cloned()),
            (Some(at), false) => {
                Box::new(self[self.partition_point(|place| *place <= at)..].iter().cloned())
            }
            (Some(at), true) => {
                Box::new(self[..self.partition_point(|place| *place < at)].iter().rev().cloned())
            }
        }
    }
}

/// A short list in the order that paging needs.
pub(super) fn sorted(mut places: Vec<Place>) -> Vec<Place> {
    places.sort_unstable();
    places
}

fn limit_of(ask: &Ask) -> Result<usize, Refusal> {
    let Some(text) = ask.query("limit") else {
        return Ok(LIMIT_DEFAULT);
    };
    match text.parse::<i64>() {
        Err(_) => Err(Refusal::field("limit", "Not a valid integer.")),
        Ok(limit) if limit < 1 => Err(Refusal::field("limit", "Must be at least 1.")),
        Ok(limit) if limit > LIMIT_MAX as i64 => {
            Err(Refusal::field("limit", "Must be at most 100."))
        }
        Ok(limit) => Ok(limit as usize),
    }
}

/// A cursor belongs to one list: the path and every filter.
fn fingerprint(ask: &Ask) -> String {
    let mut hash = Sha256::new();
    hash.update(ask.path.as_bytes());
    for (name, value) in ask.query.iter().filter(|(name, _)| !PAGE_ONLY.contains(&name.as_str())) {
        hash.update([0]);
        hash.update(name.as_bytes());
        hash.update([1]);
        hash.update(value.as_bytes());
    }
    URL_SAFE_NO_PAD.encode(&hash.finalize()[..6])
}
