//! A target in front of another one: forwards every call, stops answering around one of them, or
//! waits for leave. What it does otherwise is said where it is made.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use deskferry_load::rollback::{Listed, Now, Removal, Undo, Wrote};
use deskferry_load::target::{
    Abilities, Carried, Draft, FieldDraft, Found, HelpCenter, Person, Placed, Sent, Shelf, Shown,
    TargetId, TicketDraft, TicketUpdate,
};
use deskferry_load::{Target, plan};
use futures::future::BoxFuture;
use kernel::ledger::RecordKind;
use kernel::{Instant, Result};
use tokio::sync::{Notify, Semaphore};

/// Removes a ticket in another way.
pub type RemoveTicket = Box<dyn Fn(String) -> BoxFuture<'static, Result<Removal>> + Send + Sync>;

/// A call around which a double stops answering.
#[derive(Default)]
struct Halt {
    made: AtomicU64,
    /// The call, from 1; 0 is none.
    at: u64,
    /// Whether it is carried out first.
    after: bool,
}

pub struct Double<T> {
    inner: T,
    /// Among the calls that create or set something.
    writes: Halt,
    /// Among the calls that remove something.
    removals: Halt,
    /// Somebody stopped.
    pub halted: Notify,
    /// Somebody wants to list the agents, which is before anything is created.
    pub arrived: Notify,
    /// Leave to list them.
    pub leave: Semaphore,
    remove_ticket: Option<RemoveTicket>,
    /// The key of every message, in place of its own.
    key: Option<String>,
}

impl<T: Undo> Double<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            writes: Halt::default(),
            removals: Halt::default(),
            halted: Notify::new(),
            arrived: Notify::new(),
            leave: Semaphore::new(Semaphore::MAX_PERMITS),
            remove_ticket: None,
            key: None,
        }
    }

    /// Stops around one write.
    pub fn halting(inner: T, at: u64, after: bool) -> Self {
        Self { writes: Halt { at, after, ..Halt::default() }, ..Self::new(inner) }
    }

    /// Stops around one removal.
    pub fn halting_removal(inner: T, at: u64, after: bool) -> Self {
        Self { removals: Halt { at, after, ..Halt::default() }, ..Self::new(inner) }
    }

    /// Removes tickets in another way.
    pub fn removing(inner: T, remove_ticket: RemoveTicket) -> Self {
        Self { remove_ticket: Some(remove_ticket), ..Self::new(inner) }
    }

    /// Gives every message the same key.
    pub fn with_one_key(inner: T, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::new(inner) }
    }

    /// Waits for leave.
    pub fn waiting(inner: T) -> Self {
        Self { leave: Semaphore::new(0), ..Self::new(inner) }
    }

    async fn around<R>(&self, halt: &Halt, call: impl Future<Output = Result<R>>) -> Result<R> {
        let is_it = halt.made.fetch_add(1, Ordering::SeqCst) + 1 == halt.at;
        if is_it && !halt.after {
            self.halt().await;
        }
        let made = call.await;
        if is_it {
            self.halt().await;
        }
        made
    }

    async fn halt(&self) {
        self.halted.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl<T: Undo> Target for Double<T> {
    fn abilities(&self) -> Abilities {
        self.inner.abilities()
    }

    fn calls_of(&self, phase: &str) -> u64 {
        self.inner.calls_of(phase)
    }

    fn customer_key(&self, customer: &plan::Customer) -> String {
        self.inner.customer_key(customer)
    }

    fn message_key(&self, message_id: &str) -> String {
        self.key.clone().unwrap_or_else(|| self.inner.message_key(message_id))
    }

    async fn agents(&self) -> Result<Vec<Person>> {
        self.arrived.notify_one();
        let _leave = self.leave.acquire().await.expect("open");
        self.inner.agents().await
    }

    fn account_email(&self) -> &str {
        self.inner.account_email()
    }

    async fn own_agent(&self) -> Result<TargetId> {
        self.inner.own_agent().await
    }

    async fn tags(&self) -> Result<Vec<(String, TargetId)>> {
        self.inner.tags().await
    }

    async fn fields(&self) -> Result<Vec<(String, TargetId)>> {
        self.inner.fields().await
    }

    async fn set_fields(&self, id: &str, values: &[FieldDraft], now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner.set_fields(id, values, now)).await
    }

    async fn carrying_ids(&self, kind: RecordKind) -> Result<Vec<Carried>> {
        self.inner.carrying_ids(kind).await
    }

    async fn messages_of(&self, ticket: &str) -> Result<Vec<Carried>> {
        self.inner.messages_of(ticket).await
    }

    async fn holding(
        &self,
        kind: RecordKind,
        external_id: &str,
        ticket: Option<&str>,
    ) -> Result<Vec<TargetId>> {
        self.inner.holding(kind, external_id, ticket).await
    }

    async fn begin(&self, draft: &TicketDraft, now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner.begin(draft, now)).await
    }

    async fn complete(
        &self,
        id: &str,
        customer: &plan::Customer,
        ours: bool,
        now: Instant,
    ) -> Result<Sent> {
        self.around(&self.writes, self.inner.complete(id, customer, ours, now)).await
    }

    async fn create(&self, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner.create(draft, now)).await
    }

    async fn find(&self, draft: Draft<'_>) -> Result<Vec<Found>> {
        self.inner.find(draft).await
    }

    async fn finish(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner.finish(id, update, now)).await
    }

    async fn look(&self, ticket: &str) -> Result<Option<Found>> {
        self.inner.look(ticket).await
    }

    async fn update(&self, id: &str, update: &TicketUpdate<'_>, now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner.update(id, update, now)).await
    }

    fn help_center(&self) -> Option<&dyn HelpCenter> {
        self.inner.help_center().map(|_| self as &dyn HelpCenter)
    }

    fn calls(&self) -> BTreeMap<String, u64> {
        self.inner.calls()
    }
}

impl<T: Undo> Double<T> {
    fn inner_help_center(&self) -> &dyn HelpCenter {
        self.inner.help_center().expect("is only asked where there is one")
    }
}

#[async_trait]
impl<T: Undo> HelpCenter for Double<T> {
    async fn shelf(&self, locale: &str, content_type: &str) -> Result<Shelf> {
        self.inner_help_center().shelf(locale, content_type).await
    }

    async fn shown(&self, draft: Draft<'_>, shelf: Option<&Shelf>) -> Result<Vec<Shown>> {
        self.inner_help_center().shown(draft, shelf).await
    }

    async fn fill(&self, id: &str, draft: Draft<'_>, now: Instant) -> Result<Sent> {
        self.around(&self.writes, self.inner_help_center().fill(id, draft, now)).await
    }

    fn needs_refresh(&self) -> bool {
        self.inner_help_center().needs_refresh()
    }

    async fn placed(&self, locale: &str, content_type: &str) -> Result<Vec<Placed>> {
        self.inner_help_center().placed(locale, content_type).await
    }

    async fn refresh(&self, locale: &str, content_type: &str, now: Instant) -> Result<Sent> {
        let call = self.inner_help_center().refresh(locale, content_type, now);
        self.around(&self.writes, call).await
    }
}

#[async_trait]
impl<T: Undo> Undo for Double<T> {
    async fn now(&self, id: &str, wrote: Wrote<'_>) -> Result<Now> {
        self.inner.now(id, wrote).await
    }

    async fn listed_tickets(&self) -> Result<Vec<Listed>> {
        self.inner.listed_tickets().await
    }

    async fn tickets_of(&self, customer: &str) -> Result<Vec<TargetId>> {
        self.inner.tickets_of(customer).await
    }

    async fn people_in(&self, tickets: &[TargetId]) -> Result<HashSet<TargetId>> {
        self.inner.people_in(tickets).await
    }

    async fn remove(&self, kind: RecordKind, id: &str) -> Result<Removal> {
        let removal = async {
            match &self.remove_ticket {
                Some(remove) if kind == RecordKind::Ticket => remove(id.to_owned()).await,
                _ => self.inner.remove(kind, id).await,
            }
        };
        self.around(&self.removals, removal).await
    }

    async fn remove_message(&self, ticket: &str, id: &str) -> Result<Removal> {
        self.around(&self.removals, self.inner.remove_message(ticket, id)).await
    }
}
