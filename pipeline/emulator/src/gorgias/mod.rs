//! A stand-in for the Gorgias helpdesk REST API, written from public descriptions of it alone; what
//! it rests on is listed in `FACTS.md` beside this file. It is strict where the vendor is strict
//! and unkind where the vendor may be, so that a loader that passes here has reason to.
//! It must not know any other crate of this project: sharing types would share misreadings.

mod ask;
mod bucket;
mod files;
mod http;
mod inspect;
mod instant;
mod journal;
mod options;
mod paging;
mod parties;
mod routes;
mod shape;
mod show;
mod store;
mod vocabulary;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use axum::serve::ListenerExt;
use serde::Serialize;
use serde_json::{Value, json};

use self::ask::{Ask, Refusal};
use self::bucket::Level;
use self::files::Files;
use self::instant::Instant;
use self::journal::Journal;
use self::store::{Store, Tally};
use crate::faults::{Around, Dice};

pub use self::options::{Agent, Bucket, Fault, Faults, Once, Options, Quirks, RetryAfter};

/// A running stand-in; clones share one state.
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
}

/// What the stand-in has seen and holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Calls by method and path family, since the process began.
    pub calls: BTreeMap<String, u64>,
    /// Answers by status class such as `2xx`, since the process began.
    pub statuses: BTreeMap<String, u64>,
    /// Answers with 429, injected ones included, since the process began.
    pub throttled: u64,
    /// Records there are now, by kind.
    pub records: BTreeMap<String, u64>,
    /// Messages and surveys that would have gone to a person.
    pub outbox: u64,
    /// Messages among them.
    pub messages_sent: u64,
    /// Surveys among them.
    pub surveys_sent: u64,
    /// Attachments and inline images that point elsewhere than to the upload host.
    pub foreign_files: u64,
    /// Records changed because a nested object carried more than an id.
    pub nested_mutations: u64,
    /// Customers made because a nested object named somebody unknown.
    pub customers_by_mention: u64,
    /// Internal notes attributed to the bot because their sender was no user.
    pub reattributed_notes: u64,
    /// Public messages "from an agent" whose sender is no user.
    pub agent_messages_by_customers: u64,
    /// Rules that would have run.
    pub rules_run: u64,
}

struct Inner {
    options: Options,
    files: Files,
    core: Mutex<Core>,
}

struct Core {
    store: Store,
    journal: Option<Journal>,
    level: Level,
    dice: Dice,
    number: u64,
    calls: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    throttled: u64,
}

/// What the entrance says about a call.
struct Gate {
    limit: String,
    retry_after_s: Option<u64>,
    around: Around,
    number: u64,
}

impl Emulator {
    /// Starts from the state file, or empty.
    pub fn new(options: Options) -> io::Result<Emulator> {
        let now = Instant::now();
        let files = Files::open(options.state.as_deref())?;
        let (journal, store) = match &options.state {
            None => (None, Store::new(&options, now)),
            Some(path) => {
                let (journal, store) = Journal::open(path, &options, now)?;
                (Some(journal), store)
            }
        };
        let core = Core {
            store,
            journal,
            level: Level::new(options.bucket),
            dice: Dice::new(options.faults.clone()),
            number: 0,
            calls: BTreeMap::new(),
            statuses: BTreeMap::new(),
            throttled: 0,
        };
        Ok(Emulator { inner: Arc::new(Inner { options, files, core: Mutex::new(core) }) })
    }

    /// The HTTP service; `origin` is the address it will be reachable under, without a slash at
    /// its end, because uploaded files are served from it.
    pub fn router(&self, origin: &str) -> axum::Router {
        let origin = origin.trim_end_matches('/');
        let mut core = self.inner.core();
        core.store.set_origin(origin);
        if let Some(journal) = &mut core.journal {
            journal.origin(origin).expect("the state file can be appended to");
        }
        drop(core);
        http::router(self.inner.clone())
    }

    /// Serves until the task is dropped.
    pub async fn serve(self, listener: tokio::net::TcpListener) -> io::Result<()> {
        let origin = format!("http://{}", listener.local_addr()?);
        let router = self.router(&origin);
        // Small answers should not wait for more bytes to fill a packet.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await
    }

    /// Messages and surveys that would have gone to a person.
    pub fn outbox(&self) -> u64 {
        let core = self.inner.core();
        core.store.tally.messages_sent + core.store.tally.surveys_sent
    }

    /// Everything counted so far.
    pub fn counters(&self) -> Counters {
        self.inner.counters()
    }

    /// Changes quirks and faults while it runs, as `POST /_emulator/faults` does.
    ///
    /// # Errors
    /// What is wrong with `change`.
    pub fn control(&self, change: &Value) -> Result<Value, String> {
        self.inner.control(change)
    }

    /// Everything it holds, straight from its memory: no fault, rate or slow index comes between.
    pub fn records(&self) -> Value {
        self.inner.records()
    }
}

impl Core {
    /// The time of the next call. It never runs backwards, in the order in which calls are carried
    /// out, or a replay would do later work in another order.
    fn tick(&self) -> Instant {
        self.store.clock.max(Instant::now())
    }
}

impl Inner {
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counters(&self) -> Counters {
        let mut core = self.core();
        let now = core.tick();
        core.store.settle(now);
        let tally: Tally = core.store.tally.clone();
        Counters {
            calls: core.calls.clone(),
            statuses: core.statuses.clone(),
            throttled: core.throttled,
            records: core.store.sizes(),
            outbox: tally.messages_sent + tally.surveys_sent,
            messages_sent: tally.messages_sent,
            surveys_sent: tally.surveys_sent,
            foreign_files: tally.foreign_files,
            nested_mutations: tally.nested_mutations,
            customers_by_mention: tally.customers_by_mention,
            reattributed_notes: tally.reattributed_notes,
            agent_messages_by_customers: tally.agent_messages_by_customers,
            rules_run: tally.rules_run,
        }
    }

    fn records(&self) -> Value {
        inspect::records(&self.core().store)
    }

    /// Counts a call and decides whether it comes in.
    fn enter(&self, method: &str, path: &str, now: Instant) -> Gate {
        let mut core = self.core();
        core.number += 1;
        *core.calls.entry(family(method, path)).or_default() += 1;
        let verdict = core.level.admit(now);
        let fault = match verdict.retry_after_s {
            None => core.dice.roll(method, &format!("/api/{path}")),
            Some(_) => None,
        };
        let number = core.number;
        let around = Around::of(fault, core.dice.faults());
        Gate { limit: verdict.header, retry_after_s: verdict.retry_after_s, around, number }
    }

    fn leave(&self, status: u16) {
        let mut core = self.core();
        *core.statuses.entry(format!("{}xx", status / 100)).or_default() += 1;
        core.throttled += u64::from(status == 429);
    }

    /// Answers one call; a write is in the state file before the answer exists.
    fn call(&self, mut ask: Ask) -> Response {
        let mut core = self.core();
        ask.at = core.tick();
        if core.store.quirks.forbids(&ask.path) {
            let why = "You do not have enough permissions to perform this action.";
            return http::refuse(&Refusal::new(403, why));
        }
        let outcome = routes::dispatch(&mut core.store, &ask);
        let proxied = core.store.quirks.proxy_codes;
        let reply = match outcome {
            Ok(reply) => reply,
            Err(refusal) => return http::refuse(&refusal),
        };
        if reply.wrote
            && let Some(journal) = &mut core.journal
            && journal.call(&ask).is_err()
        {
            return http::refuse(&Refusal::new(500, "The state could not be written."));
        }
        drop(core);
        let status = match reply.status {
            201 | 202 if proxied => 200,
            status => status,
        };
        let mut response = http::answer(status, reply.body);
        http::locate(&mut response, reply.location.as_deref());
        response
    }

    /// Changes quirks and faults at run time and says what they are now.
    fn control(&self, body: &Value) -> Result<Value, String> {
        let fields = body.as_object().ok_or("expected an object")?;
        let known = ["quirks", "faults", "once", "strict"];
        if let Some(name) = fields.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("unknown field {name}"));
        }
        let read = |error: serde_json::Error| error.to_string();
        let mut core = self.core();
        let now = core.tick();
        core.store.settle(now);
        let mut quirks = serde_json::to_value(&core.store.quirks).map_err(read)?;
        if let (Some(change), Some(quirks)) =
            (fields.get("quirks").and_then(Value::as_object), quirks.as_object_mut())
        {
            quirks.extend(change.clone());
        }
        let quirks: Quirks = serde_json::from_value(quirks).map_err(read)?;
        let strict = fields.get("strict").and_then(Value::as_bool).unwrap_or(core.store.strict);
        let faults = fields.get("faults").cloned();
        let faults = faults.map(serde_json::from_value::<Faults>).transpose().map_err(read)?;
        let once = fields.get("once").cloned().unwrap_or_else(|| json!([]));
        let once: Vec<Once> = serde_json::from_value(once).map_err(read)?;
        if let Some(journal) = &mut core.journal {
            journal.settings(strict, &quirks).map_err(|error| error.to_string())?;
        }
        core.store.quirks = quirks;
        core.store.strict = strict;
        if let Some(faults) = faults {
            core.dice = Dice::new(faults);
        }
        core.dice.order(once);
        Ok(json!({
            "quirks": core.store.quirks, "strict": core.store.strict, "faults": core.dice.faults(),
        }))
    }

    fn upload(&self, path: &str) -> Option<(String, String)> {
        let core = self.core();
        let upload = core.store.uploads.get(path)?;
        Some((upload.sha256.clone(), upload.content_type.clone()))
    }

    fn body_bytes_max(&self) -> usize {
        self.core().store.quirks.body_bytes_max
    }

    fn upload_bytes_max(&self) -> usize {
        self.core().store.quirks.upload_bytes_max
    }
}

/// Method and path with ids left out, so that calls can be counted together.
fn family(method: &str, path: &str) -> String {
    let segments = path.split('/').map(|segment| {
        if !segment.is_empty() && segment.bytes().all(|digit| digit.is_ascii_digit()) {
            "{id}"
        } else {
            segment
        }
    });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}
