//! Step 1: the landed records that something was made of, each version with its place, its bytes
//! hashed again, and the exchange that brought it; and the files that belong to it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Instant, Result, SnapshotId};
use landing::exchange::hex;
use landing::locate::{Located, Reply, Wanted, file_hash, locate, replies};
use landing::{Warehouse, snapshot};
use serde::Serialize;

use super::moment;
use super::staged::Rows;
use super::subject::Subject;
use super::tables::{Row, Tables, number, text};

/// Landed records that are shown; everybody who shares one placeholder may be thousands.
const KEYS_MAX: usize = 100;

/// A landed record with all its versions.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// The stream that it belongs to.
    pub stream: String,
    /// Its key in the stream.
    pub key: String,
    /// The key of the record it was asked for, if any.
    pub parent_key: Option<String>,
    /// Every version, oldest first.
    pub versions: Vec<Version>,
    /// When it was noticed to be gone.
    pub deletions: Vec<Deletion>,
}

/// One version of a landed record.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// `in force`, `superseded` by a newer one, or `deleted`.
    pub standing: String,
    /// The snapshot that holds it.
    pub snapshot: SnapshotId,
    /// The Parquet file, from the root of the warehouse.
    pub file: String,
    /// SHA-256 that the file was sealed with.
    pub file_sha256: Option<String>,
    /// The row in the file, from 0.
    pub row: u64,
    /// The row group, from 0.
    pub row_group: usize,
    /// The row in the row group, from 0.
    pub row_in_group: u64,
    /// In a delta, the class of change.
    pub change: Option<String>,
    /// Length of the record in bytes.
    pub bytes: usize,
    /// SHA-256 of the record's bytes, computed now.
    pub sha256: String,
    /// SHA-256 that was noted when it was landed.
    pub noted_sha256: String,
    /// Whether the two are the same.
    pub matches: bool,
    /// Its place among the records of the reply, from 0.
    pub ordinal: i64,
    /// Its first byte in the body of the reply.
    pub offset: i64,
    /// When the reply was complete.
    pub fetched_at: String,
    /// The call that brought it.
    pub exchange: Option<ExchangeFacts>,
    /// The record exactly as received; where it is not UTF-8, with U+FFFD for what is not.
    pub raw: String,
    /// Its bytes in hex, only where it is not UTF-8.
    pub raw_hex: Option<String>,
}

/// A call and its reply.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeFacts {
    /// Counted in its snapshot.
    pub exchange_id: i64,
    /// HTTP method.
    pub method: String,
    /// Address, without secrets.
    pub url: String,
    /// HTTP status.
    pub status: i32,
    /// When it left.
    pub started_at: String,
    /// When the reply was complete.
    pub ended_at: String,
    /// Which try it was, from 1.
    pub attempt: i32,
    /// Length of the body when it arrived.
    pub body_bytes: i64,
    /// SHA-256 of the body when it arrived.
    pub body_sha256: String,
    /// Whether the body, put together again from its records, has that hash now.
    pub body_matches: bool,
}

/// A moment at which a record was gone.
#[derive(Debug, Clone, Serialize)]
pub struct Deletion {
    /// The snapshot that says so.
    pub snapshot: String,
    /// What showed it.
    pub reason: String,
    /// When.
    pub noticed_at: String,
}

/// A file that a record points at.
#[derive(Debug, Clone, Serialize)]
pub struct LandedFile {
    /// The message that it belongs to.
    pub message_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its address in the source.
    pub url: String,
    /// Where its bytes lie, from the root of the warehouse.
    pub file: Option<String>,
    /// Length in bytes.
    pub bytes: Option<i64>,
    /// SHA-256 that was noted when it was fetched.
    pub noted_sha256: Option<String>,
    /// SHA-256 of the bytes, computed now.
    pub sha256: Option<String>,
    /// Whether the two are the same.
    pub matches: bool,
    /// Why there are no bytes.
    pub reason: Option<String>,
    /// The call that was made for it, counted in its snapshot.
    pub exchange_id: Option<i64>,
    /// The snapshot that holds it.
    pub snapshot: Option<String>,
}

/// What was landed.
pub(super) struct Source<'a> {
    pub(super) warehouse: &'a Warehouse,
    pub(super) tables: &'a Tables,
    pub(super) snapshots: &'a [SnapshotId],
}

impl Source<'_> {
    /// Every landed record that the subject was made of, and how many keys are left out because
    /// there are too many.
    pub(super) async fn records(
        &self,
        subject: &Subject,
        staged: &Rows,
    ) -> Result<(Vec<Received>, usize)> {
        let mut wanted = wanted(subject, staged);
        let left_out = wanted.keys.len().saturating_sub(KEYS_MAX);
        while wanted.keys.len() > KEYS_MAX {
            wanted.keys.pop_last();
        }
        if wanted.keys.is_empty() {
            return Ok((Vec::new(), 0));
        }
        let mut found: BTreeMap<(String, String), Vec<Located>> = BTreeMap::new();
        for id in self.snapshots {
            for stream in snapshot::streams(self.warehouse, id).await? {
                for record in locate(self.warehouse, id, &stream, &wanted).await? {
                    if is_meant(subject, &record) {
                        let place = (stream.clone(), record.key.clone());
                        found.entry(place).or_default().push(record);
                    }
                }
            }
        }
        let replies = self.replies(found.values().flatten()).await?;
        let mut received = Vec::new();
        for ((stream, key), versions) in found {
            received.push(self.record(stream, key, &versions, &replies).await?);
        }
        self.put_in_order(&mut received, &wanted, staged).await?;
        Ok((received, left_out))
    }

    /// What it was made of comes first, then what says more about it, then what was only asked for
    /// because of it; what says more about another message is left out.
    async fn put_in_order(
        &self,
        received: &mut Vec<Received>,
        wanted: &Wanted,
        staged: &Rows,
    ) -> Result<()> {
        let keys: Vec<&str> = received.iter().map(|record| record.key.as_str()).collect();
        let fates = self.tables.rows("staged.fates", "source_key", &keys).await?;
        let others = self.tables.rows("staged.messages", "message_id", &keys).await?;
        let own = staged.get("staged.messages").and_then(|rows| rows.first());
        let own_stream = own.and_then(|row| text(row, "stream")).map(str::to_owned);
        let is_judged = |record: &Received| {
            fates.iter().any(|row| {
                text(row, "stream") == Some(&record.stream)
                    && text(row, "source_key") == Some(&record.key)
            })
        };
        let is_own = |record: &Received| wanted.keys.contains(&record.key);
        received.retain(|record| {
            let is_other = |row: &Row| text(row, "message_id") == Some(&record.key);
            is_own(record) || !others.iter().any(is_other)
        });
        received.sort_by_cached_key(|record| {
            let is_of_own_stream = own_stream.as_ref() == Some(&record.stream);
            (!is_own(record), !is_of_own_stream, !is_judged(record))
        });
        Ok(())
    }

    async fn record(
        &self,
        stream: String,
        key: String,
        versions: &[Located],
        replies: &BTreeMap<(SnapshotId, i64), Reply>,
    ) -> Result<Received> {
        let deletions = self.deletions(&stream, &key).await?;
        let newest = versions.len().saturating_sub(1);
        let parent_key = versions.last().and_then(|version| version.parent_key.clone());
        let is_gone = |version: &Located| deletions.iter().any(|deletion| hides(deletion, version));
        let versions: Vec<Version> = versions
            .iter()
            .enumerate()
            .map(|(place, located)| {
                let standing = match (place == newest, is_gone(located)) {
                    (true, true) => "deleted",
                    (true, false) => "in force",
                    (false, _) => "superseded",
                };
                let reply = replies.get(&(located.snapshot.clone(), located.exchange_id));
                version(located, standing, reply)
            })
            .collect();
        Ok(Received { stream, key, parent_key, versions, deletions })
    }

    async fn replies<'a>(
        &self,
        records: impl Iterator<Item = &'a Located>,
    ) -> Result<BTreeMap<(SnapshotId, i64), Reply>> {
        let mut ids: BTreeMap<&SnapshotId, BTreeSet<i64>> = BTreeMap::new();
        for record in records {
            ids.entry(&record.snapshot).or_default().insert(record.exchange_id);
        }
        let mut found = BTreeMap::new();
        for (id, exchanges) in ids {
            for reply in replies(self.warehouse, id, &exchanges).await? {
                found.insert((id.clone(), reply.exchange_id), reply);
            }
        }
        Ok(found)
    }

    async fn deletions(&self, stream: &str, key: &str) -> Result<Vec<Deletion>> {
        let rows = self.tables.rows("landing_all.deletions", "key", &[key]).await?;
        let of_stream = rows.iter().filter(|row| text(row, "stream") == Some(stream));
        let cell = |row: &Row, name: &str| text(row, name).unwrap_or_default().to_owned();
        Ok(of_stream
            .map(|row| Deletion {
                snapshot: cell(row, "snapshot"),
                reason: cell(row, "reason"),
                noticed_at: cell(row, "noticed_at"),
            })
            .collect())
    }

    /// The files of the staged attachments, each hashed again.
    pub(super) async fn files(&self, staged: &Rows) -> Result<Vec<LandedFile>> {
        let mut files = Vec::new();
        for row in staged.get("staged.attachments").into_iter().flatten() {
            files.push(self.file(row).await?);
        }
        Ok(files)
    }

    async fn file(&self, row: &Row) -> Result<LandedFile> {
        let cell = |name: &str| text(row, name).map(str::to_owned);
        let url = cell("url").unwrap_or_default();
        let mut file = LandedFile {
            message_id: cell("message_id").unwrap_or_default(),
            name: cell("name"),
            file: None,
            bytes: number(row, "bytes"),
            noted_sha256: cell("sha256"),
            sha256: None,
            matches: false,
            reason: cell("reason"),
            exchange_id: None,
            snapshot: None,
            url,
        };
        let downloads = self.tables.rows("landing.downloads", "url", &[&file.url]).await?;
        if let Some(download) = downloads.first() {
            file.exchange_id = number(download, "exchange_id");
            file.snapshot = text(download, "snapshot").map(str::to_owned);
        }
        let Some(noted) = file.noted_sha256.clone() else { return Ok(file) };
        for id in self.snapshots.iter().rev() {
            if let Some((_, sha256)) = file_hash(self.warehouse, id, &noted).await? {
                file.file = Some(landing::layout::file(id, &noted).to_string());
                file.matches = sha256 == noted;
                file.sha256 = Some(sha256);
                break;
            }
        }
        Ok(file)
    }
}

/// Whether a deletion was noticed after a version was fetched.
fn hides(deletion: &Deletion, version: &Located) -> bool {
    let Ok(snapshot) = deletion.snapshot.parse::<SnapshotId>() else { return false };
    let noticed_at = Instant::parse(&deletion.noticed_at);
    let is_later = noticed_at.is_some_and(|noticed_at| noticed_at >= version.fetched_at);
    snapshot > version.snapshot || (snapshot == version.snapshot && is_later)
}

/// The version of a record that a reader of the target's snapshot finds, for step 5.
pub(super) async fn newest_in(
    warehouse: &Warehouse,
    id: &SnapshotId,
    stream: &str,
    key: &str,
) -> Result<Option<Version>> {
    let wanted = Wanted { keys: [key.to_owned()].into(), ..Wanted::default() };
    let Some(located) = locate(warehouse, id, stream, &wanted).await?.pop() else {
        return Ok(None);
    };
    let found = replies(warehouse, id, &[located.exchange_id].into()).await?;
    Ok(Some(version(&located, "in force", found.first())))
}

/// Keys of the landed records that a subject was made of.
fn wanted(subject: &Subject, staged: &Rows) -> Wanted {
    let mut wanted = Wanted::default();
    let rows = |table: &str| staged.get(table).map(Vec::as_slice).unwrap_or_default();
    let source_id = |table: &str| rows(table).first().and_then(|row| text(row, "source_id"));
    match subject {
        Subject::Ticket(id) => {
            let key = source_id("staged.tickets").unwrap_or(id);
            wanted.keys.insert(key.to_owned());
        }
        Subject::Message(id) => {
            let key = source_id("staged.messages").unwrap_or(id);
            wanted.keys.insert(key.to_owned());
            wanted.parent_keys.insert(key.to_owned());
        }
        Subject::Customer(_) => {
            for row in rows("staged.actors") {
                let key = text(row, "actor_id").and_then(|id| id.split_once(':'));
                wanted.keys.extend(key.map(|(_, key)| key.to_owned()));
            }
            for row in rows("staged.customer_identities") {
                let is_of_conversation = text(row, "kind") != Some("conversation");
                let place = text(row, "source_id").and_then(|place| place.split_once('/'));
                wanted
                    .keys
                    .extend(place.filter(|_| is_of_conversation).map(|(_, key)| key.to_owned()));
            }
        }
        Subject::Record { key, .. } => {
            wanted.keys.insert(key.clone());
        }
        Subject::Foreign { .. } => {}
    }
    wanted
}

/// One key may stand in several streams; a record that was asked for by its stream is that one.
fn is_meant(subject: &Subject, record: &Located) -> bool {
    match subject {
        Subject::Record { stream, .. } => *stream == record.stream,
        _ => true,
    }
}

fn version(located: &Located, standing: &str, reply: Option<&Reply>) -> Version {
    let sha256 = located.sha256();
    let is_text = std::str::from_utf8(&located.bytes).is_ok();
    Version {
        standing: standing.to_owned(),
        snapshot: located.snapshot.clone(),
        file: located.file.clone(),
        file_sha256: located.file_sha256.clone(),
        row: located.row,
        row_group: located.row_group,
        row_in_group: located.row_in_group,
        change: located.change.clone(),
        bytes: located.bytes.len(),
        matches: sha256 == located.noted_sha256,
        sha256,
        noted_sha256: located.noted_sha256.clone(),
        ordinal: located.ordinal,
        offset: located.offset,
        fetched_at: moment(located.fetched_at),
        exchange: reply.map(exchange),
        raw: String::from_utf8_lossy(&located.bytes).into_owned(),
        raw_hex: (!is_text).then(|| hex(&located.bytes)),
    }
}

fn exchange(reply: &Reply) -> ExchangeFacts {
    ExchangeFacts {
        exchange_id: reply.exchange_id,
        method: reply.method.clone(),
        url: reply.url.clone(),
        status: reply.status,
        started_at: moment(reply.started_at),
        ended_at: moment(reply.ended_at),
        attempt: reply.attempt,
        body_bytes: reply.body_bytes,
        body_sha256: reply.body_sha256.clone(),
        body_matches: reply.rebuilt_sha256.as_ref() == Some(&reply.body_sha256),
    }
}
