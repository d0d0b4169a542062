//! `deskferry.toml`: read, checked, completed. Unknown keys are refused with the nearest known one.
//!
//! Secrets are named, not written down, and are looked up only when a verb needs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use extract::Manifest;
use kernel::{Code, Fault, Mapping, Result, nearest};
use landing::Warehouse;
use toml::{Table, Value};
use transform::Models;

/// Keys of `[source]` and `[target]` that every platform knows.
const SIDE_KEYS: [&str; 10] = [
    "platform",
    "manifest",
    "base_url",
    "calls_per_day",
    "private_hosts",
    "calls_per_window",
    "window_s",
    "skip_streams",
    "flush_ms",
    "lookup_s",
];

/// A configuration.
#[derive(Debug)]
pub(crate) struct Config {
    warehouse: String,
    source: Option<Side>,
    target: Option<Side>,
    /// The decisions that are the customer's.
    pub(crate) mapping: Mapping,
    own_models: Option<OwnModels>,
    password: Option<Given>,
}

/// A folder of the user's own models.
#[derive(Debug)]
struct OwnModels {
    folder: PathBuf,
    /// As it is written down, for messages.
    shown: String,
}

/// One helpdesk.
#[derive(Debug)]
pub(crate) struct Side {
    section: &'static str,
    /// How it is spoken to.
    pub(crate) manifest: Manifest,
    /// Its address, when it is not the vendor's.
    pub(crate) base_url: Option<String>,
    /// Calls on one UTC day after which to stop.
    pub(crate) calls_per_day: Option<u64>,
    /// Private hosts that files may be fetched from.
    pub(crate) private_hosts: Vec<String>,
    /// Calls in a window.
    pub(crate) calls_per_window: Option<u32>,
    /// Length of the window, in seconds.
    pub(crate) window_s: Option<u64>,
    /// Streams that are left out on purpose.
    pub(crate) skip_streams: Vec<String>,
    /// How long a reply may stay in memory only, in milliseconds.
    pub(crate) flush_ms: Option<u64>,
    /// How long a record is looked for whose reply was lost, in seconds.
    pub(crate) lookup_s: Option<u64>,
    settings: BTreeMap<String, Given>,
}

/// A value as it is given.
#[derive(Debug, Clone)]
enum Given {
    Text(String),
    Env(String),
    File(PathBuf),
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// `FixConfig` that names the place and says what to write there.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::config(format!("{} cannot be read", path.display()))
                .coded(Code::NoConfiguration)
                .hint("deskferry init writes one; --config PATH names another")
                .because(error)
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|fault| fault.during(path.display().to_string()))
    }

    fn parse(text: &str, folder: &Path) -> Result<Self> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count().max(1));
            Fault::config(format!("line {line}: {}", error.message()))
                .hint("correct the spelling of the file; it is TOML")
        })?;
        let sections = ["warehouse", "source", "transform", "target", "mapping", "filter", "serve"];
        check_keys(&table, "the file", sections)?;
        let warehouse = section(&table, "warehouse")?.ok_or_else(no_warehouse)?;
        check_keys(warehouse, "[warehouse]", ["url"])?;
        let url = warehouse.get("url").and_then(Value::as_str).ok_or_else(no_warehouse)?;
        let source = side(&table, "source", folder)?;
        let mut mapping = match &source {
            Some(source) => Mapping::of_source(source.platform()),
            None => Mapping::default(),
        };
        for (key, value) in section(&table, "mapping")?.into_iter().flatten() {
            let value = match value {
                Value::Integer(number) => number.to_string(),
                other => other.as_str().ok_or_else(|| not_text("mapping", key))?.to_owned(),
            };
            mapping.set(key, &value)?;
        }
        for (key, value) in section(&table, "filter")?.into_iter().flatten() {
            mapping.set_filter(key, &filter_values(key, value)?)?;
        }
        let password = password(section(&table, "serve")?, folder)?;
        Ok(Self {
            password,
            warehouse: url.to_owned(),
            source,
            target: side(&table, "target", folder)?,
            mapping,
            own_models: own_models(&table, folder)?,
        })
    }

    /// The models: those of the program, and the user's own added to them or in their place.
    pub(crate) fn models(&self) -> Result<Models> {
        let ours = Models::embedded();
        match &self.own_models {
            None => Ok(ours),
            Some(own) => ours.with_folder(&own.folder, &own.shown),
        }
    }

    /// Opens the warehouse.
    pub(crate) fn warehouse(&self) -> Result<Warehouse> {
        Warehouse::open(&self.warehouse)
    }

    /// The password of `deskferry serve`, when one is set.
    pub(crate) fn serve_password(&self) -> Result<Option<String>> {
        self.password.as_ref().map(|given| look_up("serve", "password", given)).transpose()
    }

    /// The old helpdesk.
    pub(crate) fn source(&self) -> Result<&Side> {
        self.source.as_ref().ok_or_else(|| no_side("source", "crisp"))
    }

    /// The new helpdesk.
    pub(crate) fn target(&self) -> Result<&Side> {
        self.target.as_ref().ok_or_else(|| no_side("target", "gorgias"))
    }
}

impl Side {
    /// Name of the platform.
    pub(crate) fn platform(&self) -> &str {
        &self.manifest.platform
    }

    /// The manifest's settings, completed and with their secrets.
    pub(crate) fn settings(&self) -> Result<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        for (name, given) in &self.settings {
            values.insert(name.clone(), look_up(self.section, name, given)?);
        }
        self.manifest.settle(values, self.section)
    }

    /// Where all paths begin.
    pub(crate) fn address(&self) -> Result<String> {
        let open = self.settings.iter().filter_map(|(name, given)| match given {
            Given::Text(text) => Some((name.clone(), text.clone())),
            Given::Env(_) | Given::File(_) => None,
        });
        self.manifest.address(self.base_url.as_deref(), &open.collect())
    }
}

#[expect(clippy::disallowed_methods, reason = "the program is who reads the environment")]
fn look_up(section: &str, name: &str, given: &Given) -> Result<String> {
    match given {
        Given::Text(text) => Ok(text.clone()),
        Given::Env(variable) => std::env::var(variable).map_err(|_| {
            Fault::config(format!("[{section}] {name}: {variable} is not in the environment"))
                .coded(Code::SecretMissing)
                .hint(format!("export {variable} with the value, then run it again"))
        }),
        Given::File(path) => std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| {
                Fault::config(format!("[{section}] {name}: its file cannot be read"))
                    .coded(Code::SecretMissing)
                    .hint(format!("put the value into {}", path.display()))
                    .because(error)
            }),
    }
}

/// The password of the section `[serve]`, which is a secret and so never written down.
fn password(serve: Option<&Table>, folder: &Path) -> Result<Option<Given>> {
    let Some(serve) = serve else { return Ok(None) };
    check_keys(serve, "[serve]", ["password"])?;
    let Some(value) = serve.get("password") else { return Ok(None) };
    match given("serve", "password", value, folder)? {
        Given::Text(_) => Err(Fault::config("[serve] password is a secret written down")
            .coded(Code::SecretWrittenDown)
            .hint("write password = { env = \"NAME\" } or { file = \"path\" }")),
        given => Ok(Some(given)),
    }
}

/// A filter's value: a text, a time, or a list of texts.
fn filter_values(key: &str, value: &Value) -> Result<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Datetime(time) => Some(time.to_string()),
        _ => None,
    };
    let values = match value {
        Value::Array(list) => list.iter().map(one).collect(),
        value => one(value).map(|value| vec![value]),
    };
    values.ok_or_else(|| {
        Fault::config(format!("[filter] {key} is neither a text nor a list of texts"))
            .hint(format!("write {key} = [\"one\", \"two\"]"))
    })
}

fn own_models(table: &Table, folder: &Path) -> Result<Option<OwnModels>> {
    let Some(inner) = section(table, "transform")? else { return Ok(None) };
    check_keys(inner, "[transform]", ["models"])?;
    let shown = text(inner, "transform", "models")?;
    Ok(shown.map(|shown| OwnModels { folder: folder.join(&shown), shown }))
}

fn section<'a>(table: &'a Table, name: &str) -> Result<Option<&'a Table>> {
    match table.get(name) {
        None => Ok(None),
        Some(Value::Table(inner)) => Ok(Some(inner)),
        Some(_) => Err(Fault::config(format!("{name} is not a section"))
            .hint(format!("write [{name}] on a line of its own"))),
    }
}

fn side(table: &Table, name: &'static str, folder: &Path) -> Result<Option<Side>> {
    let Some(inner) = section(table, name)? else { return Ok(None) };
    let manifest = manifest(inner, name, folder)?;
    let known = SIDE_KEYS.into_iter().chain(manifest.spec.keys().map(String::as_str));
    check_keys(inner, &format!("[{name}]"), known)?;
    let mut settings = BTreeMap::new();
    for (key, setting) in &manifest.spec {
        if let Some(value) = inner.get(key) {
            let given = given(name, key, value, folder)?;
            if setting.secret && matches!(given, Given::Text(_)) {
                return Err(Fault::config(format!("[{name}] {key} is a secret written down"))
                    .coded(Code::SecretWrittenDown)
                    .hint(format!("write {key} = {{ env = \"NAME\" }} or {{ file = \"path\" }}")));
            }
            settings.insert(key.clone(), given);
        }
    }
    Ok(Some(Side {
        section: name,
        base_url: text(inner, name, "base_url")?,
        calls_per_day: number(inner, name, "calls_per_day")?,
        private_hosts: texts(inner, name, "private_hosts")?,
        calls_per_window: number(inner, name, "calls_per_window")?.map(|calls| calls as u32),
        window_s: number(inner, name, "window_s")?,
        skip_streams: texts(inner, name, "skip_streams")?,
        flush_ms: number(inner, name, "flush_ms")?,
        lookup_s: number(inner, name, "lookup_s")?,
        manifest,
        settings,
    }))
}

/// The manifest of a known platform, or the user's own.
fn manifest(table: &Table, section: &str, folder: &Path) -> Result<Manifest> {
    let platform = text(table, section, "platform")?;
    let Some(file) = text(table, section, "manifest")? else {
        let platform = platform.ok_or_else(|| {
            Fault::config(format!("[{section}] platform is missing"))
                .hint(format!("known platforms: {}", Manifest::platforms().join(", ")))
        })?;
        return Manifest::built_in(&platform);
    };
    let path = folder.join(&file);
    let written = std::fs::read_to_string(&path).map_err(|error| {
        Fault::config(format!("[{section}] manifest: {} cannot be read", path.display()))
            .hint("give the path of a manifest, or leave the key out and name a known platform")
            .because(error)
    })?;
    let manifest = Manifest::parse(&written, &file)?;
    match platform.filter(|platform| *platform != manifest.platform) {
        None => Ok(manifest),
        Some(platform) => Err(Fault::config(format!(
            "[{section}] platform is {platform:?}, its manifest is of {:?}",
            manifest.platform
        ))
        .hint("leave platform out; the manifest names it")),
    }
}

fn given(section: &str, key: &str, value: &Value, folder: &Path) -> Result<Given> {
    match value {
        Value::String(text) => Ok(Given::Text(text.clone())),
        Value::Integer(number) => Ok(Given::Text(number.to_string())),
        Value::Table(source) if source.len() == 1 => {
            let named = |word: &str| source.get(word).and_then(Value::as_str);
            let env = named("env").map(|name| Given::Env(name.to_owned()));
            let file = named("file").map(|path| Given::File(folder.join(path)));
            env.or(file).ok_or_else(|| not_a_source(section, key))
        }
        _ => Err(not_a_source(section, key)),
    }
}

fn check_keys<'a>(
    table: &Table,
    place: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<()> {
    let is_known = |key: &str| known.clone().into_iter().any(|word| word == key);
    match table.keys().find(|key| !is_known(key)) {
        None => Ok(()),
        Some(key) => Err(Fault::config(format!("{place} has no key {key:?}"))
            .coded(Code::UnknownKey)
            .hint(nearest::hint(key, known.clone()))),
    }
}

fn text(table: &Table, section: &str, key: &str) -> Result<Option<String>> {
    match table.get(key) {
        None => Ok(None),
        Some(value) => {
            let text = value.as_str().ok_or_else(|| not_text(section, key))?;
            Ok(Some(text.to_owned()))
        }
    }
}

fn texts(table: &Table, section: &str, key: &str) -> Result<Vec<String>> {
    let Some(value) = table.get(key) else { return Ok(Vec::new()) };
    let list = value.as_array().map(|list| list.iter().map(Value::as_str).collect());
    let list: Option<Vec<&str>> = list.flatten();
    let list = list.ok_or_else(|| {
        Fault::config(format!("[{section}] {key} is not a list of texts"))
            .hint(format!("write {key} = [\"…\", \"…\"]"))
    })?;
    Ok(list.into_iter().map(str::to_owned).collect())
}

fn number(table: &Table, section: &str, key: &str) -> Result<Option<u64>> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let found = value.as_integer().and_then(|number| u32::try_from(number).ok());
    found.filter(|number| *number > 0).map(|number| Some(u64::from(number))).ok_or_else(|| {
        Fault::config(format!("[{section}] {key} is not a number above 0"))
            .hint(format!("write {key} = 5000, or leave it out"))
    })
}

fn not_text(section: &str, key: &str) -> Fault {
    Fault::config(format!("[{section}] {key} is not a text"))
        .hint(format!("write {key} = \"…\" with quotation marks"))
}

fn not_a_source(section: &str, key: &str) -> Fault {
    Fault::config(format!("[{section}] {key} has no value that can be used"))
        .hint(format!("write {key} = \"text\", {{ env = \"NAME\" }} or {{ file = \"path\" }}"))
}

fn no_warehouse() -> Fault {
    Fault::config("[warehouse] url is missing")
        .hint("write [warehouse] and url = \"file:///an/absolute/folder\"")
}

fn no_side(section: &str, platform: &str) -> Fault {
    Fault::config(format!("[{section}] is missing"))
        .hint(format!("write [{section}] and platform = \"{platform}\"; deskferry init shows all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"
[warehouse]
url = "memory://"
[source]
platform = "crisp"
website_id = "w"
identifier = { env = "DESKFERRY_TEST_NOT_SET" }
key = { file = "key" }
[transform]
models = "own"
[target]
platform = "gorgias"
base_url = "http://127.0.0.1:8711"
email = "admin@shop.example"
api_key = { env = "DESKFERRY_TEST_NOT_SET" }
[mapping]
anonymous = "shared"
"#;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, Path::new("."))
    }

    #[test]
    fn secrets_are_looked_up_only_when_they_are_needed() {
        let config = parse(SHOP).expect("is well formed");
        assert_eq!(config.mapping.get("anonymous"), "shared");
        let target = config.target().expect("is there");
        assert_eq!(target.address().expect("is given"), "http://127.0.0.1:8711");
        let fault = target.settings().expect_err("the variable is not set");
        assert!(fault.advice().contains("export DESKFERRY_TEST_NOT_SET"));
    }

    #[test]
    fn a_slip_in_a_key_names_the_nearest_one() {
        for (slip, wanted) in [
            ("website_id", "webiste_id"),
            ("[mapping]", "[maping]"),
            ("anonymous", "anonymos"),
            ("url", "urll"),
            ("models", "modles"),
            ("[transform]", "[transfrom]"),
        ]
        .map(|(word, slip)| (SHOP.replacen(word, slip, 1), word))
        {
            let fault = parse(&slip).expect_err(wanted);
            assert!(fault.advice().contains(wanted.trim_matches(['[', ']'])), "{fault}");
        }
    }

    #[test]
    fn own_models_lie_where_the_configuration_lies() {
        let config = Config::parse(SHOP, Path::new("/nowhere")).expect("is well formed");
        let own = config.own_models.as_ref().expect("is given");
        assert_eq!(own.folder, Path::new("/nowhere/own"));
        let fault = config.models().expect_err("there is none");
        assert_eq!(fault.to_string(), "there is no folder own of models");
    }

    #[test]
    fn a_secret_in_the_file_is_refused() {
        let text = SHOP.replace("{ file = \"key\" }", "\"k-123\"");
        let fault = parse(&text).expect_err("is written down");
        assert!(!fault.to_string().contains("k-123"));
        assert!(fault.advice().contains("env"));
    }
}
