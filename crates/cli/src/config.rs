//! The configuration: built-in defaults, a file, environment variables and flags, in that order;
//! every value remembers where it came from.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};
use gannet_core::{EventKind, EventKinds};
use gannet_dataset::{CsvMapping, TableMapping, TypedHeaderMapping};
use gannet_retrieval::{LiveLimits, RetrievalConfig};
use gannet_server::AdminAccess;
use gannet_training::Recipe;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::args::Common;

/// Every setting, documented where it stands.
pub(crate) const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// The file that is read where none is named.
const FILE_DEFAULT: &str = "gannet.toml";

/// `GANNET__SERVER__LISTEN` sets `server.listen`.
const VARIABLE_PREFIX: &str = "GANNET__";

/// Tables that `retrieval` reads and checks itself.
const RETRIEVAL_KEYS: [&str; 5] = ["channel", "plan", "scene", "segment", "experiment"];

/// All settings as meant.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data: DataConfig,
    pub(crate) csv: Option<CsvMapping>,
    pub(crate) tables: TypedHeaderMapping,
    pub(crate) parquet: TableMapping,
    pub(crate) jsonl: TableMapping,
    pub(crate) train: Recipe,
    pub(crate) storage: StorageConfig,
    pub(crate) engine: EngineConfig,
    pub(crate) users: LiveLimits,
    pub(crate) server: ServerConfig,
    pub(crate) bench: BenchConfig,
    pub(crate) retrieval: RetrievalConfig,
    pub(crate) values: Vec<Setting>,
    /// What the file was like just before it was read.
    pub(crate) file_stamp: Option<FileStamp>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileStamp {
    modified: SystemTime,
    bytes: u64,
    /// Another file under the same name has another number.
    #[cfg(unix)]
    inode: u64,
}

impl FileStamp {
    /// Of the file that is read; `None` where it is not there.
    pub(crate) fn of(common: &Common) -> Option<Self> {
        let file = common.config.as_deref().unwrap_or(Path::new(FILE_DEFAULT));
        let about = std::fs::metadata(file).ok()?;
        Some(Self {
            modified: about.modified().ok()?,
            bytes: about.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(&about),
        })
    }
}

/// One value with its origin, for `config show`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) origin: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    data: DataConfig,
    csv: Option<CsvMapping>,
    #[serde(default)]
    tables: TypedHeaderMapping,
    #[serde(default)]
    parquet: TableMapping,
    #[serde(default)]
    jsonl: TableMapping,
    train: Recipe,
    storage: StorageConfig,
    engine: EngineConfig,
    users: LiveLimits,
    server: ServerConfig,
    bench: BenchConfig,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataConfig {
    pub(crate) bad_rows_share_max: f64,
    #[serde(default)]
    pub(crate) kinds: Option<Vec<EventKind>>,
}

impl DataConfig {
    /// `None` where the data itself decides.
    pub(crate) fn event_kinds(&self) -> Result<Option<EventKinds>> {
        self.kinds.clone().map(EventKinds::new).transpose().context("data.kinds")
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StorageConfig {
    /// Snapshots that stay after a new one is written; the current one always does.
    pub(crate) snapshots_kept: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineConfig {
    workers: usize,
    pub(crate) abandoned_max: usize,
}

/// More threads than this no machine runs at once.
const THREADS_MAX: usize = 4_096;

impl EngineConfig {
    fn check(&self) -> Result<()> {
        for (key, value) in [("workers", self.workers), ("abandoned_max", self.abandoned_max)] {
            if value > THREADS_MAX {
                bail!("engine.{key}: expected 0 to {THREADS_MAX}, this is {value}");
            }
        }
        Ok(())
    }

    /// Threads that run channels; 0 in the configuration: one a core.
    pub(crate) fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerConfig {
    pub(crate) listen: String,
    pub(crate) body_bytes_max: usize,
    pub(crate) header_timeout_ms: u64,
    pub(crate) request_timeout_ms: u64,
    pub(crate) answer_timeout_ms: u64,
    pub(crate) connections_max: usize,
    pub(crate) running_max: usize,
    pub(crate) waiting_max: usize,
    pub(crate) shutdown_grace_ms: u64,
    pub(crate) admin: AdminAccess,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BenchConfig {
    /// Microseconds that a stage or a channel of a plan may take, by name.
    pub(crate) budget_us: BTreeMap<String, u64>,
}

/// Settings of one origin.
struct Layer {
    origin: String,
    table: Table,
}

impl Config {
    /// Reads and checks every layer.
    pub(crate) fn load(common: &Common) -> Result<Self> {
        let file_stamp = FileStamp::of(common);
        let mut layers = vec![Layer { origin: "default".to_owned(), table: parse(DEFAULTS)? }];
        layers.extend(file_layer(common.config.as_deref())?);
        layers.extend(variable_layers(std::env::vars_os())?);
        for setting in &common.settings {
            layers.push(setting_layer("--set", setting)?);
        }
        Ok(Self { file_stamp, ..Self::of_layers(layers)? })
    }

    /// Keys and values that a running server does not take again.
    pub(crate) fn fixed(&self) -> Vec<(String, String)> {
        let retrieval = |key: &str| {
            let table = key.split(['.', '[']).next().unwrap_or(key);
            RETRIEVAL_KEYS.contains(&table)
        };
        let fixed = self.values.iter().filter(|setting| !retrieval(&setting.key));
        fixed.map(|setting| (setting.key.clone(), setting.value.clone())).collect()
    }

    fn of_layers(layers: Vec<Layer>) -> Result<Self> {
        let (mut merged, mut origins, mut config) = (Table::new(), BTreeMap::new(), None);
        for layer in layers {
            merge(&mut merged, layer.table, "", &layer.origin, &mut origins);
            // Typed after every layer, so that an error names the layer that brought it.
            config = Some(typed(&merged).with_context(|| layer.origin.clone())?);
        }
        let mut config = config.context("there is always a default layer")?;
        config.values = settings(&merged, &origins);
        Ok(config)
    }
}

fn parse(text: &str) -> Result<Table> {
    text.parse::<Table>().map_err(|error| anyhow!("{error}"))
}

fn file_layer(named: Option<&Path>) -> Result<Option<Layer>> {
    let file = match named {
        Some(file) => file.to_owned(),
        None if Path::new(FILE_DEFAULT).is_file() => PathBuf::from(FILE_DEFAULT),
        None => return Ok(None),
    };
    let origin = file.display().to_string();
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {origin}"))?;
    let table = parse(&text).with_context(|| origin.clone())?;
    Ok(Some(Layer { origin, table }))
}

/// Variables of others may be anything, even no text.
fn variable_layers(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Layer>> {
    let mut named: Vec<(String, String)> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(VARIABLE_PREFIX)) else {
            continue;
        };
        let value = value.into_string();
        let value = value.map_err(|_| anyhow!("{name}: expected a value in UTF-8"))?;
        named.push((name.to_owned(), value));
    }
    named.sort();
    let layer = |(name, value): (String, String)| {
        let key = name[VARIABLE_PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        setting_layer(&name, &format!("{key}={value}"))
    };
    named.into_iter().map(layer).collect()
}

/// `a.b=value`, where the value is TOML, or a string where it is not.
fn setting_layer(origin: &str, setting: &str) -> Result<Layer> {
    let Some((key, text)) = setting.split_once('=') else {
        bail!("{origin} {setting}: expected KEY=VALUE, such as server.listen=127.0.0.1:8080");
    };
    let value = format!("value = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::String(text.to_owned()));
    let mut levels: Vec<&str> = key.trim().split('.').collect();
    let last = levels.pop().unwrap_or_default();
    let mut table = Table::from_iter([(last.to_owned(), value)]);
    for level in levels.into_iter().rev() {
        table = Table::from_iter([(level.to_owned(), Value::Table(table))]);
    }
    Ok(Layer { origin: format!("{origin} {}", key.trim()), table })
}

/// Lays `upper` over `lower`. A list replaces a list: half of one and half of another would be
/// a third that nobody wrote.
fn merge(
    lower: &mut Table,
    upper: Table,
    path: &str,
    origin: &str,
    origins: &mut BTreeMap<String, String>,
) {
    for (key, value) in upper {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(lower)), Value::Table(upper)) => {
                merge(lower, upper, &path, origin, origins);
            }
            (_, value) => {
                note_origins(&value, &path, origin, origins);
                lower.insert(key, value);
            }
        }
    }
}

fn note_origins(value: &Value, path: &str, origin: &str, origins: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                note_origins(value, &format!("{path}.{key}"), origin, origins);
            }
        }
        _ => {
            origins.insert(path.to_owned(), origin.to_owned());
        }
    }
}

fn typed(merged: &Table) -> Result<Config> {
    let (mut own, mut retrieval) = (merged.clone(), Table::new());
    for key in RETRIEVAL_KEYS {
        retrieval.extend(own.remove(key).map(|value| (key.to_owned(), value)));
    }
    let typed: Typed = own.try_into()?;
    let retrieval: RetrievalConfig = retrieval.try_into()?;
    retrieval.check()?;
    typed.data.event_kinds()?;
    typed.train.validate()?;
    typed.users.check().context("users")?;
    typed.engine.check()?;
    let share = typed.data.bad_rows_share_max;
    if !(0.0..=1.0).contains(&share) {
        bail!("data.bad_rows_share_max: expected a share from 0 to 1, this is {share}");
    }
    let Typed { data, csv, tables, parquet, jsonl, train, storage, engine, users, server, bench } =
        typed;
    Ok(Config {
        data,
        csv,
        tables,
        parquet,
        jsonl,
        train,
        storage,
        engine,
        users,
        server,
        bench,
        retrieval,
        values: Vec::new(),
        file_stamp: None,
    })
}

fn settings(merged: &Table, origins: &BTreeMap<String, String>) -> Vec<Setting> {
    let mut settings = Vec::new();
    collect(&Value::Table(merged.clone()), "", origins, "", &mut settings);
    settings
}

fn collect(
    value: &Value,
    path: &str,
    origins: &BTreeMap<String, String>,
    inherited: &str,
    settings: &mut Vec<Setting>,
) {
    let origin = origins.get(path).map_or(inherited, String::as_str);
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                collect(value, &below(key), origins, origin, settings);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_table) => {
            for (at, value) in list.iter().enumerate() {
                collect(value, &format!("{path}[{at}]"), origins, origin, settings);
            }
        }
        _ => settings.push(Setting {
            key: path.to_owned(),
            value: value.to_string(),
            origin: origin.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(origin: &str, text: &str) -> Layer {
        Layer { origin: origin.to_owned(), table: text.parse().unwrap() }
    }

    fn default_layer() -> Layer {
        layer("default", DEFAULTS)
    }

    #[test]
    fn the_defaults_are_whole_and_every_value_names_its_origin() {
        let config = Config::of_layers(vec![default_layer()]).unwrap();
        assert!(config.values.len() > 40);
        assert!(config.values.iter().all(|setting| setting.origin == "default"));
    }

    #[test]
    fn the_default_file_says_what_the_code_does() {
        let config = Config::of_layers(vec![default_layer()]).unwrap();
        assert_eq!(config.train, Recipe::default());
        assert_eq!(config.users, LiveLimits::default());
    }

    #[test]
    fn the_example_for_kuairand_is_sound() {
        let example = include_str!("../../../examples/kuairand/gannet.toml");
        let layers = vec![default_layer(), layer("example", example)];
        let config = Config::of_layers(layers).unwrap();
        let (_, plans) = config.retrieval.check().unwrap();
        assert!(plans.scenes().any(|scene| scene.as_str() == "tab-1"));
        assert_eq!(plans.segments().count(), 1);
    }

    #[test]
    fn the_example_of_all_channels_but_vectors_is_sound() {
        let example = include_str!("../../../examples/wide/gannet.toml");
        let config = Config::of_layers(vec![default_layer(), layer("example", example)]).unwrap();
        let (specs, _) = config.retrieval.check().unwrap();
        let kinds: std::collections::BTreeSet<&str> =
            specs.iter().map(|spec| spec.kind.as_str()).collect();
        let all = ["explore", "inverted", "item_cf", "popular", "recent", "trending", "user_cf"];
        assert!(kinds.into_iter().eq(all));
    }

    #[test]
    fn a_later_layer_wins_and_says_so() {
        let layers = vec![
            default_layer(),
            layer("my.toml", "[server]\nlisten = \"127.0.0.1:1\""),
            setting_layer("--set", "server.listen=127.0.0.1:2").unwrap(),
        ];
        let config = Config::of_layers(layers).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:2");
        let listen = config.values.iter().find(|one| one.key == "server.listen").unwrap();
        assert_eq!(listen.origin, "--set server.listen");
    }

    #[test]
    fn an_unknown_key_names_the_layer_and_the_key() {
        for bad in ["[server]\nlissten = 1", "[train.ials]\ndimm = 3", "[plam]\nx = 1"] {
            let layers = vec![default_layer(), layer("my.toml", bad)];
            let error = format!("{:#}", Config::of_layers(layers).unwrap_err());
            assert!(error.starts_with("my.toml"), "{error}");
            assert!(error.contains("unknown field"), "{error}");
        }
    }

    #[test]
    fn limits_of_users_are_checked_and_name_their_layer() {
        let bad = layer("my.toml", "[users]\nhistory_max = 3");
        let error = format!("{:#}", Config::of_layers(vec![default_layer(), bad]).unwrap_err());
        assert_eq!(error, "my.toml: users: history_max: expected 100 to 1000000, this is 3");
        let fewer = layer("my.toml", "[users]\nusers_max = 1000");
        let config = Config::of_layers(vec![default_layer(), fewer]).unwrap();
        assert_eq!(config.users, LiveLimits { users_max: 1000, ..LiveLimits::default() });
        let is_fixed = |key: &str| config.fixed().iter().any(|(fixed, _)| fixed == key);
        assert!(is_fixed("users.users_max") && is_fixed("server.listen"));
        assert!(!is_fixed("plan[0].name") && !is_fixed("channel[0].name"));
    }

    #[test]
    fn variables_name_settings_by_double_underscores() {
        let variables: [(OsString, OsString); 2] = [
            ("GANNET__SERVER__BODY_BYTES_MAX".into(), "77".into()),
            ("GANNET_DATA".into(), "elsewhere".into()),
        ];
        let mut layers = vec![default_layer()];
        layers.extend(variable_layers(variables.into_iter()).unwrap());
        assert_eq!(Config::of_layers(layers).unwrap().server.body_bytes_max, 77);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_an_error_where_it_is_ours_and_nothing_where_it_is_not() {
        let bytes = |bytes: &[u8]| -> OsString {
            std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
        };
        let one = |name: &[u8]| variable_layers(std::iter::once((bytes(name), bytes(b"\xff"))));
        assert!(one(b"LANG").unwrap().is_empty() && one(b"\xfe").unwrap().is_empty());
        let error = one(b"GANNET__SERVER__LISTEN").err().unwrap().to_string();
        assert_eq!(error, "GANNET__SERVER__LISTEN: expected a value in UTF-8");
    }

    #[test]
    fn threads_without_end_are_refused() {
        for key in ["workers", "abandoned_max"] {
            let many = layer("my.toml", &format!("[engine]\n{key} = 1000000"));
            let error =
                format!("{:#}", Config::of_layers(vec![default_layer(), many]).unwrap_err());
            let expected = format!("my.toml: engine.{key}: expected 0 to 4096, this is 1000000");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_setting_without_a_value_is_refused() {
        assert!(setting_layer("--set", "server.listen").is_err());
    }
}
