//! From a chain of snapshots to staged tables: one build, named by the hash of all that goes in.
//!
//! A build that is complete is used again. It knows nothing of targets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kernel::{BuildId, Fault, Mapping, Result, SnapshotId};
use landing::{Warehouse, layout, snapshot};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::graph::{self, Known};
use crate::landed::Landed;
use crate::models::{Layer, Model, Models};
use crate::promises;
use crate::session::Session;
use crate::tables::{self, Finding};

/// Raised whenever a function of the engine gives something else for the same input, so that
/// builds of an older program are not taken for this one's.
const ENGINE: u32 = 3;

/// The staged tables of one chain of snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its name.
    pub id: BuildId,
    /// Whether it was there already.
    pub reused: bool,
    /// Its tables as `schema.name`, with their rows.
    pub tables: Vec<(String, u64)>,
    /// Claims that do not hold.
    pub findings: Vec<Finding>,
}

/// What lies beside the tables of a build and marks it as complete.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BuildFacts {
    pub(crate) id: BuildId,
    pub(crate) platform: String,
    pub(crate) snapshots: Vec<SnapshotId>,
    /// The filters that were set, each with what it lets through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) tables: Vec<(String, u64)>,
    pub(crate) findings: Vec<Finding>,
}

/// Builds the staged tables of a platform from its snapshots, oldest first, unless they are there.
///
/// # Errors
/// `FixConfig` for a platform that has no models, `FixData` for SQL that fails.
pub async fn stage(
    warehouse: &Warehouse,
    platform: &str,
    snapshots: &[SnapshotId],
    mapping: &Mapping,
    models: &Models,
) -> Result<Build> {
    let session = Session::open(warehouse)?;
    stage_in(&session, platform, snapshots, mapping, models).await
}

/// [`stage`] on a given number of threads, on which the bytes of the tables do not depend.
///
/// # Errors
/// As [`stage`].
pub async fn stage_on(
    threads: usize,
    warehouse: &Warehouse,
    platform: &str,
    snapshots: &[SnapshotId],
    mapping: &Mapping,
    models: &Models,
) -> Result<Build> {
    stage_counting(threads, Arc::default(), warehouse, platform, snapshots, mapping, models).await
}

/// [`stage_on`], with a count of the documents that `json_row` reads. For the test that each is
/// read once.
///
/// # Errors
/// As [`stage`].
#[doc(hidden)]
pub async fn stage_counting(
    threads: usize,
    documents: Arc<AtomicU64>,
    warehouse: &Warehouse,
    platform: &str,
    snapshots: &[SnapshotId],
    mapping: &Mapping,
    models: &Models,
) -> Result<Build> {
    let session = Session::open_with(warehouse, threads, documents)?;
    stage_in(&session, platform, snapshots, mapping, models).await
}

async fn stage_in(
    session: &Session,
    platform: &str,
    snapshots: &[SnapshotId],
    mapping: &Mapping,
    models: &Models,
) -> Result<Build> {
    let (wanted, promised) = wanted_models(platform, models)?;
    let id = build_id(&session.warehouse, platform, snapshots, mapping, &wanted).await?;
    if let Some(facts) = facts_of(&session.warehouse, &id).await? {
        return Ok(Build { id, reused: true, tables: facts.tables, findings: facts.findings });
    }
    let known = Known { tables: ["config.mapping".to_owned()].into() };
    let ordered = graph::in_order(wanted, schema_of, &known)?;
    let landed = Landed { session, snapshots };
    landed.register(&landed_streams(&ordered)?).await?;
    tables::register_mapping(session, mapping)?;
    let place = |model: &Model| match model.layer {
        Layer::Source(_) | Layer::AnySource => {
            layout::staged_table(&id, &format!("source/{}", model.name))
        }
        _ => layout::staged_table(&id, &model.name),
    };
    let (tables, findings) = run(session, &ordered, &promised, schema_of, place).await?;
    let filters = mapping.filters();
    let facts = BuildFacts {
        id: id.clone(),
        platform: platform.to_owned(),
        snapshots: snapshots.to_vec(),
        filters: filters.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        tables,
        findings,
    };
    session.warehouse.put_json(&layout::build_facts(&id), &facts).await?;
    Ok(Build { id, reused: false, tables: facts.tables, findings: facts.findings })
}

/// What a complete build says of itself; `None` when there is none.
pub(crate) async fn facts_of(warehouse: &Warehouse, id: &BuildId) -> Result<Option<BuildFacts>> {
    warehouse.get_json(&layout::build_facts(id)).await
}

/// Builds models in the given order and runs the checks among them. What is promised of source
/// tables is checked as soon as they are made.
pub(crate) async fn run(
    session: &Session,
    ordered: &[Model],
    promised: &[Model],
    schema_of: impl Fn(&Layer) -> &'static str,
    place: impl Fn(&Model) -> object_store::path::Path,
) -> Result<(Vec<(String, u64)>, Vec<Finding>)> {
    let mut built = Vec::new();
    let mut findings = Vec::new();
    let (checks, tables): (Vec<&Model>, Vec<&Model>) =
        ordered.iter().partition(|model| matches!(model.layer, Layer::Check(_)));
    for model in tables {
        let schema = schema_of(&model.layer);
        let rows = tables::build(session, model, schema, &place(model)).await?;
        promises::check(session, promised, model).await?;
        built.push((format!("{schema}.{}", model.name), rows));
        findings.extend(tables::check_key(session, model, schema).await?);
    }
    for model in checks {
        findings.extend(tables::check(session, model).await?);
    }
    Ok((built, findings))
}

/// The streams that models read.
pub(crate) fn landed_streams(models: &[Model]) -> Result<BTreeSet<String>> {
    let mut streams = BTreeSet::new();
    for model in models {
        for table in graph::tables_of(model)? {
            if let Some((schema, stream)) = table.split_once('.')
                && schema.starts_with("landing")
            {
                streams.insert(stream.to_owned());
            }
        }
    }
    Ok(streams)
}

/// Hash of everything that is handed in, in order, each piece apart from the next.
pub(crate) fn fingerprint<'a>(pieces: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece.as_bytes());
    }
    landing::exchange::hex(&hash.finalize())
}

/// The models of a platform, and those of every platform in whose place it has its own.
fn wanted_models(platform: &str, models: &Models) -> Result<(Vec<Model>, Vec<Model>)> {
    let wanted = models.of(|layer| match layer {
        Layer::Source(of) => of == platform,
        Layer::AnySource | Layer::Staged => true,
        Layer::Check(of) => of == "staged",
        _ => false,
    })?;
    let own = wanted.iter().filter(|model| matches!(model.layer, Layer::Source(_)));
    let own: BTreeSet<String> = own.map(|model| model.name.clone()).collect();
    if own.is_empty() {
        return Err(Fault::config(format!("there are no models for the source {platform:?}")));
    }
    let (promised, wanted) = wanted
        .into_iter()
        .partition(|model| model.layer == Layer::AnySource && own.contains(&model.name));
    Ok((wanted, promised))
}

fn schema_of(layer: &Layer) -> &'static str {
    match layer {
        Layer::Source(_) | Layer::AnySource => "source",
        _ => "staged",
    }
}

async fn build_id(
    warehouse: &Warehouse,
    platform: &str,
    snapshots: &[SnapshotId],
    mapping: &Mapping,
    models: &[Model],
) -> Result<BuildId> {
    let mut pieces = vec![format!("engine {ENGINE}"), platform.to_owned()];
    for id in snapshots {
        pieces.push(id.to_string());
        pieces.push(snapshot::fingerprint(warehouse, id).await?);
    }
    pieces.extend(mapping.columns().map(|(key, value)| format!("{key}={value}")));
    for model in models {
        pieces.push(model.file.clone());
        pieces.push(model.sql.clone());
    }
    let hash = fingerprint(pieces.iter().map(String::as_str));
    Ok(BuildId(hash[..12].to_owned()))
}
