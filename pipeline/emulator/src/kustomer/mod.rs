//! A stand-in for Kustomer's REST API v1, serving one organisation for extraction and tests.
//!
//! It is written from public documentation alone and imports nothing of this project; `FACTS.md`
//! says for each behaviour where it is documented and how sure that is. It only reads: every write
//! is refused and counted. It must not know who its client is.

mod control;
mod desk;
mod gate;
mod lists;
mod moment;
mod options;
mod reply;
mod search;
mod shop;
mod show;
mod site;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use axum::Router;
use axum::serve::ListenerExt;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use options::{DEMO_API_KEY, Faults, Options, Quirks, RateHeaders};

use store::Store;

/// One organisation behind the API. Clones share everything, so one can count while another serves.
#[derive(Clone, Debug)]
pub struct Emulator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    store: RwLock<Store>,
    conduct: Mutex<(Quirks, Faults)>,
    state: Mutex<State>,
}

/// What changes with every call.
#[derive(Debug, Default)]
struct State {
    number: u64,
    searches: u64,
    windows: gate::Windows,
    counters: Counters,
}

/// What the stand-in has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls by method and route family, such as `GET /v1/tags`.
    pub calls: BTreeMap<String, u64>,
    /// Replies by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Calls that were neither a read nor a search: all were refused.
    pub writes_attempted: u64,
    /// Searches that were refused because too many came.
    pub searches_limited: u64,
    /// Files answered with their bytes.
    pub files_served: u64,
    /// Files asked for by an address that is too old or wrongly signed.
    pub files_expired: u64,
    /// Calls for files that carried credentials.
    pub files_with_credentials: u64,
}

impl Emulator {
    /// Invents the shop.
    pub fn new(options: Options) -> Emulator {
        let plan = shop::Plan {
            seed: options.seed,
            conversations: options.conversations,
            messages_max: options.messages_max,
            shared_updated_at: options.quirks.shared_updated_at,
        };
        let conduct = Mutex::new((options.quirks.clone(), options.faults.clone()));
        let store = RwLock::new(shop::store(plan));
        let state = Mutex::default();
        Emulator { inner: Arc::new(Inner { options, store, conduct, state }) }
    }

    /// The API under `/v1`, files under `/files` and control under `/_emulator`. The origin, such
    /// as `http://127.0.0.1:8702`, goes into the addresses of files.
    pub fn router(&self, origin: &str) -> Router {
        let origin = origin.trim_end_matches('/').to_owned();
        let site = site::Site { emulator: self.clone(), origin };
        Router::new().fallback(site::answer).with_state(Arc::new(site))
    }

    /// Serves until the future is dropped.
    ///
    /// # Errors
    /// What the listener says.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let router = self.router(&format!("http://{}", listener.local_addr()?));
        // Small replies must not wait for the acknowledgement of earlier ones.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await
    }

    /// The counts so far.
    pub fn counters(&self) -> Counters {
        self.state().counters.clone()
    }

    /// The ids that there are now, by kind of record.
    pub fn inventory(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.store().inventory()
    }

    /// All records of a kind, as they are kept; `None` when there is no such kind.
    pub fn records(&self, shelf: &str) -> Option<Value> {
        let store = self.store();
        let records = store.shelf(shelf)?.all().iter().map(|record| record.value.clone());
        Some(records.collect::<Vec<_>>().into())
    }

    /// The business rules as an administrator could write them down; the API does not give them.
    pub fn business_rules(&self) -> Value {
        json!({ "data": self.records("business_rules") })
    }

    /// Updates a record now; `false` when it is not there.
    pub fn touch(&self, shelf: &str, id: &str) -> bool {
        let mut store = self.inner.store.write().unwrap_or_else(PoisonError::into_inner);
        store.touch(shelf, id, moment::now_ms())
    }

    /// The customer of a conversation says something now, in a message of this id; `false` when no
    /// customer wrote there before.
    pub fn say(&self, conversation: &str, id: &str, text: &str) -> bool {
        let mut store = self.inner.store.write().unwrap_or_else(PoisonError::into_inner);
        store.say(conversation, id, text, moment::now_ms())
    }

    /// Deletes a record and what is listed below it; `false` when it is not there.
    pub fn delete(&self, shelf: &str, id: &str) -> bool {
        let mut store = self.inner.store.write().unwrap_or_else(PoisonError::into_inner);
        store.delete(shelf, id)
    }

    /// Replaces the quirks while serving; those that shape the shop are not looked at again.
    pub fn set_quirks(&self, quirks: Quirks) {
        lock(&self.inner.conduct).0 = quirks;
    }

    /// Replaces the faults while serving.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.inner.conduct).1 = faults;
    }

    fn conduct(&self) -> (Quirks, Faults) {
        lock(&self.inner.conduct).clone()
    }

    fn options(&self) -> &Options {
        &self.inner.options
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.inner.state)
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.inner.store.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic while a lock is held leaves plain values behind, which stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
