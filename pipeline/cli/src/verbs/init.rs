//! `deskferry init`: a commented configuration to start from, or the SQL of the program to start
//! one's own models from.

use std::fmt::Write;
use std::path::Path;

use extract::Manifest;
use kernel::mapping::{DECISIONS, FILTERS, Mapping, Values};
use kernel::{Fault, Result};
use transform::Models;

use crate::Ending;
use crate::arguments::Init;
use crate::print;

pub(crate) fn run(init: &Init, path: &Path) -> Result<Ending> {
    if let Some(folder) = &init.models {
        return write_models(folder);
    }
    let (source, target) = (Manifest::built_in(&init.source)?, Manifest::built_in(&init.target)?);
    if path.exists() {
        return Err(Fault::config(format!("{} is there already", path.display()))
            .hint("--config PATH writes to another place"));
    }
    let folder = std::path::absolute("warehouse").unwrap_or_else(|_| "/srv/move".into());
    std::fs::write(path, text(&source, &target, &folder)).map_err(|error| {
        Fault::config(format!("{} cannot be written", path.display())).because(error)
    })?;
    print::talk(&format!("wrote {}; fill it in, then run deskferry extract", path.display()));
    Ok(Ending::Done)
}

/// Writes every model and check of the program into a folder that is not there yet.
fn write_models(folder: &Path) -> Result<Ending> {
    if folder.exists() {
        return Err(Fault::config(format!("{} is there already", folder.display()))
            .hint("name a folder that is not there yet; nothing is overwritten"));
    }
    let unwritable = |error: std::io::Error| {
        Fault::config(format!("{} cannot be written", folder.display())).because(error)
    };
    let models = Models::embedded();
    for (file, sql) in models.files() {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(unwritable)?;
        std::fs::write(&path, sql).map_err(unwritable)?;
    }
    print::talk(&format!(
        "wrote {} models and checks to {}; keep those that you change, in a folder of their own \
         that [transform] models names: what is there stands in place of ours, also in a later \
         version of deskferry",
        models.files().count(),
        folder.display()
    ));
    Ok(Ending::Done)
}

fn text(source: &Manifest, target: &Manifest, folder: &Path) -> String {
    let mut text = String::from(
        "# Where everything is kept: file:///folder, or s3://bucket/prefix with the usual AWS_*.\n\
         [warehouse]\n",
    );
    let _ = writeln!(text, "url = \"file://{}\"", folder.display());
    for (section, manifest) in [("source", source), ("target", target)] {
        let _ = writeln!(text, "\n# {}, see {}\n[{section}]", manifest.name, manifest.docs);
        let _ = writeln!(text, "platform = \"{}\"", manifest.platform);
        let _ = writeln!(
            text,
            "# base_url = \"{}\"  # when left out",
            manifest.url_base.replace("{{ config.", "<").replace(" }}", ">")
        );
        for (name, setting) in &manifest.spec {
            let _ = writeln!(text, "# {}", setting.meaning);
            let variable = format!("{}_{name}", manifest.platform).to_uppercase();
            let line = match (&setting.default, setting.secret) {
                (Some(default), _) => format!("# {name} = \"{default}\""),
                (None, true) => format!("{name} = {{ env = \"{variable}\" }}"),
                (None, false) => format!("{name} = \"\""),
            };
            let _ = writeln!(text, "{line}");
        }
    }
    text.push_str(
        "\n# SQL of your own, added to ours or in its place: deskferry init --models FOLDER writes \
         ours.\n[transform]\n# models = \"models\"\n",
    );
    text.push_str(
        "\n# Every decision that is yours; the values shown are the defaults.\n[mapping]\n",
    );
    let mapping = Mapping::of_source(&source.platform);
    for (decision, (key, value)) in DECISIONS.iter().zip(mapping.iter()) {
        let _ = writeln!(text, "# {}: {}", decision.meaning, decision.values.described());
        let _ = writeln!(text, "{key} = \"{value}\"");
    }
    text.push_str(
        "\n# Only some tickets: those for which everything holds that is set here.\n[filter]\n",
    );
    for filter in FILTERS {
        let _ = writeln!(text, "# {}: {}", filter.meaning, filter.values.described());
        let value = if filter.values == Values::Texts { "[]" } else { "\"\"" };
        let _ = writeln!(text, "# {} = {value}", filter.key);
    }
    text
}
