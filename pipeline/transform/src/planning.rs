//! From staged tables to a plan: rows shaped for one target, in the order of their replay.
//!
//! It writes only below the run's own folder and calls nobody.

use std::sync::Arc;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use futures::StreamExt;
use kernel::{BuildId, Fault, Mapping, Order, Result, RunId};
use landing::run::RunFacts;
use landing::{Warehouse, layout};

use crate::before;
use crate::catalog;
use crate::graph::{self, Known};
use crate::models::{Layer, Model, Models};
use crate::session::Session;
use crate::staging;
use crate::tables::{self, Finding};

/// A plan that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its tables as `plan.name`, with their rows.
    pub tables: Vec<(String, u64)>,
    /// Calls that it will take, by phase, in the order of the phases' first calls.
    pub forecast: Vec<(String, u64)>,
    /// What it was made from: [`plan_hash`].
    pub hash: String,
    /// Claims that do not hold.
    pub findings: Vec<Finding>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// The staged tables.
    pub build: &'a BuildId,
    /// The platform that the plan is shaped for.
    pub target: &'a str,
    /// The customer's decisions.
    pub mapping: &'a Mapping,
    /// The SQL.
    pub models: &'a Models,
    /// In which order tickets are replayed.
    pub order: Order,
    /// The run whose plan the target holds, so that only what changed since is made.
    pub follows: Option<&'a RunFacts>,
}

/// Writes the plan of a run.
///
/// # Errors
/// `FixConfig` when there is no such build or the target is unknown, `FixData` for SQL that fails.
pub async fn plan(warehouse: &Warehouse, recipe: Recipe<'_>, run: &RunId) -> Result<Planned> {
    plan_in(&Session::open(warehouse)?, recipe, run).await
}

/// [`plan`] on a given number of threads, on which the bytes of the tables do not depend.
///
/// # Errors
/// As [`plan`].
pub async fn plan_on(
    threads: usize,
    warehouse: &Warehouse,
    recipe: Recipe<'_>,
    run: &RunId,
) -> Result<Planned> {
    let session = Session::open_with(warehouse, threads, Arc::default())?;
    plan_in(&session, recipe, run).await
}

async fn plan_in(session: &Session, recipe: Recipe<'_>, run: &RunId) -> Result<Planned> {
    let wanted = wanted_models(recipe.target, recipe.models)?;
    let hash = hash_of(recipe, &wanted);
    let staged = catalog::register_build(session, recipe.build).await?;
    tables::register_mapping(session, recipe.mapping)?;
    let follows = recipe.follows.map(|facts| &facts.run);
    tables::register_replay(session, recipe.order, follows)?;
    let earlier = before::register(session, follows).await?;
    let config = ["config.mapping", "config.replay"].map(str::to_owned);
    let known = staged.into_iter().chain(earlier).chain(config);
    let known = Known { tables: known.collect() };
    let ordered = graph::in_order(wanted, schema_of, &known)?;
    let place = |model: &Model| layout::plan_table(run, &model.name);
    let (tables, findings) = staging::run(session, &ordered, &[], schema_of, place).await?;
    Ok(Planned { tables, forecast: forecast_of(session, run).await?, hash, findings })
}

/// The hash of everything that a plan is made from, without making it.
///
/// # Errors
/// `FixConfig` when the target is unknown.
pub fn plan_hash(recipe: Recipe<'_>) -> Result<String> {
    Ok(hash_of(recipe, &wanted_models(recipe.target, recipe.models)?))
}

fn hash_of(recipe: Recipe<'_>, models: &[Model]) -> String {
    let order = format!("order={}", recipe.order.word());
    let mut pieces = vec![recipe.build.to_string(), recipe.target.to_owned(), order];
    pieces.extend(recipe.follows.map(|facts| format!("follows={} {}", facts.run, facts.plan_hash)));
    pieces.extend(recipe.mapping.columns().map(|(key, value)| format!("{key}={value}")));
    for model in models {
        pieces.push(model.file.clone());
        pieces.push(model.sql.clone());
    }
    staging::fingerprint(pieces.iter().map(String::as_str))
}

fn wanted_models(target: &str, models: &Models) -> Result<Vec<Model>> {
    let wanted = models.of(|layer| match layer {
        Layer::Plan(of) => of == target,
        Layer::Check(of) => of == "plan",
        _ => false,
    })?;
    if wanted.iter().any(|model| matches!(model.layer, Layer::Plan(_))) {
        Ok(wanted)
    } else {
        Err(Fault::config(format!("there are no models for the target {target:?}")))
    }
}

fn schema_of(_: &Layer) -> &'static str {
    "plan"
}

async fn forecast_of(session: &Session, run: &RunId) -> Result<Vec<(String, u64)>> {
    let path = layout::plan_table(run, "forecast");
    let mut rows = landing::table::read(&session.warehouse, &path).await?;
    let mut forecast = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let (Some(phases), Some(calls)) =
            (batch.column_by_name("phase"), batch.column_by_name("calls"))
        else {
            return Err(Fault::data("plan.forecast lacks its columns phase and calls"));
        };
        let calls = calls.as_primitive::<Int64Type>();
        for (phase, calls) in phases.as_string::<i32>().iter().zip(calls) {
            let calls = u64::try_from(calls.unwrap_or(0)).unwrap_or(0);
            forecast.push((phase.unwrap_or("").to_owned(), calls));
        }
    }
    Ok(forecast)
}
