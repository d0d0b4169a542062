//! `deskferry snapshot`: what was landed, the proof that it is unchanged, and its way out.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use kernel::{Fault, Result, SnapshotId};
use landing::outside::Outside;
use landing::snapshot::{describe, list};
use landing::verify::{Verdict, verify};
use landing::{Warehouse, export, sign};

use super::extract_source::print_streams;
use super::newest_snapshot;
use crate::Ending;
use crate::arguments::{Export, Format, Shape, Sign, Snapshot, Verify};
use crate::config::Config;
use crate::print;

pub(crate) async fn run(
    config: impl Fn() -> Result<Config>,
    what: &Snapshot,
    format: Format,
) -> Result<Ending> {
    match what {
        Snapshot::List => show_list(&config()?.warehouse()?, format).await,
        Snapshot::Show(choice) => {
            let (warehouse, id) = chosen(&config()?, choice.snapshot.as_deref()).await?;
            show(&warehouse, &id, format).await
        }
        Snapshot::Verify(verify) => check(config, verify, format).await,
        Snapshot::Sign(sign) => put_signature(&config()?, sign).await,
        Snapshot::Export(export) => write_out(&config()?, export).await,
    }
}

async fn chosen(config: &Config, wanted: Option<&str>) -> Result<(Warehouse, SnapshotId)> {
    let warehouse = config.warehouse()?;
    let id = match wanted {
        Some(text) => text.parse()?,
        None => newest_snapshot(&warehouse, config.source()?.platform()).await?,
    };
    Ok((warehouse, id))
}

async fn show_list(warehouse: &Warehouse, format: Format) -> Result<Ending> {
    let mut rows = Vec::new();
    for id in list(warehouse).await? {
        let facts = describe(warehouse, &id).await?;
        let records: u64 = facts.streams.values().map(|stream| stream.keys).sum();
        rows.push(vec![
            id.to_string(),
            facts.parent.map(|parent| parent.to_string()).unwrap_or_default(),
            facts.account,
            facts.started_at,
            facts.sealed_at,
            records.to_string(),
            facts.files.to_string(),
            facts.gaps.len().to_string(),
        ]);
    }
    let header =
        ["snapshot", "parent", "account", "started_at", "sealed_at", "records", "files", "gaps"];
    print::rows(format, &header, &rows)?;
    Ok(Ending::Done)
}

async fn show(warehouse: &Warehouse, id: &SnapshotId, format: Format) -> Result<Ending> {
    let facts = describe(warehouse, id).await?;
    print_streams(&facts, format)?;
    print::talk(&format!("snapshot {id} of account {}, made by {}", facts.account, facts.tool));
    print::talk(&format!("began {}, sealed {}", facts.started_at, facts.sealed_at));
    if let (Some(parent), Some(sha256)) = (&facts.parent, &facts.parent_sha256) {
        print::talk(&format!("holds what changed since {parent}, whose tag manifest is {sha256}"));
    }
    for (name, value) in &facts.filters {
        print::talk(&format!("left out on purpose: {name} = {value}"));
    }
    for gap in &facts.gaps {
        let key = gap.key.as_deref().unwrap_or("the whole stream");
        print::talk(&format!("gap in {}: {key}: {}", gap.stream, gap.reason));
    }
    for sentence in &facts.evidence {
        print::talk(&format!("evidence: {sentence}"));
    }
    for sentence in &facts.unproven {
        print::talk(&format!("not proven: {sentence}"));
    }
    Ok(Ending::Done)
}

async fn check(
    config: impl Fn() -> Result<Config>,
    choice: &Verify,
    format: Format,
) -> Result<Ending> {
    let public_key = choice.public_key.as_deref().map(read_key).transpose()?;
    let public_key = public_key.as_deref();
    let outside = choice.snapshot.as_deref().map(Path::new).filter(|path| path.exists());
    let (name, mut verdict, is_signed) = match outside {
        Some(path) => {
            let bag = Outside::open(path)?;
            let is_signed = match public_key {
                Some(key) => bag.check_signature(key).await?,
                None => true,
            };
            (path.display().to_string(), bag.verify().await?, is_signed)
        }
        None => {
            let (warehouse, id) = chosen(&config()?, choice.snapshot.as_deref()).await?;
            let root = landing::layout::snapshot(&id);
            let is_signed = match public_key {
                Some(key) => sign::check_signature(&warehouse, &root, key).await?,
                None => true,
            };
            (id.to_string(), verify(&warehouse, &id).await?, is_signed)
        }
    };
    if !is_signed {
        verdict.findings.push("the signature is not of this key and this tag manifest".to_owned());
    }
    print_verdict(&name, &verdict, format)
}

fn print_verdict(name: &str, verdict: &Verdict, format: Format) -> Result<Ending> {
    let rows: Vec<Vec<String>> =
        verdict.findings.iter().map(|finding| vec![name.to_owned(), finding.clone()]).collect();
    if !rows.is_empty() {
        print::rows(format, &["snapshot", "finding"], &rows)?;
    }
    for note in &verdict.notes {
        print::talk(note);
    }
    let outcome = if rows.is_empty() { "is as it was sealed" } else { "was changed" };
    print::talk(&format!(
        "{name} {outcome}: {} snapshots of its chain, {} files and {} bytes hashed again, {} replies with {} records rebuilt",
        verdict.snapshots, verdict.files, verdict.bytes, verdict.bodies, verdict.records
    ));
    Ok(Ending::of(rows.len() as u64))
}

async fn put_signature(config: &Config, choice: &Sign) -> Result<Ending> {
    let (warehouse, id) = chosen(config, choice.choice.snapshot.as_deref()).await?;
    sign::sign(&warehouse, &id, &read_key(&choice.key)?).await?;
    print::talk(&format!("signed {id}: tagmanifest-sha256.txt.sig lies beside its tag manifest"));
    Ok(Ending::Done)
}

async fn write_out(config: &Config, choice: &Export) -> Result<Ending> {
    let (warehouse, id) = chosen(config, choice.choice.snapshot.as_deref()).await?;
    if choice.stream.is_some() && choice.shape == Shape::Tar {
        return Err(Fault::config("a tar holds the whole snapshot")
            .hint("leave --stream out, or add --as jsonl"));
    }
    let mut out: Box<dyn Write + Send> = match &choice.to {
        Some(path) => {
            let file = File::create_new(path).map_err(|error| {
                Fault::config(format!("{} cannot be written", path.display()))
                    .hint("--to names a file that is not there yet, in a folder that is")
                    .because(error)
            })?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(std::io::stdout()),
    };
    let count = match choice.shape {
        Shape::Tar => export::export_tar(&warehouse, &id, &mut out).await,
        Shape::Jsonl => {
            export::export_jsonl(&warehouse, &id, choice.stream.as_deref(), &mut out).await
        }
    };
    // Whoever reads from a pipe may stop reading.
    let count = match count {
        Err(fault) if choice.to.is_none() && is_broken_pipe(&fault) => return Ok(Ending::Done),
        count => count?,
    };
    out.flush().map_err(|error| Fault::retry("the export could not be written").because(error))?;
    let what = if choice.shape == Shape::Tar { "bytes" } else { "records" };
    print::talk(&format!("exported {id}: {count} {what}"));
    Ok(Ending::Done)
}

fn is_broken_pipe(fault: &Fault) -> bool {
    let cause = std::error::Error::source(fault).and_then(|cause| cause.downcast_ref());
    cause.is_some_and(|error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn read_key(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        Fault::config(format!("the key {} cannot be read", path.display()))
            .hint("it is a PEM file; openssl genpkey -algorithm ed25519 makes one")
            .because(error)
    })
}
