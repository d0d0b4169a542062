//! `deskferry report --rebuild`: what is made again by hand, as a page and as JSON.

use std::path::Path;

use audit::{Page, RebuildKit};
use kernel::{Fault, Result};

use super::query::sight;
use crate::Ending;
use crate::arguments::{Format, Report, ReportShape};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, report: &Report, format: Format) -> Result<Ending> {
    let shape = match (report.shape, format) {
        (Some(shape), _) => shape,
        (None, Format::Table) => ReportShape::Markdown,
        (None, Format::Json) => ReportShape::Json,
        (None, Format::Csv) => {
            return Err(Fault::config("a report is no table")
                .hint("--as markdown, --as html and --as json are the forms that it has"));
        }
    };
    let sight = sight(config, &report.choice)?;
    let scope = sight.scope().await?;
    let target = config.target().ok().map(|side| side.platform().to_owned());
    let kit = audit::rebuild_kit(&sight.warehouse, &scope, target.as_deref()).await?;
    let text = written(&kit, shape)?;
    let Some(folder) = &report.out else {
        print::data(&text)?;
        return Ok(Ending::Done);
    };
    keep(folder, "rebuild.json", &written(&kit, ReportShape::Json)?)?;
    match shape {
        ReportShape::Markdown => keep(folder, "rebuild.md", &text)?,
        ReportShape::Html => keep(folder, "rebuild.html", &text)?,
        ReportShape::Json => {}
    }
    print::talk(&format!("{} things of {} kinds", kit.count, kit.groups.len()));
    Ok(Ending::Done)
}

fn written(kit: &RebuildKit, shape: ReportShape) -> Result<String> {
    match shape {
        ReportShape::Markdown => kit.page(Page::Markdown),
        ReportShape::Html => kit.page(Page::Html),
        ReportShape::Json => serde_json::to_string_pretty(kit)
            .map(|text| text + "\n")
            .map_err(|error| Fault::bug("a report cannot be written down").because(error)),
    }
}

fn keep(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, text)).map_err(
        |error| {
            Fault::config(format!("{} cannot be written", path.display()))
                .hint("--out names a folder that this user may write to")
                .because(error)
        },
    )?;
    print::talk(&format!("wrote {}", path.display()));
    Ok(())
}
