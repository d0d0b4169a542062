//! Owns the state file: one JSON line for every committed write, appended before the reply leaves,
//! and replayed through the same endpoints at the next start. A last line without its line end was
//! cut off by a kill and is dropped.
//! It must not know what the calls mean.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::ask::Ask;
use super::instant::Instant;
use super::options::{Agent, Options, Quirks};
use super::routes;
use super::store::Store;

/// Version of the line format.
const VERSION: u32 = 1;

/// The state file, open at its end.
pub(super) struct Journal {
    file: File,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// A process began; the settings hold for the calls that follow.
    Open(Box<Open>),
    /// The address it is reachable under.
    Origin(String),
    /// The settings were changed while it ran.
    Settings(Box<Settings>),
    /// A call that wrote.
    Call(Call),
}

#[derive(Serialize, Deserialize)]
struct Open {
    version: u32,
    at: i64,
    email: String,
    agents: Vec<Agent>,
    settings: Settings,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    strict: bool,
    quirks: Quirks,
}

#[derive(Serialize, Deserialize)]
struct Call {
    at: i64,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Box<RawValue>,
}

/// What a call looks like before its body, which is copied as it came.
#[derive(Serialize)]
struct CallHead<'a> {
    at: i64,
    method: &'a str,
    path: &'a str,
    query: &'a [(String, String)],
}

impl Journal {
    /// Opens or begins a state file and rebuilds the store from it.
    pub(super) fn open(
        path: &Path,
        options: &Options,
        at: Instant,
    ) -> io::Result<(Journal, Store)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let (store, kept_bytes) = replay(&file)?;
        file.set_len(kept_bytes)?;
        drop(file);
        let mut journal = Journal { file: OpenOptions::new().append(true).open(path)? };
        let settings = Settings { strict: options.strict, quirks: options.quirks.clone() };
        let open = Open {
            version: VERSION,
            at: at.0,
            email: options.email.clone(),
            agents: options.agents.clone(),
            settings,
        };
        let mut store = store;
        begin(&mut store, &open);
        journal.append(&Entry::Open(Box::new(open)))?;
        let store = store.expect("opening makes a store when there is none");
        Ok((journal, store))
    }

    /// Notes the address of this process.
    pub(super) fn origin(&mut self, origin: &str) -> io::Result<()> {
        self.append(&Entry::Origin(origin.to_owned()))
    }

    /// Notes that settings changed.
    pub(super) fn settings(&mut self, strict: bool, quirks: &Quirks) -> io::Result<()> {
        self.append(&Entry::Settings(Box::new(Settings { strict, quirks: quirks.clone() })))
    }

    /// Notes a call that wrote.
    pub(super) fn call(&mut self, ask: &Ask) -> io::Result<()> {
        let head =
            CallHead { at: ask.at.0, method: &ask.method, path: &ask.path, query: &ask.query };
        let mut line = b"{\"call\":".to_vec();
        serde_json::to_writer(&mut line, &head)?;
        line.pop();
        line.extend_from_slice(b",\"body\":");
        if ask.raw.is_empty() {
            line.extend_from_slice(b"null");
        }
        // Between JSON tokens a line break is only white space, and inside them it cannot occur.
        line.extend(ask.raw.iter().map(
            |byte| {
                if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }
            },
        ));
        line.extend_from_slice(b"}}\n");
        self.file.write_all(&line)
    }

    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

/// Rebuilds the store; also gives the length of the whole lines.
fn replay(file: &File) -> io::Result<(Option<Store>, u64)> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut store, mut kept_bytes, mut line) = (None, 0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok((store, kept_bytes));
        }
        let broken = |why: String| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("state file at byte {kept_bytes}: {why}"),
            )
        };
        let entry: Entry =
            serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
        apply(&mut store, entry).map_err(broken)?;
        kept_bytes += length as u64;
    }
}

fn apply(store: &mut Option<Store>, entry: Entry) -> Result<(), String> {
    if let Entry::Open(open) = &entry {
        if open.version != VERSION {
            return Err(format!("unknown version {}", open.version));
        }
        begin(store, open);
        return Ok(());
    }
    let store = store.as_mut().ok_or("the first line does not open a store")?;
    match entry {
        Entry::Open(_) => {}
        Entry::Origin(origin) => store.set_origin(&origin),
        Entry::Settings(settings) => {
            store.strict = settings.strict;
            store.quirks = settings.quirks;
        }
        Entry::Call(call) => {
            let raw = Bytes::copy_from_slice(call.body.get().as_bytes());
            let body = serde_json::from_slice(&raw).map_err(|error| error.to_string())?;
            let Call { at, method, path, query, .. } = call;
            let ask = Ask { method, path, query, body, raw, at: Instant(at) };
            let outcome = routes::dispatch(store, &ask);
            if let Err(refusal) = outcome {
                return Err(format!("a committed call was refused with {}", refusal.status));
            }
        }
    }
    Ok(())
}

fn begin(store: &mut Option<Store>, open: &Open) {
    let Open { at, email, agents, settings, .. } = open;
    let at = Instant(*at);
    let store = store.get_or_insert_with(|| {
        let options = Options {
            email: email.clone(),
            agents: agents.clone(),
            strict: settings.strict,
            quirks: settings.quirks.clone(),
            ..Options::default()
        };
        Store::new(&options, at)
    });
    store.settle(at);
    store.strict = settings.strict;
    store.quirks = settings.quirks.clone();
    store.hire(agents, at);
}
