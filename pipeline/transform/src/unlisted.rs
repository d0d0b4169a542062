//! Which records a read-back asks for one by one: those with a planned value that no list of the
//! target shows, or a share of them that is the same each time.
//!
//! The plan says which they are and the ledger where they are. It calls nobody.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::AsArray;
use futures::StreamExt;
use kernel::{Fault, Result, RunId};
use landing::{Warehouse, layout};

use crate::catalog;
use crate::select::select_stream;
use crate::session::Session;

/// Of a kind of which there are no more than these, every record is read alone.
const RECORDS_MIN: u64 = 100;

/// The target's ids of the records to be read alone, by the stream that reads them: so many of a
/// hundred of each kind, but never fewer than 100 unless none are wanted.
///
/// # Errors
/// `FixData` when plan or ledger cannot be read.
pub async fn read_alone(
    warehouse: &Warehouse,
    run: &RunId,
    percent: u8,
) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut chosen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let session = Session::open(warehouse)?;
    let plan = layout::plan_table(run, "any");
    let planned = catalog::register_folder(&session, &plan, "plan").await?;
    // A plan of an earlier version does not say it.
    if percent == 0 || !planned.iter().any(|table| table == "plan.unlisted") {
        return Ok(chosen);
    }
    catalog::register_ledger(&session, run).await?;
    let sql = CHOSEN
        .replace("{percent}", &percent.to_string())
        .replace("{records_min}", &RECORDS_MIN.to_string());
    let mut rows = select_stream(&session.context, &sql).await?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| {
            Fault::data("it cannot be read which records are read alone").because(error)
        })?;
        let columns = [batch.column(0), batch.column(1)].map(|column| column.as_string::<i32>());
        for (stream, key) in columns[0].iter().zip(columns[1]) {
            if let (Some(stream), Some(key)) = (stream, key) {
                chosen.entry(stream.to_owned()).or_default().insert(key.to_owned());
            }
        }
    }
    Ok(chosen)
}

/// The hash of its external id decides whether a record is among them.
const CHOSEN: &str = "
with there as (
    select unlisted.\"table\", unlisted.stream, unlisted.external_id, records.target_id
    from plan.unlisted
    inner join ledger.records
        on unlisted.external_id = records.source_id
        and unlisted.\"table\" = concat(records.kind, 's')
    where records.target_id is not null and records.state in ('done', 'matched')
),
wanted as (
    select \"table\", greatest({records_min}, ceil(count(*) * {percent} / 100.0)) as records
    from there
    group by \"table\"
),
ranked as (
    select \"table\", stream, target_id,
        row_number() over (
            partition by \"table\" order by hash_number(external_id), external_id
        ) as place
    from there
)
select cast(ranked.stream as varchar) as stream, cast(ranked.target_id as varchar) as target_id
from ranked
inner join wanted on ranked.\"table\" = wanted.\"table\"
where ranked.place <= wanted.records";
