//! Custom fields: those that the target has are used, the others are created; values of customers
//! are set once the customer is there, those of tickets travel in the create.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use kernel::Result;
use kernel::ledger::{Entry, RecordKind, State};

use super::Replay;
use super::adoption::ADOPTED;
use crate::plan::{self, Customer, FieldValue};
use crate::target::{Draft, FieldDraft, Sent, TargetId, phase};

/// Ends the detail of a customer whose custom fields are set.
pub(super) const FIELDS_SET: &str = "custom fields set";

impl Replay<'_> {
    /// Matches or creates every custom field of the plan. They are few, so all are done in any
    /// replay.
    pub(super) async fn bring_fields(&self) -> Result<()> {
        let planned = plan::fields(self.warehouse, &self.options.run).await?;
        let planned: Vec<plan::Field> = planned.try_collect().await?;
        let ledger = self.desk.ledger;
        let is_new =
            |field: &&plan::Field| ledger.standing(RecordKind::Field, &field.field_id).is_none();
        let new: Vec<&plan::Field> = planned.iter().filter(is_new).collect();
        if !new.is_empty() {
            let there: BTreeMap<_, _> = self.desk.target.fields().await?.into_iter().collect();
            let matched = new.iter().filter_map(|field| {
                there.get(&field.field_id).map(|id| Entry {
                    kind: RecordKind::Field,
                    source_id: field.field_id.clone(),
                    state: State::Matched,
                    target_id: Some(id.clone()),
                    at: self.desk.clock.now(),
                    detail: None,
                })
            });
            let matched: Vec<Entry> = matched.collect();
            if !matched.is_empty() {
                ledger.commit(matched).await?;
            }
        }
        self.progress.phase(phase::FIELDS_CREATE, planned.len() as u64);
        let fields = futures::stream::iter(planned.into_iter().map(Ok));
        self.all(fields, self.options.tickets_in_flight, |field| async move {
            self.bring(Draft::Field(&field)).await?;
            self.progress.advance(phase::FIELDS_CREATE, 1);
            Ok(())
        })
        .await
    }

    /// Sets the custom fields of customers.
    pub(super) async fn bring_customer_fields(&self, expected: u64) -> Result<()> {
        if expected == 0 {
            return Ok(());
        }
        self.progress.phase(phase::CUSTOMERS_UPDATE, expected);
        let customers = self
            .selected_customers()
            .await?
            .try_filter(|customer| std::future::ready(!customer.custom_fields.is_empty()));
        self.all(customers, self.options.tickets_in_flight, |customer| async move {
            self.set_fields(&customer).await?;
            self.progress.advance(phase::CUSTOMERS_UPDATE, 1);
            Ok(())
        })
        .await
    }

    async fn set_fields(&self, customer: &Customer) -> Result<()> {
        let (kind, id) = (RecordKind::Customer, customer.customer_id.as_str());
        let Some(standing) = self.desk.ledger.standing(kind, id) else { return Ok(()) };
        let is_set = standing.detail.as_deref().is_some_and(|text| text.ends_with(FIELDS_SET));
        let is_there = matches!(standing.state, State::Done | State::Matched);
        let Some(target_id) = standing.target_id.filter(|_| is_there && !is_set) else {
            return Ok(());
        };
        let values = self.field_drafts(&customer.custom_fields);
        if values.is_empty() {
            return Ok(());
        }
        let target_id = TargetId::from(target_id);
        match self.desk.target.set_fields(&target_id, &values, self.desk.clock.now()).await? {
            Sent::Made(_) => {
                let before = standing.detail.map(|text| format!("{text}; ")).unwrap_or_default();
                let entry = Entry {
                    kind,
                    source_id: id.to_owned(),
                    state: standing.state,
                    target_id: Some(target_id),
                    at: self.desk.clock.now(),
                    detail: Some(format!("{before}{FIELDS_SET}")),
                };
                self.desk.ledger.commit(vec![entry]).await
            }
            Sent::Exists(reason) | Sent::Refused(reason) | Sent::Unknown(reason) => {
                let reason = format!("its custom fields could not be set: {reason}");
                self.desk.findings.add(kind, id, &reason);
                Ok(())
            }
        }
    }

    /// Makes the second call that a customer needs, once.
    pub(super) async fn complete(&self, customer: &Customer) -> Result<()> {
        let (kind, id) = (RecordKind::Customer, customer.customer_id.as_str());
        let Some(standing) = self.desk.ledger.standing(kind, id) else { return Ok(()) };
        let is_set = standing.detail.as_deref().is_some_and(|text| text.ends_with(FIELDS_SET));
        let is_there = matches!(standing.state, State::Done | State::Matched);
        let Some(target_id) = standing.target_id.filter(|_| is_there && !is_set) else {
            return Ok(());
        };
        // Whoever is only recognized may have been there before any run.
        let is_adopted = standing.detail.as_deref().is_some_and(|said| said.contains(ADOPTED));
        let is_ours = standing.state == State::Done && !is_adopted;
        let now = self.desk.clock.now();
        match self.desk.target.complete(&target_id, customer, is_ours, now).await? {
            Sent::Made(_) => {
                let before = standing.detail.map(|text| format!("{text}; ")).unwrap_or_default();
                let entry = Entry {
                    kind,
                    source_id: id.to_owned(),
                    state: standing.state,
                    target_id: Some(target_id.into()),
                    at: self.desk.clock.now(),
                    detail: Some(format!("{before}{FIELDS_SET}")),
                };
                self.desk.ledger.commit(vec![entry]).await
            }
            Sent::Exists(reason) | Sent::Refused(reason) => {
                let reason = format!("its own data could not be set: {reason}");
                self.desk.findings.add(kind, id, &reason);
                Ok(())
            }
            Sent::Unknown(reason) => {
                let reason = format!("its own data may not be set: {reason}");
                self.desk.findings.add(kind, id, &reason);
                self.left_open();
                Ok(())
            }
        }
    }

    /// Values whose field the target has.
    pub(super) fn field_drafts(&self, values: &[FieldValue]) -> Vec<FieldDraft> {
        let drafts = values.iter().filter_map(|FieldValue { field, value }| {
            let standing = self.desk.ledger.standing(RecordKind::Field, field)?;
            let is_there = matches!(standing.state, State::Done | State::Matched);
            let id = standing.target_id.filter(|_| is_there)?;
            Some(FieldDraft { id: id.into(), value: value.clone() })
        });
        drafts.collect()
    }
}
