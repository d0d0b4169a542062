//! `deskferry explain`: one record from the bytes that were received to what the target holds.

use kernel::{Fault, Result};
use transform::Models;

use super::query::scope;
use crate::Ending;
use crate::arguments::{Explain, Format};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(config: &Config, explain: &Explain, format: Format) -> Result<Ending> {
    if format == Format::Csv {
        return Err(Fault::config("an explanation is no table")
            .hint("--format json gives all of it as one document"));
    }
    let warehouse = config.warehouse()?;
    let scope = scope(config, &warehouse, &explain.choice).await?;
    let models = Models::embedded();
    let explanation = audit::explain(&warehouse, &scope, &models, &explain.id).await?;
    let text = match format {
        Format::Json => serde_json::to_string_pretty(&explanation)
            .map_err(|error| Fault::bug("an explanation cannot be written down").because(error))?,
        _ => explanation.in_words(),
    };
    print::data(&format!("{}\n", text.trim_end()))?;
    Ok(Ending::Done)
}
