//! A workspace as a folder of JSON lines: reading one, and writing the invented shop out as one.
//!
//! `conversations.jsonl`, `messages.jsonl`, `people.jsonl` (`_data` holds the custom data and is
//! not part of the profile), `originals.jsonl`, one JSON array for each short list
//! (`operators.json`, `spams.json` and so on: see `store.rs`), `files.json` and `files/<id>`. A
//! missing file is an empty stream. `@@FILES@@` stands for the
//! origin that serves the files. It knows nothing of HTTP.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::shelf::Shelf;
use super::shop::{self, Intake};
use super::store::{Content, FileNote, LISTS, Store, Stream};

/// Data that cannot be served.
#[derive(Debug)]
pub struct DataError {
    path: PathBuf,
    line: Option<usize>,
    reason: String,
}

impl DataError {
    pub(crate) fn new(path: &Path, line: Option<usize>, reason: impl ToString) -> DataError {
        DataError { path: path.to_owned(), line, reason: reason.to_string() }
    }
}

impl std::fmt::Display for DataError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(formatter, " line {line}")?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

impl std::error::Error for DataError {}

/// Reads a folder; the texts of its records stay where they are.
pub(crate) fn read(folder: &Path) -> Result<Store, DataError> {
    if !folder.is_dir() {
        return Err(DataError::new(folder, None, "no such folder"));
    }
    let mut store = Store::default();
    // Conversations come first, for a message must belong to one that is known.
    read_lines(&mut store, Stream::Conversations, &folder.join("conversations.jsonl"))?;
    read_lines(&mut store, Stream::Messages, &folder.join("messages.jsonl"))?;
    read_lines(&mut store, Stream::People, &folder.join("people.jsonl"))?;
    read_lines(&mut store, Stream::Originals, &folder.join("originals.jsonl"))?;
    for name in LISTS {
        let entries = read_array(&folder.join(format!("{name}.json")))?;
        store.set_list(name, entries).expect("every named list exists");
    }
    let path = folder.join("files.json");
    if let Some(text) = read_optional(&path)? {
        let notes: BTreeMap<String, FileNote> =
            serde_json::from_str(&text).map_err(|error| DataError::new(&path, None, error))?;
        for (id, note) in notes {
            let content = Content::Path(folder.join("files").join(&id));
            store.files.insert(id, (note, content));
        }
    }
    store.settle();
    Ok(store)
}

/// Writes the shop of a seed and size as a folder. The same arguments give the same bytes.
pub fn write_folder(seed: u64, conversations: usize, dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir.join("files"))?;
    let lines = |name: &str| File::create(dir.join(name)).map(BufWriter::new);
    let mut writer = FolderWriter {
        dir: dir.to_owned(),
        conversations: lines("conversations.jsonl")?,
        messages: lines("messages.jsonl")?,
        people: lines("people.jsonl")?,
        originals: lines("originals.jsonl")?,
        notes: BTreeMap::new(),
    };
    shop::generate(seed, conversations, super::options::DEMO_WEBSITE_ID, &mut writer)?;
    let FolderWriter { conversations, messages, people, originals, notes, .. } = writer;
    for mut stream in [conversations, messages, people, originals] {
        stream.flush()?;
    }
    let mut text = serde_json::to_string_pretty(&notes)?;
    text.push('\n');
    fs::write(dir.join("files.json"), text)
}

struct FolderWriter {
    dir: PathBuf,
    conversations: BufWriter<File>,
    messages: BufWriter<File>,
    people: BufWriter<File>,
    originals: BufWriter<File>,
    notes: BTreeMap<String, FileNote>,
}

impl Intake for FolderWriter {
    fn record(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        let lines = match stream {
            Stream::Conversations => &mut self.conversations,
            Stream::Messages => &mut self.messages,
            Stream::People => &mut self.people,
            Stream::Originals => &mut self.originals,
        };
        writeln!(lines, "{text}")
    }

    fn list(&mut self, name: &str, entries: Vec<String>) -> io::Result<()> {
        fs::write(self.dir.join(format!("{name}.json")), format!("[\n{}\n]\n", entries.join(",\n")))
    }

    fn file(&mut self, id: &str, note: FileNote, bytes: Vec<u8>) -> io::Result<()> {
        fs::write(self.dir.join("files").join(id), bytes)?;
        self.notes.insert(id.to_owned(), note);
        Ok(())
    }
}

fn read_lines(store: &mut Store, stream: Stream, path: &Path) -> Result<(), DataError> {
    let failed = |error: io::Error| DataError::new(path, None, error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut reader = BufReader::with_capacity(1 << 20, file.try_clone().map_err(failed)?);
    store.open(stream, Shelf::over(file).map_err(failed)?);
    let (mut offset, mut line) = (0, Vec::new());
    for number in 1.. {
        line.clear();
        let bytes = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if bytes == 0 {
            break;
        }
        let wrong = |reason: String| DataError::new(path, Some(number), reason);
        let text = std::str::from_utf8(&line).map_err(|error| wrong(error.to_string()))?;
        let record = text.trim_end();
        if !record.is_empty() {
            let span = Shelf::span(offset, record.len());
            store.add(stream, record, span).map_err(wrong)?;
        }
        offset += bytes as u64;
    }
    Ok(())
}

fn read_array(path: &Path) -> Result<Vec<String>, DataError> {
    let Some(text) = read_optional(path)? else {
        return Ok(Vec::new());
    };
    let entries: Vec<&RawValue> =
        serde_json::from_str(&text).map_err(|error| DataError::new(path, None, error))?;
    Ok(entries.into_iter().map(|entry| entry.get().to_owned()).collect())
}

fn read_optional(path: &Path) -> Result<Option<String>, DataError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DataError::new(path, None, error)),
    }
}
