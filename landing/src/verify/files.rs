//! Every file of a bag against the lists of hashes, and what exactly is wrong with one that differs.
//!
//! It reads bytes and never decodes a table that does not have its hash.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::TryStreamExt;
use kernel::Result;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use super::Verdict;
use crate::exchange::{hex, sha256};
use crate::sign::SIGNATURE;
use crate::table::HEAD_BYTES;
use crate::warehouse::io;
use crate::{Warehouse, table};

/// The list of the tag files' hashes: nothing but a child or a signature knows its own.
pub(super) const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
const MANIFEST: &str = "manifest-sha256.txt";
const ROW_GROUPS: &str = "row-groups-sha256.txt";
/// What a bag of ours may have beside its payload, and must have but for the row groups.
const TAGS: [&str; 5] = ["bag-info.txt", "bagit.txt", MANIFEST, ROW_GROUPS, "snapshot.json"];
/// Where the payload lies.
const PAYLOAD: &str = "data/";
const SIGNATURE_BYTES: u64 = 64;

/// What is known of a bag's files after they were hashed.
pub(super) struct Files {
    /// Bytes of each file that is there, by name.
    pub(super) sizes: BTreeMap<String, u64>,
    /// Whether every table is as it was sealed.
    pub(super) tables_are_whole: bool,
}

impl Files {
    /// The parts of each table, by the table's name, in their order.
    pub(super) fn tables(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in self.sizes.keys() {
            if let Some((table, _)) = table_of(name) {
                tables.entry(table).or_default().push(name);
            }
        }
        tables
    }

    /// How long the file with these bytes is, if it is there.
    pub(super) fn stored(&self, sha256: &str) -> Option<u64> {
        self.sizes.get(&format!("data/files/{sha256}")).copied()
    }
}

/// A bag being looked at.
struct Look<'a> {
    warehouse: &'a Warehouse,
    root: &'a Path,
    sizes: BTreeMap<String, u64>,
    hashes: BTreeMap<String, String>,
    /// What the lists say, by name.
    sealed: BTreeMap<String, String>,
    pieces: BTreeMap<String, Vec<SealedPiece>>,
    manifest_is_whole: bool,
}

/// A stretch of a table's part, as it was sealed.
struct SealedPiece {
    sha256: String,
    /// The number of a row group, or `footer`.
    name: String,
    offset: u64,
    bytes: u64,
}

/// Hashes every file and compares it, and the listing, with the lists.
pub(super) async fn check(
    warehouse: &Warehouse,
    root: &Path,
    verdict: &mut Verdict,
) -> Result<Files> {
    let mut look = Look::begin(warehouse, root, verdict).await?;
    look.read_tag_manifest(verdict).await?;
    look.read_manifest(verdict).await?;
    look.read_row_groups().await?;
    let mut tables_are_whole = look.hashes.contains_key(MANIFEST) && look.manifest_is_whole;
    let mut wrong = Vec::new();
    for name in look.hashes.keys() {
        if let Some(finding) = look.finding(name).await? {
            tables_are_whole &= table_of(name).is_none();
            wrong.push(finding);
        }
    }
    for name in look.sealed.keys().filter(|name| !look.hashes.contains_key(*name)) {
        tables_are_whole &= table_of(name).is_none();
        wrong.push(look.doubted(name, format!("{name} is missing")));
    }
    verdict.findings.extend(wrong);
    Ok(Files { sizes: look.sizes, tables_are_whole })
}

/// Reads a file of a bag whole.
pub(super) async fn read(warehouse: &Warehouse, root: &Path, name: &str) -> Result<Option<Bytes>> {
    warehouse.get(&at(root, name)).await
}

/// Where a file of a bag lies.
pub(super) fn at(root: &Path, name: &str) -> Path {
    name.split('/').fold(root.clone(), |folder, part| folder.join(part))
}

impl<'a> Look<'a> {
    async fn begin(
        warehouse: &'a Warehouse,
        root: &'a Path,
        verdict: &mut Verdict,
    ) -> Result<Self> {
        let mut sizes = BTreeMap::new();
        let mut hashes = BTreeMap::new();
        let store = warehouse.store();
        let mut found = store.list(Some(root));
        while let Some(meta) = found.try_next().await.map_err(|error| io("list", root, error))? {
            let parts = meta.location.prefix_match(root).into_iter().flatten();
            let name = parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/");
            let (bytes, hash) = hash_object(warehouse, &meta.location).await?;
            verdict.files += 1;
            verdict.bytes += bytes;
            sizes.insert(name.clone(), bytes);
            hashes.insert(name, hash);
        }
        Ok(Self {
            warehouse,
            root,
            sizes,
            hashes,
            sealed: BTreeMap::new(),
            pieces: BTreeMap::new(),
            manifest_is_whole: false,
        })
    }

    /// Nothing vouches for the tag manifest, so it must be exactly what sealing writes.
    async fn read_tag_manifest(&mut self, verdict: &mut Verdict) -> Result<()> {
        let Some(body) = read(self.warehouse, self.root, TAG_MANIFEST).await? else {
            verdict.findings.push(format!("{TAG_MANIFEST} is missing"));
            return Ok(());
        };
        let entries = entries(&body);
        let again: String =
            entries.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect();
        let names: BTreeSet<&str> = entries.keys().map(String::as_str).collect();
        let odd = names.iter().find(|name| !TAGS.contains(name));
        let is_due = |name: &&&str| **name != ROW_GROUPS || self.hashes.contains_key(ROW_GROUPS);
        let lost = TAGS.iter().filter(is_due).find(|name| !names.contains(**name));
        let why = match (odd, lost) {
            (Some(name), _) => Some(format!("it names {name}, which no snapshot has")),
            (_, Some(name)) => Some(format!("it does not name {name}")),
            _ if again.as_bytes() != body.as_ref() => {
                Some("it is not spelled as sealing spells it".to_owned())
            }
            _ => None,
        };
        verdict.findings.extend(why.map(|why| format!("{TAG_MANIFEST} was changed: {why}")));
        self.sealed.extend(entries.into_iter().filter(|(name, _)| TAGS.contains(&name.as_str())));
        Ok(())
    }

    async fn read_manifest(&mut self, verdict: &mut Verdict) -> Result<()> {
        self.manifest_is_whole = self.is_as_sealed(MANIFEST);
        if let Some(body) = read(self.warehouse, self.root, MANIFEST).await? {
            let entries = entries(&body);
            if entries.len() != body.split(|byte| *byte == b'\n').count() - 1 {
                self.manifest_is_whole = false;
                verdict.findings.push(format!("{MANIFEST} has a line that is no entry"));
            }
            let payload = entries.into_iter().filter(|(name, _)| name.starts_with(PAYLOAD));
            self.sealed.extend(payload);
        }
        Ok(())
    }

    async fn read_row_groups(&mut self) -> Result<()> {
        if !self.is_as_sealed(ROW_GROUPS) {
            return Ok(());
        }
        let body = read(self.warehouse, self.root, ROW_GROUPS).await?.unwrap_or_default();
        for line in String::from_utf8_lossy(&body).lines() {
            let [sha256, file, name, offset, bytes] = line.split("  ").collect::<Vec<_>>()[..]
            else {
                continue;
            };
            let (Ok(offset), Ok(bytes)) = (offset.parse(), bytes.parse()) else { continue };
            let (sha256, name) = (sha256.to_owned(), name.to_owned());
            let pieces = self.pieces.entry(file.to_owned()).or_default();
            pieces.push(SealedPiece { sha256, name, offset, bytes });
        }
        Ok(())
    }

    fn is_as_sealed(&self, name: &str) -> bool {
        self.hashes.get(name).is_some_and(|hash| self.sealed.get(name) == Some(hash))
    }

    /// What is wrong with a file that is there.
    async fn finding(&self, name: &str) -> Result<Option<String>> {
        let found = &self.hashes[name];
        if name == TAG_MANIFEST {
            return Ok(None);
        }
        if name == SIGNATURE {
            let is_one = self.sizes[name] == SIGNATURE_BYTES;
            return Ok((!is_one).then(|| format!("{name} was changed: a signature has 64 bytes")));
        }
        let Some(sealed) = self.sealed.get(name) else {
            if TAGS.contains(&name) {
                let why = format!("{name} cannot be compared: {TAG_MANIFEST} does not name it");
                return Ok(Some(why));
            }
            // Without its list nothing can be said of the payload, and that was said.
            let is_unlisted = name.starts_with(PAYLOAD) && !self.hashes.contains_key(MANIFEST);
            let added = format!("{name} was added after sealing{}", self.twin(name, found));
            return Ok((!is_unlisted).then(|| self.doubted(name, added)));
        };
        if found == sealed {
            let is_misnamed =
                name.strip_prefix("data/files/").is_some_and(|wanted| wanted != found);
            return Ok(is_misnamed.then(|| format!("{name} is not named for its bytes' hash")));
        }
        let list = if TAGS.contains(&name) { TAG_MANIFEST } else { MANIFEST };
        let change = self.change(name).await?;
        let or = if list == TAG_MANIFEST { ", or its line in the tag manifest was" } else { "" };
        let twin = self.twin(name, found);
        let text = format!("{name} {change}{or}{twin}: sha256 {found}, sealed as {sealed}");
        Ok(Some(self.doubted(name, text)))
    }

    /// Says of which other file these are the bytes.
    fn twin(&self, name: &str, found: &str) -> String {
        let other = self.sealed.iter().find(|(other, hash)| *other != name && *hash == found);
        other.map_or(String::new(), |(other, _)| format!(", it holds the bytes of {other}"))
    }

    /// Where the list of the payload was changed, it may be wrong about a file.
    fn doubted(&self, name: &str, finding: String) -> String {
        let is_doubtful = name.starts_with(PAYLOAD) && !self.manifest_is_whole;
        if is_doubtful {
            format!("{finding} (if {MANIFEST}, which was changed, is right)")
        } else {
            finding
        }
    }

    /// What was done to a file, as closely as its pieces tell.
    async fn change(&self, name: &str) -> Result<String> {
        let Some(pieces) = self.pieces.get(name) else {
            return Ok("was changed".to_owned());
        };
        let differing = self.differing(name, pieces).await?;
        let sealed_bytes = pieces.last().map_or(0, |piece| piece.offset + piece.bytes);
        let bytes = self.sizes[name];
        if bytes != sealed_bytes {
            let how = if bytes < sealed_bytes { "shorter" } else { "longer" };
            let count = bytes.abs_diff(sealed_bytes);
            let unit = if count == 1 { "byte" } else { "bytes" };
            let first = differing.into_iter().next();
            let from = first.map_or(String::new(), |place| format!(", it differs from {place} on"));
            return Ok(format!("was changed: it is {count} {unit} {how} than it was sealed{from}"));
        }
        Ok(format!("was changed in {}", differing.join(" and ")))
    }

    /// The stretches of a table's part whose bytes differ, in words.
    async fn differing(&self, name: &str, pieces: &[SealedPiece]) -> Result<Vec<String>> {
        let path = at(self.root, name);
        let size = self.sizes[name];
        let mut found = Vec::new();
        let head = self.range(&path, 0, HEAD_BYTES.min(size)).await?;
        if head.as_ref() != b"PAR1" {
            found.push("its head".to_owned());
        }
        for piece in pieces {
            let end = piece.offset + piece.bytes;
            let is_same =
                end <= size && sha256(&self.range(&path, piece.offset, end).await?) == piece.sha256;
            if !is_same {
                found.push(piece.name.clone());
            }
        }
        let footer_is_whole = !found.iter().any(|piece| piece == "footer");
        let rows = if footer_is_whole {
            table::group_rows(self.warehouse, &path).await
        } else {
            Ok(Vec::new())
        };
        let rows = rows.unwrap_or_default();
        Ok(found.into_iter().map(|piece| in_words(&piece, &rows)).collect())
    }

    async fn range(&self, path: &Path, start: u64, end: u64) -> Result<Bytes> {
        if start >= end {
            return Ok(Bytes::new());
        }
        let read = self.warehouse.store().get_range(path, start..end).await;
        read.map_err(|error| io("read", path, error))
    }
}

fn in_words(piece: &str, rows: &[u64]) -> String {
    match piece.parse::<usize>() {
        Ok(group) => match rows.get(group) {
            Some(count) => {
                let first: u64 = rows[..group].iter().sum();
                format!("row group {group} (rows {first} to {})", first + count - 1)
            }
            None => format!("row group {group}"),
        },
        Err(_) if piece == "footer" => "its footer".to_owned(),
        Err(_) => piece.to_owned(),
    }
}

/// The table that a file is a part of, and the part's name.
fn table_of(name: &str) -> Option<(&str, &str)> {
    let (table, part) = name.strip_prefix(PAYLOAD)?.split_once('/')?;
    (table != "files").then_some((table, part))
}

/// The entries of a list of hashes: hash by name. A line that is none is left out.
fn entries(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().filter_map(|line| line.split_once("  "));
    let is_hash = |hash: &str| {
        hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    lines
        .filter(|(hash, _)| is_hash(hash))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect()
}

/// Length and SHA-256 of an object, read piece by piece.
pub(crate) async fn hash_object(warehouse: &Warehouse, path: &Path) -> Result<(u64, String)> {
    let found = warehouse.store().get(path).await.map_err(|error| io("read", path, error))?;
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut chunks = found.into_stream();
    while let Some(chunk) = chunks.try_next().await.map_err(|error| io("read", path, error))? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
    }
    Ok((bytes, hex(&hash.finalize())))
}
