//! A stand-in for Crisp's REST API v1, serving one workspace for extraction, rehearsal and tests.
//!
//! It is written from public documentation alone and imports nothing of this project; `FACTS.md`
//! says for each behaviour where it is documented and how sure that is. Unless it is started as
//! writable, every write is refused and counted. It must not know who its client is.

mod change;
mod control;
mod conversations;
mod counters;
mod desk;
mod folder;
mod gate;
mod helpdesk;
mod keys;
mod media;
mod messages;
mod moving;
mod odd;
mod odd_files;
mod options;
mod people;
mod preview;
mod raw;
mod reply;
mod route;
mod search;
mod shelf;
mod shop;
mod site;
mod store;
mod wire;
mod workspace;
mod write;

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::time::Instant;

pub use change::Change;
pub use counters::{Counters, Holdings, Inventory};
pub use folder::{DataError, write_folder};
pub use options::{
    Bound, DEMO_IDENTIFIER, DEMO_KEY, DEMO_WEBSITE_ID, Data, FaultKind, Faults, Helpdesk,
    ListOrder, Moving, Operator, Options, PastEnd, PerPage, Plan, Planned, Quirks, Repeated,
};

pub(crate) use site::Site;
use store::Store;

/// One workspace behind the API. Clones share everything, so one can count while another serves.
#[derive(Clone, Debug)]
pub struct Emulator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: Options,
    store: RwLock<Store>,
    conduct: Mutex<Conduct>,
    counters: Mutex<Counters>,
    quota: Mutex<gate::Quota>,
    cache: Mutex<gate::Cache>,
    calls: AtomicU64,
    list_reads: AtomicU64,
    moves: AtomicU64,
    /// Names of flaky files that were asked for once.
    flaky: Mutex<HashSet<String>>,
    limits: Mutex<write::Limits>,
}

/// Quirks and faults in force; both can be changed while serving.
#[derive(Debug)]
struct Conduct {
    quirks: Quirks,
    faults: Faults,
    dice: crate::faults::Dice,
}

impl Emulator {
    /// Reads or invents the data.
    pub fn new(options: Options) -> Result<Emulator, DataError> {
        let mut store = match &options.data {
            Data::Shop { seed, conversations } => {
                shop::store(*seed, *conversations, &options.website_id)
            }
            Data::Folder(folder) => folder::read(folder)?,
            Data::Empty(operators) => write::empty(operators, &options.quirks.helpdesk_locales),
        };
        store.share_milliseconds(options.quirks.equal_ms_run);
        let (quirks, faults) = (options.quirks.clone(), options.faults.clone());
        let dice = crate::faults::Dice::new(faults.around.clone());
        let conduct = Conduct { quirks, faults, dice };
        Ok(Emulator {
            inner: Arc::new(Inner {
                options,
                store: RwLock::new(store),
                conduct: Mutex::new(conduct),
                counters: Mutex::default(),
                quota: Mutex::new(gate::Quota::new(Instant::now())),
                cache: Mutex::default(),
                calls: AtomicU64::new(0),
                list_reads: AtomicU64::new(0),
                moves: AtomicU64::new(0),
                flaky: Mutex::default(),
                limits: Mutex::default(),
            }),
        })
    }

    /// The API under `/v1`, files under `/users` and control under `/_emulator`. The origin, such
    /// as `http://127.0.0.1:8701`, goes into the addresses of files.
    pub fn router(&self, origin: &str) -> Router {
        let site = Site { emulator: self.clone(), origin: origin.trim_end_matches('/').to_owned() };
        Router::new().fallback(site::answer).with_state(Arc::new(site))
    }

    /// Serves until the future is dropped.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let address = listener.local_addr()?;
        let host = match address.ip() {
            IpAddr::V6(ip) if !ip.is_unspecified() => format!("[{ip}]"),
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            ip => ip.to_string(),
        };
        let router = self.router(&format!("http://{host}:{}", address.port()));
        // Small replies must not wait for the acknowledgement of earlier ones.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await
    }

    /// The counts so far, and what the workspace holds.
    pub fn counters(&self) -> Counters {
        let mut counters = lock(&self.inner.counters).clone();
        counters.calls_by_day = lock(&self.inner.quota).calls_by_day.clone();
        counters.quota_used = lock(&self.inner.quota).used();
        counters.holdings = self.store().holdings();
        counters
    }

    /// Changes the workspace while it is served; the error says what was not found.
    pub fn change(&self, change: &Change) -> Result<(), String> {
        change::make(&mut self.store_mut(), change, change::now_ms())
    }

    /// Which records are there now, for a test that asks what an extraction had to find.
    pub fn inventory(&self) -> Inventory {
        self.store().inventory()
    }

    /// Replaces the faults while serving; planned ones start anew.
    pub fn set_faults(&self, faults: Faults) {
        let mut conduct = self.conduct();
        conduct.dice = crate::faults::Dice::new(faults.around.clone());
        conduct.faults = faults;
    }

    /// Orders trouble for the next calls.
    pub fn order(&self, once: Vec<crate::faults::Once>) {
        self.conduct().dice.order(once);
    }

    /// The quirks in force.
    pub fn quirks(&self) -> Quirks {
        self.conduct().quirks.clone()
    }

    /// Replaces the quirks while serving.
    pub fn set_quirks(&self, quirks: Quirks) {
        let mut conduct = self.conduct();
        if quirks.equal_ms_run != conduct.quirks.equal_ms_run {
            self.store_mut().share_milliseconds(quirks.equal_ms_run);
        }
        conduct.quirks = quirks;
    }

    /// Everything that was written or is there, straight from memory: no fault, lag or cache comes
    /// between.
    pub fn records(&self) -> serde_json::Value {
        self.store().records()
    }

    /// Articles that readers of the help center see, each as its language, content type and title.
    pub fn public_articles(&self) -> Vec<(String, String, String)> {
        self.store().public_articles()
    }

    fn store(&self) -> RwLockReadGuard<'_, Store> {
        self.inner.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, Store> {
        self.inner.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn conduct(&self) -> MutexGuard<'_, Conduct> {
        lock(&self.inner.conduct)
    }
}

/// A panic while a lock is held leaves plain numbers and texts behind, which stay usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
