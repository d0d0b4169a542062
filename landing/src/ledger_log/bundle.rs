//! Rows of segments kept once more as one object each, so that a ledger of very many small
//! segments is read with few calls.
//!
//! A bundle is a copy: the lines of its segments, then one that says how many these are. One that
//! is missing or cannot be read costs time and nothing else, because the segments stay.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use kernel::{Result, RunId};
use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::{Written, lines_in};
use crate::{Warehouse, layout};

/// Segments of a full row; the first row begins with segment 1.
const ROW_SEGMENTS: u64 = 256;

/// Objects that are asked for at a time.
const READS_AHEAD: usize = 16;

/// The last line of a bundle.
#[derive(Serialize, Deserialize)]
struct Seal {
    bundled_lines: usize,
}

/// A bundle, or a segment without one.
pub(super) struct Piece {
    pub first: u64,
    pub last: u64,
    /// What it says; `None` when that cannot be read.
    pub lines: Option<Vec<Written>>,
    /// The body of a segment.
    pub segment: Option<Bytes>,
}

/// What there is of a row.
#[derive(Default)]
struct Row {
    is_bundled: bool,
    /// The numbers of its segments, in order.
    segments: Vec<u64>,
}

/// What there is of a ledger.
pub(super) struct Rows<'a> {
    warehouse: &'a Warehouse,
    run: &'a RunId,
    /// By the number that its last segment has, or will have.
    rows: BTreeMap<u64, Row>,
}

impl<'a> Rows<'a> {
    /// Looks at what there is.
    pub async fn list(warehouse: &'a Warehouse, run: &'a RunId) -> Result<Self> {
        let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
        for path in warehouse.list(&layout::ledger(run)).await? {
            let name = path.filename().and_then(|name| name.strip_suffix(".jsonl"));
            let numbers = name.map(|name| name.split_once('-').unwrap_or(("", name)));
            let Some((first, Ok(last))) = numbers.map(|(first, last)| (first, last.parse())) else {
                continue;
            };
            let row = rows.entry(row_end(last)).or_default();
            match first {
                "" => row.segments.push(last),
                _ => row.is_bundled = true,
            }
        }
        rows.values_mut().for_each(|row| row.segments.sort_unstable());
        Ok(Self { warehouse, run, rows })
    }

    /// The number of the last segment; 0 when there is none.
    pub fn last(&self) -> u64 {
        let last = self.rows.last_key_value().map(|(end, row)| match row.is_bundled {
            true => *end,
            false => row.segments.last().copied().unwrap_or_default(),
        });
        last.unwrap_or_default()
    }

    /// Everything that it says, in order.
    pub fn pieces(&self) -> impl Stream<Item = Result<Vec<Piece>>> {
        let reads: Vec<_> = self.rows.iter().map(|(end, row)| self.read(*end, row)).collect();
        futures::stream::iter(reads).buffered(READS_AHEAD)
    }

    async fn read(&self, end: u64, row: &Row) -> Result<Vec<Piece>> {
        if row.is_bundled {
            let body = self.body(self.bundle(end)).await?;
            if let Some(lines) = body.as_deref().and_then(unsealed) {
                let (first, lines) = (row_start(end), Some(lines));
                return Ok(vec![Piece { first, last: end, lines, segment: None }]);
            }
        }
        let bodies = self.bodies(row).await?.into_iter().zip(&row.segments);
        let pieces = bodies.map(|(body, number)| Piece {
            first: *number,
            last: *number,
            lines: body.as_deref().and_then(lines_in),
            segment: body,
        });
        Ok(pieces.collect())
    }

    /// The bodies of a row's segments.
    async fn bodies(&self, row: &Row) -> Result<Vec<Option<Bytes>>> {
        let body = |number: &u64| self.body(layout::ledger_segment(self.run, *number));
        let bodies: Vec<_> = row.segments.iter().map(body).collect();
        futures::stream::iter(bodies).buffered(READS_AHEAD).try_collect().await
    }

    async fn body(&self, path: Path) -> Result<Option<Bytes>> {
        self.warehouse.get(&path).await
    }

    fn bundle(&self, end: u64) -> Path {
        layout::ledger_bundle(self.run, row_start(end), end)
    }

    /// Makes the bundles that are missing of full rows. They never change, so that another loader
    /// may do the same meanwhile.
    pub async fn bundle_up(&self) -> Result<()> {
        for (end, row) in &self.rows {
            if row.is_bundled || row.segments.len() as u64 != ROW_SEGMENTS {
                continue;
            }
            let bodies = self.bodies(row).await?;
            let readable =
                bodies.into_iter().map(|body| body.filter(|body| lines_in(body).is_some()));
            if let Some(bodies) = readable.collect::<Option<Vec<Bytes>>>() {
                self.warehouse.put_if_absent(&self.bundle(*end), sealed(bodies.concat())).await?;
            }
        }
        Ok(())
    }
}

/// The row that is being written.
#[derive(Default)]
pub(super) struct Begun {
    /// How many of its segments are known.
    segments: u64,
    /// What these say.
    lines: Vec<u8>,
}

impl Begun {
    /// Adds a segment that was written; gives the row's first and last number and its bundle when
    /// it is full and wholly known.
    pub fn add(&mut self, number: u64, body: &[u8]) -> Option<(u64, u64, Vec<u8>)> {
        self.segments += 1;
        self.lines.extend_from_slice(body);
        if row_end(number) != number {
            return None;
        }
        let row = std::mem::take(self);
        (row.segments == ROW_SEGMENTS).then(|| (row_start(number), number, sealed(row.lines)))
    }
}

fn row_end(number: u64) -> u64 {
    number.div_ceil(ROW_SEGMENTS) * ROW_SEGMENTS
}

fn row_start(end: u64) -> u64 {
    end + 1 - ROW_SEGMENTS
}

fn sealed(mut lines: Vec<u8>) -> Vec<u8> {
    let bundled_lines = lines.split(|byte| *byte == b'\n').count() - 1;
    let seal = serde_json::to_string(&Seal { bundled_lines }).expect("a number can be written");
    lines.extend_from_slice(seal.as_bytes());
    lines.push(b'\n');
    lines
}

/// The lines of a bundle that is whole.
fn unsealed(body: &[u8]) -> Option<Vec<Written>> {
    let text = body.strip_suffix(b"\n")?;
    let end = text.iter().rposition(|byte| *byte == b'\n')? + 1;
    let seal: Seal = serde_json::from_slice(&text[end..]).ok()?;
    lines_in(&text[..end]).filter(|lines| lines.len() == seal.bundled_lines)
}
