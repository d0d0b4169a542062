//! The help center of a plan: sections, parents first, and the articles that hang in them.
//!
//! Plans for targets that take no help center lack both tables, which reads as nothing planned.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use kernel::{Result, RunId};
use landing::{Warehouse, layout};
use serde::Deserialize;

use super::columns::Columns;
use super::read::{Rows, rows};

/// A place that articles hang in: a category, a section of one, a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Place in the order of replay, parents first.
    pub seq: i64,
    /// Id in the plan.
    pub section_id: String,
    /// What it hangs in; nothing at the top.
    pub parent_section_id: Option<String>,
    /// Its language.
    pub locale: String,
    /// What kind of pages it holds, as `articles`.
    pub content_type: String,
    /// Its name, unique among its siblings.
    pub title: String,
    /// What it holds.
    pub description: Option<String>,
    /// Its name in addresses, unique among its siblings.
    pub slug: String,
    /// The slugs from the top down to its own.
    pub path: String,
    /// Its colour.
    pub color: Option<String>,
}

/// A page of the help center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// Place in the order of replay.
    pub seq: i64,
    /// Id in the plan.
    pub article_id: String,
    /// What it hangs in; nothing at the top.
    pub section_id: Option<String>,
    /// Its language.
    pub locale: String,
    /// What kind of page it is, as `articles`.
    pub content_type: String,
    /// Its title, unique among its siblings.
    pub title: String,
    /// A line about it.
    pub description: Option<String>,
    /// Its name in addresses, unique among its siblings.
    pub slug: String,
    /// The slugs from the top down to its own.
    pub path: String,
    /// Its text, in Markdown.
    pub body: String,
    /// Whether everybody may read it.
    pub is_published: bool,
    /// Whether it is left out of lists.
    pub is_hidden: bool,
    /// Whether it is shown first.
    pub is_featured: bool,
    /// Pictures in its text.
    pub files: Vec<Picture>,
}

/// A picture in the text of an article.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Picture {
    /// Its content.
    pub sha256: String,
    /// Its address at the source, as it occurs in the text.
    pub url: String,
}

/// The sections, parents first.
pub async fn sections(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Section>> {
    rows_if_there(warehouse, run, "sections", decode_sections).await
}

/// The articles.
pub async fn articles(warehouse: &Warehouse, run: &RunId) -> Result<Rows<Article>> {
    rows_if_there(warehouse, run, "articles", decode_articles).await
}

/// The languages of the plan's sections and articles, each once.
pub async fn help_center_locales(warehouse: &Warehouse, run: &RunId) -> Result<Vec<String>> {
    let mut locales = BTreeSet::new();
    let mut sections = sections(warehouse, run).await?;
    while let Some(section) = sections.try_next().await? {
        locales.insert(section.locale);
    }
    let mut articles = articles(warehouse, run).await?;
    while let Some(article) = articles.try_next().await? {
        locales.insert(article.locale);
    }
    Ok(locales.into_iter().collect())
}

async fn rows_if_there<T: Send + 'static>(
    warehouse: &Warehouse,
    run: &RunId,
    table: &'static str,
    decode: fn(Columns<'_>) -> Result<Vec<T>>,
) -> Result<Rows<T>> {
    match warehouse.exists(&layout::plan_table(run, table)).await? {
        true => rows(warehouse, run, table, decode).await,
        false => Ok(Box::pin(futures::stream::empty())),
    }
}

fn decode_sections(columns: Columns<'_>) -> Result<Vec<Section>> {
    let (seq, section_id) = (columns.number("seq")?, columns.text("section_id")?);
    let parent_section_id = columns.text("parent_section_id")?;
    let (locale, content_type) = (columns.text("locale")?, columns.text("content_type")?);
    let (title, description) = (columns.text("title")?, columns.text("description")?);
    let (slug, path) = (columns.text("slug")?, columns.text("path")?);
    let color = columns.text("color")?;
    let decode = |row| {
        Ok(Section {
            seq: seq.must(row)?,
            section_id: section_id.must(row)?,
            parent_section_id: parent_section_id.get(row),
            locale: locale.must(row)?,
            content_type: content_type.must(row)?,
            title: title.must(row)?,
            description: description.get(row),
            slug: slug.must(row)?,
            path: path.must(row)?,
            color: color.get(row),
        })
    };
    (0..columns.batch.num_rows()).map(decode).collect()
}

fn decode_articles(columns: Columns<'_>) -> Result<Vec<Article>> {
    let (seq, article_id) = (columns.number("seq")?, columns.text("article_id")?);
    let section_id = columns.text("section_id")?;
    let (locale, content_type) = (columns.text("locale")?, columns.text("content_type")?);
    let (title, description) = (columns.text("title")?, columns.text("description")?);
    let (slug, path) = (columns.text("slug")?, columns.text("path")?);
    let (body, is_published) = (columns.text("body")?, columns.flag("is_published")?);
    let (is_hidden, is_featured) = (columns.flag("is_hidden")?, columns.flag("is_featured")?);
    let files = columns.text("files")?;
    let decode = |row| {
        Ok(Article {
            seq: seq.must(row)?,
            article_id: article_id.must(row)?,
            section_id: section_id.get(row),
            locale: locale.must(row)?,
            content_type: content_type.must(row)?,
            title: title.must(row)?,
            description: description.get(row),
            slug: slug.must(row)?,
            path: path.must(row)?,
            body: body.get(row).unwrap_or_default(),
            is_published: is_published.must(row)?,
            is_hidden: is_hidden.must(row)?,
            is_featured: is_featured.must(row)?,
            files: files.json(row)?,
        })
    };
    (0..columns.batch.num_rows()).map(decode).collect()
}
