//! The files that describe a bag: its lists of hashes, its information, the snapshot's own facts.
//!
//! Nothing here reads the payload; what is known of it was noted while it was written.

use std::collections::BTreeMap;

use kernel::{Result, SnapshotId};

use super::{Payload, sealed_before};
use crate::exchange::sha256;
use crate::snapshot::SnapshotFacts;
use crate::table::Piece;
use crate::warehouse::json_text;
use crate::{Warehouse, layout};

/// Writes what describes the payload; the tag manifest, which makes the snapshot exist, comes last.
pub(super) async fn write(
    warehouse: &Warehouse,
    id: &SnapshotId,
    payload: &Payload,
    facts: &SnapshotFacts,
) -> Result<()> {
    let tags: [(&str, Vec<u8>); 5] = [
        ("bag-info.txt", bag_info(payload, facts)),
        ("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".to_vec()),
        ("manifest-sha256.txt", manifest(&payload.hashes)),
        ("row-groups-sha256.txt", row_groups(&payload.pieces)),
        ("snapshot.json", json_text(facts)?),
    ];
    let mut hashes = BTreeMap::new();
    for (name, body) in tags {
        hashes.insert(name.to_owned(), sha256(&body));
        warehouse.put(&layout::in_snapshot(id, name), body).await?;
    }
    let last = layout::in_snapshot(id, "tagmanifest-sha256.txt");
    if !warehouse.put_if_absent(&last, manifest(&hashes)).await? {
        return Err(sealed_before(id));
    }
    Ok(())
}

fn manifest(hashes: &BTreeMap<String, String>) -> Vec<u8> {
    hashes.iter().map(|(name, hash)| format!("{hash}  {name}\n")).collect::<String>().into_bytes()
}

/// One line for each stretch of a table's part: hash, file, row group or `footer`, where it
/// begins, how long it is.
fn row_groups(pieces: &BTreeMap<String, Vec<Piece>>) -> Vec<u8> {
    let mut text = String::new();
    for (name, pieces) in pieces {
        for Piece { group, offset, bytes, sha256 } in pieces {
            let group = group.map_or("footer".to_owned(), |number| number.to_string());
            text.push_str(&format!("{sha256}  {name}  {group}  {offset}  {bytes}\n"));
        }
    }
    text.into_bytes()
}

fn bag_info(payload: &Payload, facts: &SnapshotFacts) -> Vec<u8> {
    let day = facts.sealed_at.split('T').next().unwrap_or_default();
    let mut text = format!(
        "Source-Organization: {}\nExternal-Identifier: {}\nBagging-Date: {day}\n\
         Bag-Software-Agent: {}\nPayload-Oxum: {}.{}\n",
        one_line(&facts.account),
        facts.id,
        one_line(&facts.tool),
        payload.bytes,
        payload.hashes.len(),
    );
    if let (Some(parent), Some(hash)) = (&facts.parent, &facts.parent_sha256) {
        text.push_str(&format!(
            "Deskferry-Parent: {parent}\nDeskferry-Parent-Tagmanifest-Sha256: {hash}\n"
        ));
    }
    text.into_bytes()
}

/// A value of `bag-info.txt` ends with its line.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
