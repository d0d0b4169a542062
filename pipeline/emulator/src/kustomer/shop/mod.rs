//! An invented shop that has used the helpdesk for four years: the same seed and size give the same
//! records.
//!
//! Its dates are fixed, so that nothing depends on the day on which it is invented. It knows how
//! the vendor shapes its records and nothing of how they are asked for.

mod around;
mod knowledge;
mod people;
mod rules;
mod talk;
mod words;

use serde_json::{Value, json};

use super::moment;
use super::store::{Record, Store};
use crate::dice::Dice;

/// 1 June 2022: the first conversation.
pub(super) const FIRST_MS: i64 = 1_654_041_600_000;
/// 1 June 2026: nothing happens any more.
pub(super) const LAST_MS: i64 = 1_780_272_000_000;
/// An evening on which somebody edited many records at once.
pub(super) const BULK_EDIT_MS: i64 = LAST_MS - 20 * DAY_MS;
pub(super) const DAY_MS: i64 = 86_400_000;
const ORG_ID: &str = "5f1a00000000000000000001";

/// What a shop is invented from.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) conversations: usize,
    pub(super) messages_max: usize,
    pub(super) shared_updated_at: usize,
}

impl Plan {
    pub(super) fn customers(self) -> usize {
        (self.conversations * 2 / 3).max(8)
    }

    /// How many records of `count` share one moment of update.
    fn sharing(self, count: usize) -> usize {
        self.shared_updated_at.min(count / 3)
    }

    /// The time of update of the `place`th of `count` records.
    pub(super) fn updated_ms(self, place: usize, count: usize, own_ms: i64) -> i64 {
        // Every third one, so that what shares a moment differs in age.
        let is_sharing = place.is_multiple_of(3) && place / 3 < self.sharing(count);
        if is_sharing { BULK_EDIT_MS } else { own_ms }
    }
}

/// Invents everything.
pub(super) fn store(plan: Plan) -> Store {
    let mut store = Store::default();
    around::fill(&mut store, plan.seed);
    rules::fill(&mut store, plan.seed);
    people::fill(&mut store, plan);
    talk::fill(&mut store, plan);
    knowledge::fill(&mut store, plan.seed);
    store
}

/// The id of a record, drawn from what it is and which one.
pub(super) fn id_of(seed: u64, kind: &str, place: usize) -> String {
    Dice::new(seed, kind, place as u64).hex24()
}

/// A reference as `relationships` hold it.
pub(super) fn linked(kind: &str, id: &str, path: &str) -> Value {
    json!({ "links": { "self": format!("/v1/{path}/{id}") }, "data": { "type": kind, "id": id } })
}

/// What every record's `relationships` begin with.
pub(super) fn of_org() -> Value {
    json!({ "org": linked("org", ORG_ID, "orgs") })
}

/// Adds creation and update to attributes and makes a record of them.
pub(super) fn record(
    (kind, path): (&str, &str),
    id: &str,
    (created_ms, updated_ms): (i64, i64),
    attributes: Value,
    relationships: Value,
) -> Record {
    let mut attributes = attributes;
    attributes["createdAt"] = moment::text(created_ms).into();
    attributes["updatedAt"] = moment::text(updated_ms).into();
    attributes["modifiedAt"] = moment::text(updated_ms).into();
    let mut all = of_org();
    if let (Some(all), Value::Object(own)) = (all.as_object_mut(), relationships) {
        all.extend(own);
    }
    Record::new(
        "",
        json!({
            "type": kind,
            "id": id,
            "attributes": attributes,
            "relationships": all,
            "links": { "self": format!("/v1/{path}/{id}") },
        }),
    )
}

impl Record {
    /// The same record, listed below a parent.
    fn below(mut self, parent: &str) -> Record {
        self.parent = parent.to_owned();
        self
    }
}

/// A text with what it speaks of.
pub(super) fn filled(text: &str, dice: &mut Dice) -> String {
    let order = format!("#{}", 1_000 + dice.below(9_000));
    let product = *dice.pick(words::PRODUCTS);
    text.replace("{order}", &order).replace("{product}", product)
}

/// One of some texts, filled in.
pub(super) fn picked(texts: &[&str], dice: &mut Dice) -> String {
    let text = *dice.pick(texts);
    filled(text, dice)
}
