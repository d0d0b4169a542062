//! Replies that brought records, each put together again from its frame and its records.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int32Type;
use kernel::{Fault, Instant, Result, SnapshotId};

use super::{exact_bytes, rows_with};
use crate::columns::{binaries, moments, numbers, texts};
use crate::exchange::{rebuild, sha256};
use crate::{Warehouse, layout, snapshot, table};

/// One call and its reply, as they were noted, and the body as it comes back now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The exchange, counted in its snapshot.
    pub exchange_id: i64,
    /// The stream it was made for.
    pub stream: String,
    /// What was asked for.
    pub request_key: String,
    /// HTTP method.
    pub method: String,
    /// Address without secrets.
    pub url: String,
    /// HTTP status.
    pub status: i32,
    /// When the call left.
    pub started_at: Instant,
    /// When the reply was complete.
    pub ended_at: Instant,
    /// Which try this was, from 1.
    pub attempt: i32,
    /// Length of the body when it arrived.
    pub body_bytes: i64,
    /// SHA-256 of the body when it arrived, in hex.
    pub body_sha256: String,
    /// SHA-256 of the body that its frame and its records give now, in hex; `None` when they do
    /// not fit together.
    pub rebuilt_sha256: Option<String>,
}

/// The replies of some exchanges of a snapshot, in their order. One that the snapshot lacks is left
/// out.
///
/// # Errors
/// `FixData` when a table cannot be read.
pub async fn replies(
    warehouse: &Warehouse,
    id: &SnapshotId,
    exchange_ids: &BTreeSet<i64>,
) -> Result<Vec<Reply>> {
    if exchange_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut records: BTreeMap<i64, Vec<(usize, Vec<u8>)>> = BTreeMap::new();
    for stream in snapshot::streams(warehouse, id).await? {
        for batch in rows_of(warehouse, id, &stream, exchange_ids).await? {
            let (ids, offsets) = (numbers(&batch, "exchange_id")?, numbers(&batch, "offset")?);
            for place in 0..batch.num_rows() {
                let offset = usize::try_from(offsets.value(place)).unwrap_or(usize::MAX);
                let bytes = exact_bytes(&batch, place)?;
                records.entry(ids.value(place)).or_default().push((offset, bytes));
            }
        }
    }
    let mut found = Vec::new();
    for batch in rows_of(warehouse, id, "exchanges", exchange_ids).await? {
        for place in 0..batch.num_rows() {
            let exchange_id = numbers(&batch, "exchange_id")?.value(place);
            let of_reply = records.remove(&exchange_id).unwrap_or_default();
            found.push(reply_of(&batch, place, &of_reply)?);
        }
    }
    Ok(found)
}

/// The rows of a table that belong to some exchanges, part by part.
async fn rows_of(
    warehouse: &Warehouse,
    id: &SnapshotId,
    name: &str,
    exchange_ids: &BTreeSet<i64>,
) -> Result<Vec<RecordBatch>> {
    let mut found = Vec::new();
    for part in warehouse.list(&layout::records(id, name)).await? {
        let rows = rows_with(warehouse, &part, &["exchange_id"], |batch, place| {
            Ok(exchange_ids.contains(&numbers(batch, "exchange_id")?.value(place)))
        })
        .await?;
        if !rows.is_empty() {
            found.push(table::read_rows(warehouse, &part, &rows).await?);
        }
    }
    Ok(found)
}

fn reply_of(batch: &RecordBatch, place: usize, records: &[(usize, Vec<u8>)]) -> Result<Reply> {
    let text = |name: &str| -> Result<String> { Ok(texts(batch, name)?.value(place).to_owned()) };
    let number = |name: &str| -> Result<i64> { Ok(numbers(batch, name)?.value(place)) };
    let small = |name: &str| -> Result<i32> {
        let column = batch.column_by_name(name);
        let column = column.and_then(|column| column.as_primitive_opt::<Int32Type>());
        let column = column.ok_or_else(|| Fault::data(format!("an exchange has no {name}")))?;
        Ok(column.value(place))
    };
    let moment = |name: &str| -> Result<Instant> {
        Ok(Instant::from_micros(moments(batch, name)?.value(place)))
    };
    let mut records: Vec<(usize, &[u8])> =
        records.iter().map(|(offset, bytes)| (*offset, bytes.as_slice())).collect();
    let body = rebuild(binaries(batch, "frame")?.value(place), &mut records);
    Ok(Reply {
        exchange_id: number("exchange_id")?,
        stream: text("stream")?,
        request_key: text("request_key")?,
        method: text("method")?,
        url: text("url")?,
        status: small("status")?,
        started_at: moment("started_at")?,
        ended_at: moment("ended_at")?,
        attempt: small("attempt")?,
        body_bytes: number("body_bytes")?,
        body_sha256: text("body_sha256")?,
        rebuilt_sha256: body.map(|body| sha256(&body)),
    })
}
